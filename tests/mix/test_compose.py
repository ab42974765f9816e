from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.audio.load import close_files, load
from imtools.errors import AudioError, ImtoolsWarning, ManifestError, UsageError
from imtools.grouping import groups_of
from imtools.manifest import Label, Record, dump_line, parse_line
from imtools.mix import MixSettings, get_sync, mix_records
from imtools.mix.pairing import combine
from imtools.sound.overlay import headroom_db, overlay
from imtools.sound.recipe import MixTrack, Recipe
from imtools.sound.render import load_sound, render


def record(name: str, label: str = "a", **more) -> Record:
    keys = {"audio": f"{name}.wav", "start": 0.0, "duration": 1.0, "sampling_rate": 8000, "num_samples": 8000}
    labels = [Label(one) for one in label]
    return Record(id=name, **({"groups": [f"g-{name}"], "labels": labels} | keys | more))


GOLDEN_PAIRS = [("a0", "b1"), ("a1", "b2"), ("a2", "b0")]
GOLDEN_IDS = ["mix/none/a-b/00000-93814548", "mix/none/a-b/00001-60ec9d6f", "mix/none/a-b/00002-a78b36e5"]

# --- pairing ---


def plan(records: list[Record], *, seed: int = 0, **options) -> list[Record]:
    return mix_records(records, MixSettings(**options), seed=seed)


@st.composite
def two_sets(draw) -> tuple[list[Record], list[Record]]:
    sets = [draw(st.lists(st.sampled_from("pqrs"), max_size=12)) for _ in "ab"]
    return tuple(
        [record(f"{label}{i}", label, groups=[group]) for i, group in enumerate(names)]
        for label, names in zip("ab", sets, strict=True)
    )


@settings(max_examples=200, deadline=None)
@given(two_sets(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_pairing_is_as_large_as_groups_allow_and_repeats_nothing(sets, seed, rng):
    first, second = sets
    pairs = combine([first, second], seed)
    assert len({a.id for a, _ in pairs}) == len({b.id for _, b in pairs}) == len(pairs)
    assert all(a.id[0] == "a" and b.id[0] == "b" for a, b in pairs)
    assert all(groups_of(a).isdisjoint(groups_of(b)) for a, b in pairs)
    # König: records are covered by one set, by the other, or by all that are not of some one group
    names = {record.groups[0] for record in [*first, *second]}
    outside = [sum(record.groups[0] != name for record in [*first, *second]) for name in names]
    assert len(pairs) == min([len(first), len(second), *outside])
    rng.shuffle(first)
    rng.shuffle(second)
    assert combine([first, second], seed) == pairs


def test_the_seed_decides_who_meets_whom():
    first, second = ([record(f"{label}{i}", label) for i in range(30)] for label in "ab")
    assert combine([first, second], 0) != combine([first, second], 1)
    order = [int(a.id[1:]) for a, _ in combine([first, second], 0)]
    assert sorted(order) == list(range(30))
    assert order != sorted(order)


# --- planning ---


@st.composite
def materials(draw) -> list[Record]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", "c", "d", "ab", ""]),
                st.sampled_from(["p", "q", "r", "s", "t", "u"]),
                st.sampled_from([None, "rock", "jazz"]),
            ),
            max_size=30,
        )
    )
    folds = {"p": 0, "q": 0, "r": 0, "s": 1, "t": 1, "u": None}
    return [
        record(
            f"r{i}",
            label,
            groups=[group],
            fold=folds[group],
            split="test" if group == "r" else "train",
            genre=genre,
        )
        for i, (label, group, genre) in enumerate(rows)
    ]


def planned(records: list[Record], **options) -> list[Record]:
    """Plan; material that allows no mix gives none."""
    try:
        return plan(records, **options)
    except UsageError:
        return []


