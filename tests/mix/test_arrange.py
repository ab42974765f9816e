"""Who meets whom, in any number of voices: counts, repetition, folds, and the order of the input."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.errors import ImtoolsWarning, UsageError
from imtools.grouping import groups_of
from imtools.labels import label_matrix
from imtools.manifest import Label, Record
from imtools.mix import (
    Composition,
    MixSettings,
    SourcePool,
    Within,
    arrange_combinations,
    arrange_levels,
    in_order,
    mix_records,
)
from imtools.mix.arrange import Compatibility, PlannedMix
from imtools.mix.sync import NoSync, Sync

pytestmark = pytest.mark.filterwarnings("ignore::imtools.errors.ImtoolsWarning")


def record(name: str, label: str, **more) -> Record:
    keys = {"audio": f"{name}.wav", "start": 0.0, "duration": 1.0, "sampling_rate": 8000, "num_samples": 8000}
    labels = [Label(label)]
    return Record(
        id=name, **({"groups": [f"g-{name}"], "labels": labels, "labels_complete": True} | keys | more)
    )


def plan(records: list[Record], *, seed: int = 0, **options) -> list[Record]:
    return mix_records(records, MixSettings(**options), seed=seed)


@st.composite
def materials(draw) -> list[Record]:
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from("pqrstu"), st.sampled_from([None, 0, 1])),
            max_size=40,
        )
    )
    folds = {group: fold for _, group, fold in rows}  # a recording is in one fold
    return [
        record(f"{label}{i}", label, groups=[group], fold=folds[group])
        for i, (label, group, _) in enumerate(rows)
    ]


def check(planned: list[PlannedMix]) -> None:
    """What holds for all planned: classes, groups and folds."""
    for mix in planned:
        names = [one.labels[0].label for one in mix.records]
        assert names == sorted(set(names))
        assert len({one.fold for one in mix.records}) <= 1
        assert all(one.fold == mix.template.fold for one in mix.records)
        for a, b in itertools.combinations(mix.records, 2):
            assert groups_of(a).isdisjoint(groups_of(b))


@settings(max_examples=100, deadline=None)
@given(materials(), st.integers(2, 4), st.integers(0, 3), st.randoms(use_true_random=False))
def test_combinations_have_every_class_once_and_no_record_twice(records, voices, seed, rng):
    try:
        planned = arrange_combinations(SourcePool(records), voices=voices, seed=seed)
    except UsageError:
        return
    check(planned)
    for kind, some in itertools.groupby(planned, key=lambda mix: mix.kind):
        several = [mix.records for mix in some]
        for number, name in enumerate(kind.split("-")):
            used = [sources[number] for sources in several]
            assert all(one.labels[0].label == name for one in used)
            assert len({one.id for one in used}) == len(used)
            assert len(used) <= sum(one.labels[0].label == name for one in records)
    rng.shuffle(records)
    assert arrange_combinations(SourcePool(records), voices=voices, seed=seed) == planned


@given(st.integers(2, 5), st.lists(st.integers(1, 6), min_size=2, max_size=5))
def test_of_different_recordings_a_combination_has_as_many_mixes_as_its_smallest_class(voices, sizes):
    records = [
        record(f"{name}{i}", name) for name, size in zip("abcde", sizes, strict=False) for i in range(size)
    ]
    if voices > len(sizes):
        with pytest.raises(UsageError, match=f"{voices} voices take {voices} classes"):
            arrange_combinations(SourcePool(records), voices=voices)
        return
    counts = Counter(mix.kind for mix in arrange_combinations(SourcePool(records), voices=voices))
    known = dict(zip("abcde", sizes, strict=False))
    expected = {"-".join(c): min(known[n] for n in c) for c in itertools.combinations(sorted(known), voices)}
    assert counts == expected


def test_eleven_classes_make_55_pairs_and_165_trios():
    records = [record(f"{name}{i}", name) for name in "abcdefghijk" for i in range(2)]
    for voices, combinations in ((2, 55), (3, 165)):
        counts = Counter(mix.kind for mix in arrange_combinations(SourcePool(records), voices=voices))
        assert len(counts) == combinations
        assert set(counts.values()) == {2}


def test_combinations_of_several_sizes_can_be_named():
    records = [record(f"{name}{i}", name) for name in "abcd" for i in range(3)]
    planned = arrange_combinations(SourcePool(records), combinations=[("c", "a"), ("d", "b", "a")], limit=2)
    assert Counter(mix.kind for mix in planned) == {"a-c": 2, "a-b-d": 2}
    for wrong, message in ((["a"], "alone"), (["a", "a"], "with itself"), (["a", "z"], "of class z")):
        with pytest.raises(UsageError, match=message):
            arrange_combinations(SourcePool(records), combinations=[tuple(wrong)])


# --- by polyphony ---


@settings(max_examples=60, deadline=None)
@given(materials(), st.integers(1, 12), st.integers(0, 3), st.randoms(use_true_random=False))
def test_levels_have_their_number_of_classes_and_no_sources_twice(records, per_level, seed, rng):
    if not records:
        return
    material = SourcePool(records)
    most = max(len(pools) for pools in material.compartments.values())
    levels = range(most + 1)
    planned = arrange_levels(material, levels, per_level, seed=seed)
    check(planned)
    for level in levels:
        several = [m.records for m in planned if m.kind == f"polyphony-{level:02d}"]
        assert all(len(sources) == level for sources in several)
        assert len(several) <= per_level
        if level:
            assert len({frozenset(one.id for one in sources) for sources in several}) == len(several)
        else:
            assert len(several) == per_level
    rng.shuffle(records)
    assert arrange_levels(SourcePool(records), levels, per_level, seed=seed) == planned


def test_eleven_levels_of_a_hundred_use_all_classes_and_records_evenly():
    records = [record(f"{name}{i:02d}", name) for name in "abcdefghij" for i in range(20)]
    planned = arrange_levels(SourcePool(records), range(11), 100, seed=3)
    assert Counter(len(mix.records) for mix in planned) == dict.fromkeys(range(11), 100)
    for level in range(1, 11):
        used = [one for mix in planned if len(mix.records) == level for one in mix.records]
        assert set(Counter(one.labels[0].label for one in used).values()) == {10 * level}
        assert max(Counter(one.id for one in used).values()) <= -(-10 * level // 20)


def test_a_level_that_runs_out_says_so():
    records = [record("a0", "a"), record("b0", "b"), record("b1", "b")]
    with pytest.warns(ImtoolsWarning, match="polyphony 2: only 2 different mixes can be made, not 5"):
        planned = arrange_levels(SourcePool(records), [2], 5)
    assert {tuple(one.id for one in m.records) for m in planned} == {("a0", "b0"), ("a0", "b1")}
    message = "polyphony 3 takes 3 classes in one split and fold, and there are only 2"
    with pytest.raises(UsageError, match=message):
        arrange_levels(SourcePool(records), [3], 5)
    with pytest.raises(UsageError, match="0 mixes a level"):
        arrange_levels(SourcePool(records), [1], 0)


def test_labels_of_levels_are_binary_arrays():
    """Chen et al. 2024, table V: one 1 for a solo, two for a duo, none for silence."""
    records = [record(f"{name}{i}", name) for name in "abc" for i in range(4)]
    mixes = plan(records, polyphony=range(4), per_level=4, seed=1)
    present, known = label_matrix(mixes, list("abc"))
    assert present.sum(axis=1).tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    assert known.all()
    assert [mix.mix["polyphony"] for mix in mixes] == present.sum(axis=1).tolist()
    assert [mix.get("mix.polyphony") for mix in mixes] == present.sum(axis=1).tolist()


def test_silence_is_as_long_as_a_record_of_its_fold():
    records = [
        record("a", "a", fold=0),
        record("b", "b", fold=1, sampling_rate=16000, num_samples=32000, duration=2.0),
    ]
    mixes = plan(records, polyphony=[0], per_level=4)
    assert [(m.fold, m.sampling_rate, m.num_samples) for m in mixes] == [(0, 8000, 8000)] * 2 + [
        (1, 16000, 32000)
    ] * 2
    assert len({m.id for m in mixes}) == 4
    assert not any(m.groups or m.labels for m in mixes)


# --- conditions and draws ---


@settings(max_examples=40, deadline=None)
@given(materials())
def test_within_a_key_only_equal_values_meet(records):
    try:
        planned = arrange_combinations(SourcePool(records, [Within("groups").compatibility]))
    except UsageError:
        planned = []
    assert planned == []  # one recording is one group, and groups never meet
    records = [one.replace(extra={"room": one.groups[0] in "pqr"}) for one in records]
    try:
        planned = arrange_combinations(SourcePool(records, [Within("room").compatibility]))
    except UsageError:
        return
    assert all(len({one.extra["room"] for one in mix.records}) == 1 for mix in planned)


def test_conditions_that_nobody_meets_are_named():
    records = [record("a", "a"), record("b", "b")]
    with pytest.raises(UsageError, match=r"no record has a value of 'source.room'"):
        SourcePool(records, [Within("source.room").compatibility])
    needs_x = Compatibility(lambda one: None if one.id == "a" else 1, "x")
    with pytest.raises(UsageError, match="no record has x or y"):
        SourcePool(records, [needs_x, Compatibility(lambda one: None, "y")])


class Fake(Sync):
    def __init__(self, name: str, changes: str | None, order: int) -> None:
        self.name, self.changes, self.order = name, changes, order


def test_syncs_are_ordered_and_rivals_refused():
    tempo, pitch, key = Fake("tempo", "tempo", 1), Fake("pitch", "pitch", 2), Fake("key", "pitch", 2)
    chain = in_order([pitch, NoSync(), Within("x"), tempo])
    assert [sync.name for sync in chain] == ["within", "tempo", "pitch"]
    assert Composition(syncs=chain).sync_name == "within+tempo+pitch"
    with pytest.raises(UsageError, match="syncs pitch and key both change the pitch"):
        in_order([pitch, key])
    assert in_order([NoSync()]) == []
    assert Composition().sync_name == "none"


@given(st.integers(0, 5), st.floats(-20, 0), st.floats(0, 20), st.integers(2, 4))
def test_gains_and_offsets_are_drawn_within_their_ranges(seed, low, high, voices):
    records = [record(f"{name}{i}", name) for name in "abcd" for i in range(2)]
    options = {"gain_db": (low, high), "snr_db": (low, high), "offset": (0.1, 0.4), "voices": voices}
    mixes = plan(records, seed=seed, **options)
    for mix in mixes:
        first, *others = mix.mix["tracks"]
        assert (first["offset"], first["gain_db"], first.get("snr_db")) == (0.0, 0.0, None)
        for track in others:
            assert low - 0.01 <= track["gain_db"] <= high + 0.01
            assert low - 0.01 <= track["snr_db"] <= high + 0.01
            assert 0.1 <= track["offset"] <= 0.4
    assert plan(records, seed=seed, **options) == mixes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gain_db": (3.0, -3.0)}, "gain from 3 to -3; give the lower one first"),
        ({"offset": (-0.1, 0.0)}, "offset -0.1:0 is out of range; give 0 to 86400 seconds"),
        ({"gain_db": (0.0, float("inf"))}, "gain 0:inf is out of range; give -200 to 200 dB"),
        ({"snr_db": (float("nan"),) * 2}, "snr nan:nan is out of range"),
        ({"renderer": "sox"}, "no renderer 'sox'; choose from float, pydub"),
    ],
)
def test_wrong_ranges_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Composition(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"polyphony": [1], "limit": 2}, "`polyphony` decides .*; leave out `pairs`, `voices` and `limit`"),
        ({"polyphony": [1], "pairs": [("a", "b")]}, "`polyphony` decides"),
        ({"per_level": 3}, "`per_level` counts the mixes of `polyphony`"),
        ({"pairs": [("a", "b")], "voices": 3}, "`pairs` names classes, `voices` counts them"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        MixSettings(**options)


def test_settings_that_mean_the_same_are_equal():
    assert MixSettings(sync="genre") == MixSettings(sync=["genre", "genre"]) != MixSettings()
    assert MixSettings(sync=("none",)) == MixSettings()