@pytest.mark.filterwarnings("ignore::imtools.errors.ImtoolsWarning")
@settings(max_examples=100, deadline=None)
@given(materials(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_plans_repeat_nothing_and_cross_no_fold(records, seed, rng):
    mixes = planned(records, seed=seed)
    by_id = {record.id: record for record in records}
    used = Counter()
    for mix in mixes:
        first, second = (by_id[track["id"]] for track in mix.mix["tracks"])
        pair = (*first.present_labels(), *second.present_labels())
        assert list(pair) == sorted(set(pair)) == mix.present_labels()
        assert (first.split, first.fold) == (second.split, second.fold) == (mix.split, mix.fold)
        assert set(mix.groups) == {*first.groups, *second.groups}
        assert len(mix.groups) == 2
        assert mix.genre == (first.genre if first.genre == second.genre else None)
        used.update([(pair, first.id), (pair, second.id)])
        assert parse_line(dump_line(mix), "here").to_json() == mix.to_json()
    assert set(used.values()) <= {1}
    assert len({mix.id for mix in mixes}) == len(mixes)
    rng.shuffle(records)
    assert list(map(dump_line, planned(records, seed=seed))) == list(map(dump_line, mixes))


CLASSES = ["cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi"]


def eleven(per_class: int = 4) -> list[Record]:
    return [
        record(f"{name}{i}", genre="rock", labels=[Label(name)])
        for c, name in enumerate(CLASSES)
        for i in range(per_class + c)
    ]


def test_eleven_classes_make_55_pairs_with_as_many_mixes_as_the_smaller_class_has():
    mixes = plan(eleven())
    counts = Counter(tuple(mix.present_labels()) for mix in mixes)
    assert counts == {pair: 4 + CLASSES.index(pair[0]) for pair in itertools.combinations(CLASSES, 2)}
    assert len(counts) == 55
    assert mixes[0].id.startswith("mix/none/cel-cla/00000-")


def test_pairs_and_limit_choose():
    mixes = plan(eleven(), pairs=[("voi", "cel"), ("cel", "voi"), ("flu", "gac")], limit=3)
    assert Counter(tuple(mix.present_labels()) for mix in mixes) == {("cel", "voi"): 3, ("flu", "gac"): 3}
    everything = {str(mix.mix["tracks"]) for mix in plan(eleven())}
    assert {str(mix.mix["tracks"]) for mix in mixes} <= everything


def test_a_seed_gives_one_plan():
    assert plan(eleven(), seed=1) == plan(eleven(), seed=1) != plan(eleven(), seed=2)


def test_the_plan_of_a_seed_never_changes():
    """The partners follow from SHA-256 alone, on every machine and version."""
    mixes = plan([record(f"{label}{i}", label) for i in range(3) for label in "ab"], seed=7)
    assert [tuple(t["id"] for t in mix.mix["tracks"]) for mix in mixes] == GOLDEN_PAIRS
    assert [mix.id for mix in mixes] == GOLDEN_IDS


@settings(max_examples=50, deadline=None)
@given(materials())
@pytest.mark.filterwarnings("ignore::imtools.errors.ImtoolsWarning")
def test_genre_sync_stays_within_a_genre(records):
    for mix in planned(records, sync="genre"):
        genres = {r.genre for r in records if r.id in [track["id"] for track in mix.mix["tracks"]]}
        assert genres == {mix.genre}
        assert mix.genre is not None


def test_records_without_a_genre_are_counted():
    records = [record("x", "a", genre="rock"), record("y", "b", genre="rock"), record("z", "b")]
    with pytest.warns(ImtoolsWarning, match="1 of 3 records lack a genre"):
        assert len(plan(records, sync="genre")) == 1
    with pytest.raises(UsageError, match="no record has a genre"):
        plan([record("z", "b")], sync="genre")


def test_records_that_are_left_out_are_counted():
    records = [record("x"), record("y", "b"), record("z", "b", audio=None), record("m", "ab")]
    with pytest.warns(ImtoolsWarning) as caught:
        assert len(plan(records)) == 1
    assert [str(one.message).split(" and are left")[0] for one in caught] == [
        "1 of 4 records do not have a single label",
        "1 of 3 records have features only, no audio,",
    ]


def test_labels_unite_and_only_what_both_know_to_be_absent_stays_so():
    first = record("x", labels=[Label("a"), Label("c", 0.0), Label("d", 0.1), Label("b", 0.2)])
    second = record("y", labels=[Label("b", 0.9, role="solo"), Label("d", 0.3)])
    (mix,) = plan([first, second])
    assert [(x.label, x.presence) for x in mix.labels] == [("a", 1.0), ("b", 0.9), ("d", 0.3)]
    assert not mix.labels_complete
    (mix,) = plan([first.replace(labels_complete=True), second.replace(labels_complete=True)])
    assert [(x.label, x.presence) for x in mix.labels] == [("a", 1.0), ("b", 0.9), ("c", 0.0), ("d", 0.3)]
    assert mix.labels_complete


def test_a_mix_lasts_as_long_as_its_shorter_track_at_the_rate_of_the_first():
    first = record("x", "a", duration=2.0, num_samples=16000)
    second = record("y", "b", sampling_rate=44100, num_samples=22050, duration=0.5)
    (mix,) = plan([first, second])
    assert (mix.sampling_rate, mix.num_samples, mix.duration) == (8000, 4000, 0.5)
    assert mix.mix["gain_db"] == pytest.approx(-20 * math.log10(2))
    assert plan([first, second], headroom=False)[0].mix["gain_db"] == 0.0


def test_what_the_sources_share_is_kept():
    first = record("x", "a", source={"dataset": "d", "license": "l", "audio": "x"})
    second = record("y", "b", source={"dataset": "d", "license": "m", "audio": "y"})
    assert plan([first, second])[0].source == {"dataset": "d"}


def test_ids_stay_valid_whatever_the_classes_are_called():
    records = [record("x", labels=[Label("E. guitar")]), record("y", labels=[Label("süß")])]
    (mix,) = plan(records)
    assert Record.from_json(mix.to_json()).id == mix.id


@pytest.mark.parametrize(
    ("records", "options", "message"),
    [
        ([], {}, "there are no records to mix; check the input"),
        ([record("x", "ab")], {}, "none of 1 records has a single label"),
        ([record("x")], {}, "2 voices take 2 classes, and the records have only: a"),
        ([record("x"), record("y", "b", groups=["g-x"])], {}, "no records can be mixed"),
        ([record("x"), record("y", "b", fold=1)], {}, "no records can be mixed"),
        ([record("x"), record("y", "b")], {"limit": 0}, "at most 0"),
        (
            [record("x"), record("y", "b")],
            {"sync": "mood"},
            "no synchronisation 'mood'; choose from none, genre, pitch",
        ),
        ([record("x"), record("y", "b")], {"pairs": [("a", "z")]}, "of class z; choose from a, b"),
        ([record("x"), record("y", "b")], {"pairs": [("a", "a")]}, "with itself"),
        ([record("x", audio=None), record("y", "b", audio=None)], {}, "no record has audio to mix"),
    ],
)
def test_what_cannot_be_planned_is_refused(records, options, message):
    with pytest.raises(UsageError, match=message):
        plan(records, **options)


# --- recipes ---


def test_recipes_survive_json_with_keys_they_do_not_know():
    block = {
        "sync": "pitch",
        "seed": 7,
        "gain_db": -6.0,
        "tracks": [
            {
                "id": "a",
                "audio": "a.wav",
                "start": 1.0,
                "duration": 2.0,
                "sampling_rate": 8000,
                "num_samples": 16000,
            }
            | {
                "channels": [1],
                "padding": 0.5,
                "normalize": "rms",
                "offset": 0.25,
                "gain_db": 3.0,
                "shift": [[0, 1]],
            }
        ],
        "tempo": 120,
    }
    recipe = Recipe.from_json(block)
    assert recipe.to_json() == block
    track = recipe.tracks[0]
    assert (track.record.normalize, track.record.channels, track.offset) == ("rms", [1], 0.25)


TRACK = MixTrack.from_record(record("a")).to_json()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ([], "mix.* must be an object"),
        ({"seed": 1, "tracks": [TRACK]}, "mix.sync"),
        ({"sync": "none", "seed": "1", "tracks": [TRACK]}, "mix.seed"),
        ({"sync": "none", "seed": 1, "tracks": {}}, "mix.tracks"),
        ({"sync": "none", "seed": 1, "tracks": [TRACK], "gain_db": None}, "mix.gain_db"),
        ({"sync": "none", "seed": 1, "tracks": [TRACK, {**TRACK, "offset": -1}]}, r"mix.tracks\[1\].offset"),
        ({"sync": "none", "seed": 1, "tracks": [{**TRACK, "gain_db": math.inf}]}, r"mix.tracks\[0\].gain_db"),
        ({"sync": "none", "seed": 1, "tracks": [{**TRACK, "num_samples": 1.5}]}, "num_samples"),
        ({"sync": "none", "seed": 1, "tracks": [{**TRACK, "audio": None}]}, "audio"),
    ],
)
def test_bad_recipes_are_refused(block, message):
    with pytest.raises(ManifestError, match=message):
        Recipe.from_json(block)


# --- overlay ---


def test_overlay_adds_with_gains_and_offsets_up_to_the_end_of_the_first_to_end():
    a, b = np.ones(10, np.float32), np.full(6, 2, np.float32)
    assert overlay([a, b]).tolist() == [3.0] * 6
    assert overlay([a, b], offsets=[0, 2]).tolist() == [1, 1, 3, 3, 3, 3, 3, 3]
    assert overlay([a, b], offsets=[0, 7]).tolist() == [1] * 7 + [3] * 3
    quiet = overlay([a, b], gains_db=[20.0, 0.0], gain_db=-20.0)
    np.testing.assert_allclose(quiet, 1 + 0.2, rtol=1e-6)
    assert quiet.dtype == np.float32


def test_overlay_spreads_mono_over_channels_and_refuses_other_mismatches():
    stereo, mono = np.array([[1, 1], [2, 2]], np.float32), np.ones((1, 2), np.float32)
    assert overlay([mono, stereo]).tolist() == [[2, 2], [3, 3]]
    with pytest.raises(AudioError, match="2 and 3 channels"):
        overlay([stereo, np.ones((3, 2), np.float32)])
    with pytest.raises(UsageError):
        overlay([])


@given(st.integers(1, 12))
def test_headroom_keeps_full_scale_in_full_scale(n):
    loud = [np.array([1.0, -1.0], np.float32)] * n
    assert np.abs(overlay(loud, gain_db=headroom_db(n))).max() == pytest.approx(1.0, abs=1e-6)


# --- rendering ---


@pytest.fixture(autouse=True)
def _close_files():
    yield
    close_files()


@pytest.fixture
def sounds(tmp_path: Path) -> Callable[..., Record]:
    rng = np.random.default_rng(0)

    def make(
        name: str, label: str, rate: int = 8000, seconds: float = 2.0, channels: int = 1, **more
    ) -> Record:
        path = tmp_path / f"{name}.wav"
        soundfile.write(
            path, 0.3 * rng.standard_normal((round(seconds * rate), channels)), rate, subtype="FLOAT"
        )
        size = {"duration": seconds, "sampling_rate": rate, "num_samples": round(seconds * rate)}
        return record(name, label, audio=str(path), **(size | more))

    return make


def test_rendering_lays_the_loaded_records_over_each_other(sounds):
    first = sounds("x", "a", normalize="rms")
    second = sounds("y", "b", seconds=1.5)
    (mix,) = plan([first, second])
    expected = 0.5 * (load(first, mono=True)[:12000] + load(second, mono=True))
    np.testing.assert_allclose(render(mix), expected, atol=1e-6)
    assert render(mix).dtype == np.float32
    assert render(mix).tobytes() == render(parse_line(dump_line(mix), "here")).tobytes()
    assert load_sound(mix).tobytes() == render(mix).tobytes()
    assert load_sound(first).tobytes() == load(first, mono=True).tobytes()


def test_a_rendered_mix_is_read_from_its_file(sounds, tmp_path):
    (mix,) = plan([sounds("x", "a"), sounds("y", "b")])
    path = tmp_path / "mix.wav"
    soundfile.write(path, np.zeros(16000), 8000, subtype="FLOAT")
    assert not load_sound(mix.replace(audio=str(path))).any()


def test_the_second_track_takes_the_rate_of_the_first(sounds):
    first, second = sounds("x", "a"), sounds("y", "b", rate=44100)
    (mix,) = plan([first, second], headroom=False)
    at_8k = load(second.replace(sampling_rate=8000, num_samples=16000), mono=True)
    np.testing.assert_allclose(render(mix), load(first, mono=True) + at_8k, atol=1e-6)


def test_segments_of_a_mix_are_cut_from_it(sounds):
    (mix,) = plan([sounds("x", "a"), sounds("y", "b")])
    whole = render(mix)
    segment = mix.replace(start=0.5, duration=1.0, num_samples=8000)
    np.testing.assert_array_equal(render(segment), whole[4000:12000])
    padded = render(mix.replace(start=1.5, duration=1.0, num_samples=8000, padding=0.5))
    np.testing.assert_array_equal(padded, np.pad(whole[12000:], (0, 4000)))
    assert np.sqrt(np.mean(render(segment.replace(normalize="rms")) ** 2)) == pytest.approx(1.0, rel=1e-5)
    assert len(render(mix.replace(sampling_rate=4000, num_samples=8000))) == 8000
    with pytest.raises(AudioError, match=r"ends at 2\.5 s of a mix of 2 s"):
        render(mix.replace(start=1.5, duration=1.0, num_samples=8000))


def test_mixes_keep_channels_when_asked(sounds):
    stereo, mono = sounds("x", "a", channels=2), sounds("y", "b")
    (mix,) = plan([stereo, mono])
    both = render(mix, mono=False)
    assert both.shape == (2, 16000)
    np.testing.assert_allclose(render(mix), both.mean(axis=0), atol=1e-6)
    right = mix.replace(channels=[1])
    np.testing.assert_array_equal(render(right, mono=False), both[1:])
    np.testing.assert_array_equal(render(right), both[1])
    with pytest.raises(AudioError, match="channels"):
        render(mix.replace(channels=[2]))


def test_a_track_may_be_a_mix_itself(sounds):
    (inner,) = plan([sounds("x", "a"), sounds("y", "b")])
    part = inner.replace(start=0.5, duration=1.0, num_samples=8000, normalize="peak")
    other = sounds("z", "c", seconds=1.0)
    tracks = [MixTrack.from_record(part), MixTrack.from_record(other)]
    outer = part.replace(start=0.0, normalize=None, mix=Recipe("none", 0, tracks).to_json())
    again = Record.from_json(json.loads(json.dumps(outer.to_json())))
    np.testing.assert_allclose(render(again), render(part) + load(other, mono=True), atol=1e-6)


def test_real_recordings_mix(shared_dir: Path):
    rows = map(json.loads, (shared_dir / "audio" / "manifest.jsonl").read_text().splitlines())
    records = []
    for number, row in enumerate(rows):
        rate = row["sampling_rate"]
        keys = {"duration": 0.5, "sampling_rate": rate, "num_samples": round(0.5 * rate), "normalize": "rms"}
        if row["seconds"] > 0.8 and row["labels"] in (["cel"], ["flu"], ["pia"]):
            audio, labels = str(shared_dir / "audio" / row["path"]), [Label(row["labels"][0])]
            records.append(record(f"r{number}", labels=labels, audio=audio, **keys))
    mixes = plan(records, limit=2)
    assert {tuple(mix.present_labels()) for mix in mixes} == {("cel", "flu"), ("cel", "pia"), ("flu", "pia")}
    for mix in mixes:
        samples = render(mix)
        assert samples.shape == (mix.num_samples,)
        assert 0.6 < np.sqrt(np.mean(samples**2)) < 0.8  # two unrelated tracks of unit RMS at -6 dB each


def test_every_sync_is_found_by_its_name():
    assert [get_sync(name).name for name in ("none", "genre")] == ["none", "genre"]
