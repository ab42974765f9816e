from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.audio.levels import rms
from imtools.audio.load import close_files, load
from imtools.augment import Augmentation, Values, choose_copies
from imtools.cli.parsing import parse_values
from imtools.effects import (
    EFFECTS,
    Crop,
    Effect,
    Filter,
    Noise,
    Pad,
    Polarity,
    parse_effect,
)
from imtools.errors import AudioError, UsageError
from imtools.manifest import (
    FeatureRef,
    Label,
    Prediction,
    Record,
    dump_line,
    parse_line,
    read_manifest,
)
from imtools.manifest.values import WrongKeyError
from imtools.sound.labels import track_labels
from imtools.sound.recipe import MixTrack, Recipe
from imtools.sound.render import render
from paths import ROOT
from shell import run_script

ENGINES = [
    "signalsmith",
    pytest.param(
        "rubberband", marks=pytest.mark.skipif(shutil.which("rubberband") is None, reason="no rubberband")
    ),
]

# --- effects ---

SOME = [
    Polarity(),
    *(Noise(10.0, color, seed=3) for color in ("white", "pink", "brown")),
    Filter("lowpass", 500.0),
    Filter("highpass", 500.0, order=2),
    Filter("lowpass", 1e6),
    Crop(0.01, 0.02),
    Pad(0.01, 0.5),
]
A_SOME = pytest.mark.parametrize("effect", SOME, ids=lambda effect: f"{effect}")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@A_SOME
@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("shape", [(0,), (1,), (777,), (1, 777), (3, 777), (2, 1), (2, 0)], ids=str)
def test_effects_take_signals_of_any_shape(effect: Effect, shape: tuple[int, ...], rate: int):
    signal = noise(*shape)
    before = signal.copy()
    changed = effect.apply(signal, rate)
    assert changed.dtype == np.float32
    assert changed.shape == (*shape[:-1], effect.length(shape[-1], rate))
    assert np.isfinite(changed).all()
    np.testing.assert_array_equal(signal, before)
    assert effect.apply(signal, rate).tobytes() == changed.tobytes()


@A_SOME
def test_effects_survive_json(effect: Effect):
    assert parse_effect(json.loads(json.dumps(effect.to_json())), "here") == effect
    assert EFFECTS[effect.name] is type(effect)


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ({}, "x.effect"),
        ({"effect": "reverb"}, "x.effect"),
        ({"effect": "polarity", "depth": 1}, "x.depth"),
        ({"effect": "noise"}, "x.snr_db"),
        ({"effect": "noise", "snr_db": 201}, "x.snr_db"),
        ({"effect": "noise", "snr_db": 3, "color": "blue"}, "x.color"),
        ({"effect": "noise", "snr_db": 3, "seed": -1}, "x.seed"),
        ({"effect": "filter", "kind": "notch", "frequency": 50}, "x.kind"),
        ({"effect": "filter", "kind": "lowpass", "frequency": 0}, "x.frequency"),
        ({"effect": "filter", "kind": "lowpass", "frequency": 50, "order": 13}, "x.order"),
        ({"effect": "filter", "kind": "lowpass", "frequency": 50, "order": 0}, "x.order"),
        ({"effect": "crop", "start": -1, "duration": 1}, "x.start"),
        ({"effect": "crop", "start": 1}, "x.duration"),
        ({"effect": "pad", "before": 1, "duration": "1"}, "x.duration"),
    ],
)
def test_bad_effects_are_refused_by_their_key(block, key):
    with pytest.raises(WrongKeyError, match=f"key '{key}'"):
        parse_effect(block, "x")


def test_polarity_inverts():
    signal = noise(2, 50)
    np.testing.assert_array_equal(Polarity().apply(signal, 8000), -signal)


@settings(deadline=None)
@given(
    st.floats(-60, 60), st.sampled_from(["white", "pink", "brown"]), st.integers(2, 5000), st.integers(1, 3)
)
def test_noise_has_its_level(snr_db, color, count, channels):
    signal = noise(channels, count)
    added = Noise(snr_db, color, seed=1).apply(signal, 8000).astype(np.float64) - signal
    assert 20 * np.log10(rms(signal) / rms(added)) == pytest.approx(snr_db, abs=0.02)
    np.testing.assert_allclose(added, added[[0] * channels], atol=1e-6 * (1 + np.abs(added).max()))


@pytest.mark.parametrize(("color", "slope"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_noise_has_its_color(color, slope, rate):
    signal = np.ones(20 * rate, np.float32)
    added = Noise(0.0, color, seed=5).apply(signal, rate) - signal
    power = np.abs(np.fft.rfft(added)) ** 2
    frequencies = np.fft.rfftfreq(len(added), 1 / rate)
    octaves = [62.5 * 2**k for k in range(6)]
    levels = [10 * np.log10(power[(frequencies >= f) & (frequencies < 2 * f)].mean()) for f in octaves]
    assert np.polyfit(range(6), levels, 1)[0] == pytest.approx(slope, abs=0.15)


def test_noise_is_the_same_everywhere_and_another_for_another_seed():
    signal = np.eye(1, 4, 0, dtype=np.float32)[0]
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7)))
    expected = random.standard_normal(4, dtype=np.float32)
    added = Noise(0.0, seed=7).apply(signal, 8000) - signal
    np.testing.assert_allclose(added, expected * rms(signal) / rms(expected), atol=1e-7)
    np.testing.assert_allclose(expected, [1.521969, -1.144106, 1.150162, -1.784653], atol=1e-5)
    assert not np.allclose(Noise(0.0, seed=8).apply(signal, 8000) - signal, added)


def test_silence_gets_no_noise():
    assert not Noise(-20.0, "pink").apply(np.zeros((2, 100), np.float32), 8000).any()


def response(effect: Effect, frequency: float, rate: int) -> float:
    """The gain in dB at one frequency, of the impulse response."""
    answer = effect.apply(np.eye(1, rate, 0, dtype=np.float32)[0], rate)  # one second: bins of 1 Hz
    return 20 * np.log10(np.abs(np.fft.rfft(answer.astype(np.float64)))[round(frequency)] + 1e-30)


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("order", [1, 4, 8])
def test_filters_are_butterworth_at_every_rate(order, rate):
    for kind, sign in (("lowpass", 1), ("highpass", -1)):
        effect = Filter(kind, 200.0, order)
        for octaves in (-2, -1, 0, 1, 2):
            expected = -10 * np.log10(1 + 2.0 ** (2 * order * octaves * sign))
            if expected > -60:
                assert response(effect, 200 * 2.0**octaves, rate) == pytest.approx(
                    expected, rel=0.07, abs=0.1
                )


def test_filters_mind_the_nyquist_frequency():
    signal = noise(100)
    assert Filter("lowpass", 4000.0).apply(signal, 8000) is signal
    with pytest.raises(AudioError, match="high-pass at 4000 Hz leaves nothing of audio at 8000 Hz"):
        Filter("highpass", 4000.0).apply(signal, 8000)
    assert np.isfinite(Filter("highpass", 3999.9, 12).apply(signal, 8000)).all()
    assert np.isfinite(Filter("lowpass", 1.0, 12).apply(noise(9000), 192000)).all()


def test_crop_and_pad_place_by_seconds():
    signal = np.arange(1, 11, dtype=np.float32)
    assert Crop(0.2, 0.3).apply(signal, 10).tolist() == [3, 4, 5]
    assert Crop(0.8, 0.5).apply(signal, 10).tolist() == [9, 10]
    assert Crop(2.0, 0.5).apply(signal, 10).tolist() == []
    assert Pad(0.2, 1.5).apply(signal, 10).tolist() == [0, 0, *range(1, 11), 0, 0, 0]
    assert Pad(0.2, 0.5).apply(signal, 10).tolist() == [0, 0, 1, 2, 3]
    assert Pad(0.9, 0.5).apply(signal, 10).tolist() == [0] * 5


# --- what copies get ---


def record(name: str = "a/b", seconds: float = 2.0, **more) -> Record:
    rate = more.pop("sampling_rate", 1000)
    keys = {"start": 0.0, "duration": seconds, "sampling_rate": rate, "num_samples": round(seconds * rate)}
    return Record(id=name, **({"audio": f"{name}.wav", "labels": [Label("cel")]} | keys | more))


def values(*numbers: float) -> Values:
    return Values(numbers)


def tracks(copies: list[Record]) -> list[MixTrack]:
    return [Recipe.from_json(copy.mix).tracks[0] for copy in copies]


@given(st.integers(1, 20), st.integers(0, 3), st.text("ab", min_size=1, max_size=5))
def test_copies_take_the_values_of_a_list_in_turn(count, seed, name):
    numbers = (-6.0, -4.0, -2.0, 2.0, 4.0, 6.0)
    plan = Augmentation(gain=Values(numbers), copies=count, seed=seed)
    gains = [track.gain_db for track in tracks(plan.copies_of(record(name)))]
    first = numbers.index(gains[0])
    assert gains == [numbers[(first + k) % 6] for k in range(count)]


def test_few_copies_of_many_records_spread_over_a_list():
    plan = Augmentation(gain=values(1, 2, 3), copies=1)
    first = Counter(tracks(plan.copies_of(record(f"r{k}")))[0].gain_db for k in range(600))
    assert set(first) == {1, 2, 3}
    assert all(150 < count < 250 for count in first.values())


def test_copies_default_to_the_longest_list():
    assert Augmentation(gain=values(1, 2), noise=values(1, 2, 3), lowpass=values(9)).num_copies == 3
    assert Augmentation(gain=Values((1, 2), between=True), polarity=0.5).num_copies == 1
    assert Augmentation(gain=values(1, 2), copies=5).num_copies == 5


@given(st.floats(-100, 100), st.floats(0, 50), st.integers(0, 9))
def test_bounds_hold(low, width, number):
    drawn = Values((low, low + width), between=True)
    assert low <= drawn.pick(number, "key") <= low + width


def test_bounds_are_drawn_from_evenly():
    drawn = Values((0.0, 1.0), between=True)
    sample = [drawn.pick(number, name) for number in range(40) for name in "abcdefghij"]
    assert len(set(sample)) == 400
    assert max(abs(np.sort(sample) - np.linspace(0, 1, 400))) < 0.07  # Kolmogorov and Smirnov: p > 0.03


def test_polarity_is_a_probability():
    shares = {}
    for chance in (0.0, 0.3, 1.0):
        copies = Augmentation(polarity=chance, copies=400).copies_of(record())
        shares[chance] = sum(Polarity() in track.effects for track in tracks(copies)) / 400
    assert shares[0.0] == 0
    assert 0.2 < shares[0.3] < 0.4
    assert shares[1.0] == 1


EVERYTHING = Augmentation(
    gain=Values((-6.0, 6.0), between=True),
    noise=values(20, 30),
    noise_color="pink",
    lowpass=values(400),
    highpass=values(20),
    polarity=0.5,
    crop=1.0,
    pad=3.0,
    copies=4,
    seed=1,
)


def test_copies_are_recipes_of_one_track_in_a_fixed_order():
    source = record()
    for copy, track in zip(EVERYTHING.copies_of(source), tracks(EVERYTHING.copies_of(source)), strict=True):
        names = [effect.name for effect in track.effects if effect.name != "polarity"]
        assert names == ["filter", "filter", "crop", "noise", "pad"]
        assert [effect.kind for effect in track.effects[:2]] == ["lowpass", "highpass"]
        assert track.record.audio == source.audio
        assert (copy.audio, copy.num_samples, copy.duration) == (None, 3000, 3.0)
        recipe = Recipe.from_json(copy.mix)
        assert (recipe.sync, recipe.seed, recipe.stretcher, len(recipe.tracks)) == ("none", 1, None, 1)
        assert parse_line(dump_line(copy), "here").to_json() == copy.to_json()


def test_random_places_and_noise_are_another_for_each_copy_record_and_seed():
    def places(plan: Augmentation, name: str) -> list[tuple[object, ...]]:
        return [track.effects for track in tracks(plan.copies_of(record(name)))]

    plan = Augmentation(crop=1.0, noise=values(20), pad=3.0, copies=20)
    other = Augmentation(crop=1.0, noise=values(20), pad=3.0, copies=20, seed=1)
    found = places(plan, "a") + places(plan, "b") + places(other, "a")
    assert places(plan, "a") == found[:20]
    for kind, name in ((Crop, "start"), (Noise, "seed"), (Pad, "before")):
        drawn = [getattr(next(e for e in effects if isinstance(e, kind)), name) for effects in found]
        assert len(set(drawn)) > 55


GOLDEN_IDS = [
    "a/b/aug-0000-ca1f1158",
    "a/b/aug-0001-ad03c50d",
    "a/b/aug-0002-e6558e99",
    "a/b/aug-0003-13e870db",
]


def test_the_same_seed_gives_the_same_copies_in_every_version():
    ids = [copy.id for copy in EVERYTHING.copies_of(record())]
    assert ids == GOLDEN_IDS
    assert all(
        copy.id == EVERYTHING.copies_of(record(), [n])[0].id
        for n, copy in enumerate(EVERYTHING.copies_of(record()))
    )


def test_ids_tell_copies_options_and_seeds_apart():
    plans = [
        Augmentation(gain=values(1), copies=3),
        Augmentation(gain=values(2)),
        Augmentation(gain=values(1), seed=1),
        Augmentation(gain=values(1), polarity=1.0),
        Augmentation(gain=values(1), pad=3.0),
    ]
    ids = [copy.id for plan in plans for copy in plan.copies_of(record())]
    assert len(set(ids)) == len(ids) == 7
    assert Augmentation(gain=values(1)).copies_of(record())[0].id == ids[0]


def test_copies_keep_what_stays_true_and_drop_what_does_not():
    source = record(
        groups=["g"], split="train", fold=2, genre="cla", labels_complete=True, normalize="peak", padding=0.5,
        channels=[1], source={"dataset": "d", "start": 4.0}, extra={"mine": 1}, history=[{"tool": "im-x"}],
        features={"cqt": FeatureRef("c.npy", 0, (1,), "float32", "sha256:0")},
        predictions=[Prediction("m", "cel", 0.5)],
    )  # fmt: skip
    (copy,) = Augmentation(gain=values(3)).copies_of(source)
    for name in (
        "groups",
        "split",
        "fold",
        "genre",
        "labels",
        "labels_complete",
        "source",
        "extra",
        "history",
    ):
        assert getattr(copy, name) == getattr(source, name)
    assert (copy.features, copy.predictions) == ({}, [])
    assert (copy.channels, copy.padding, copy.normalize) == (None, 0.0, None)
    assert tracks([copy])[0].record.to_json() == source.replace(
        groups=[], split=None, fold=None, genre=None, labels=[], labels_complete=False, source={}, extra={},
        history=[], features={}, predictions=[],
    ).to_json()  # fmt: skip


def test_a_crop_tells_where_in_the_recording_it_is():
    source = record(source={"dataset": "d", "start": 4.0, "duration": 2.0})
    (copy,) = Augmentation(crop=0.5).copies_of(source)
    begin = tracks([copy])[0].effects[0].start
    assert copy.source == {"dataset": "d", "start": 4.0 + begin, "duration": 0.5}
    (of_a_file,) = Augmentation(crop=0.5).copies_of(record(start=1.0))
    assert of_a_file.source["start"] == 1.0 + tracks([of_a_file])[0].effects[0].start


def test_copies_of_copies_and_of_mixes_hold_recipes_in_recipes():
    (inner,) = Augmentation(crop=1.0).copies_of(record())
    (outer,) = Augmentation(pad=4.0).copies_of(inner)
    assert outer.id.startswith(inner.id + "/aug-0000-")
    assert outer.track_files() == ["a/b.wav"]
    assert outer.num_samples == 4000


def test_what_does_not_fit_a_record_names_it():
    short = record(seconds=0.5)
    for plan, message in [
        (Augmentation(crop=1.0), r"record a/b: 0\.500 s cannot be cropped to 1 s; choose a shorter crop"),
        (Augmentation(pad=0.4), r"record a/b: 0\.500 s cannot be padded to 0\.4 s; choose a longer"),
        (Augmentation(highpass=values(500)), "record a/b: a high-pass at 500 Hz leaves nothing at 1000 Hz"),
    ]:
        with pytest.raises(AudioError, match=message):
            plan.copies_of(short)
    assert Augmentation(crop=0.5, pad=0.5).copies_of(short)[0].num_samples == 500
    with pytest.raises(AudioError, match="has features only"):
        EVERYTHING.copies_of(record(audio=None))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "there is nothing to change"),
        ({"copies": 3, "noise_color": "pink"}, "there is nothing to change"),
        ({"stretch": values(0)}, "stretch 0 is out of range; give 0.1 to 10"),
        ({"stretch": values(1, -1)}, "stretch -1"),
        ({"pitch": values(60)}, "pitch 60"),
        ({"gain": values(float("nan"))}, "gain nan"),
        ({"gain": values()}, "gain"),
        ({"gain": Values((3, 2), between=True)}, "gain"),
        ({"noise": values(float("inf"))}, "noise inf"),
        ({"noise": values(3), "noise_color": "blue"}, "'blue'"),
        ({"lowpass": Values((0, 9), between=True)}, "lowpass 0"),
        ({"crop": 0.0}, "crop 0"),
        ({"pad": float("inf")}, "pad inf"),
        ({"polarity": 1.5}, "polarity 1.5"),
        ({"polarity": 0.5, "copies": 0}, "0 copies"),
    ],
)
def test_options_without_sense_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Augmentation(**options)


@pytest.mark.parametrize("text", ["", ",", "a", "1,", "1:", ":2", "3:2", "1:2:3", "1:2,3", "nan:1"])
def test_values_that_cannot_be_read_are_refused(text):
    with pytest.raises(UsageError, match=f"--gain {text}"):
        parse_values(text, "--gain")


def test_values_are_read():
    assert parse_values("-6,-4, 2.5", "--gain") == Values((-6, -4, 2.5))
    assert parse_values("-6:6", "--gain") == Values((-6, 6), between=True)
    assert parse_values("3", "--gain") == Values((3,))
    assert parse_values(None, "--gain") is None


# --- labels ---


def sounding(labels: list[Label], count: int, rate: int) -> np.ndarray:
    """Where labels sound, by sample: the sum of their names, which are powers of two."""
    marks = np.zeros(count, np.float32)
    for label in labels:
        place = slice(round(label.start * rate), round((label.start + label.duration) * rate))
        marks[place] += int(label.label)
    return marks


GRID = st.integers(0, 40).map(lambda k: k / 10)


@given(
    st.lists(st.tuples(GRID, GRID), max_size=4),
    GRID,
    GRID.filter(bool),
    GRID,
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_labels_go_where_their_sound_goes(times, start, cropped, before, stretch):
    rate = 100
    source = record(seconds=4.0, sampling_rate=rate)
    source.labels = [Label(str(2**k), start=s, duration=min(d, 4 - s)) for k, (s, d) in enumerate(times)]
    effects = (Crop(start, cropped), Pad(before, before + cropped + 0.5))
    track = MixTrack(source, stretch=stretch, effects=effects)
    moved = track_labels(source, track, 100.0)
    scaled = [
        Label(one.label, start=one.start * stretch, duration=one.duration * stretch) for one in source.labels
    ]
    marks = sounding(scaled, round(400 * stretch), rate)
    for effect in effects:
        marks = effect.apply(marks, rate)
    np.testing.assert_array_equal(sounding(moved, track.num_samples(rate), rate), marks)
    audible = {one.label for one in moved if one.duration > 1e-9}
    assert audible == {str(2**k) for k in range(len(times)) if (marks.astype(int) >> k & 1).any()}


def test_labels_with_and_without_times():
    labels = [
        Label("a"),
        Label("b", start=1.5),
        Label("c", duration=0.5, role="solo"),
        Label("d", 0.0, start=1.9),
    ]
    source = record(labels=labels)
    kept = track_labels(source, MixTrack(source, effects=(Crop(0.25, 1.5), Pad(1.0, 5.0))), 100.0)
    assert kept[0] is labels[0]
    assert kept[1:] == [
        Label("b", start=2.25, duration=0.25),
        Label("c", role="solo", start=1.0, duration=0.25),
    ]
    same = track_labels(source, MixTrack(source, gain_db=3.0, shift=((0, 2.0),)), source.duration)
    assert [(x.label, x.start) for x in same] == [
        (x.label, x.start or (0.0 if x.duration else None)) for x in labels
    ]


# --- a limit over all records ---


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(1, 40), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_limit_spreads_evenly_and_does_not_depend_on_order(count, limit, copies, rng):
    records = [record(f"r{k}") for k in range(count)]
    plan = Augmentation(gain=values(1, 2, 3), copies=copies)
    chosen = choose_copies(plan, records, limit)
    sizes = [len(chosen.get(one.id, ())) for one in records]
    assert sum(sizes) == min(limit, count * copies)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert all(numbers == tuple(range(len(numbers))) for numbers in chosen.values())
    rng.shuffle(records)
    assert choose_copies(plan, records, limit) == chosen


def test_who_is_chosen_depends_on_the_seed_and_not_on_what_fails():
    records = [record(f"r{k}") for k in range(40)]
    chosen = [choose_copies(Augmentation(crop=1.0, seed=seed), records, 10).keys() for seed in (0, 1)]
    assert chosen[0] != chosen[1]
    bad = record("bad", seconds=0.5)
    again = choose_copies(Augmentation(crop=1.0), [bad, *records], 10)
    assert again.pop("bad") == (0,)
    assert again.keys() == chosen[0]


# --- rendering ---


@pytest.fixture(autouse=True)
def _close_files():
    yield
    close_files()


@pytest.fixture
def sound(tmp_path: Path) -> Callable[..., Record]:
    def make(name: str = "x", rate: int = 8000, seconds: float = 2.0, channels: int = 1, **more) -> Record:
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, noise(round(seconds * rate), channels), rate, subtype="FLOAT")
        return record(name, seconds, sampling_rate=rate, audio=str(path), **more)

    return make


def test_copies_render_as_their_effects_say(sound):
    source = sound(channels=2)
    samples = load(source, mono=False)
    (copy,) = Augmentation(gain=values(6)).copies_of(source)
    np.testing.assert_allclose(render(copy, mono=False), 10 ** (6 / 20) * samples, rtol=1e-6)
    (copy,) = Augmentation(crop=0.5, pad=3.0, polarity=1.0).copies_of(source)
    crop, _, pad = tracks([copy])[0].effects
    begin, before = round(8000 * crop.start), round(8000 * pad.before)
    expected = np.zeros((2, 24000), np.float32)
    expected[:, before : before + 4000] = -samples[:, begin : begin + 4000]
    np.testing.assert_array_equal(render(copy, mono=False), expected)


def test_the_level_of_noise_is_that_of_the_cropped_sound_without_its_padding(sound):
    clean, noisy = (
        render(Augmentation(crop=0.5, pad=3.0, gain=values(-20), **more).copies_of(sound())[0])
        for more in ({}, {"noise": values(12)})
    )
    assert 20 * np.log10(rms(clean) / rms(noisy - clean)) == pytest.approx(12, abs=0.01)
    assert not noisy[clean == 0].any()


@pytest.mark.parametrize("rate", [11025, 16000, 44100])
def test_copies_render_at_other_rates(sound, rate):
    source = sound(seconds=2.0003)
    for copy in Augmentation(
        crop=0.7777, noise=values(40), pad=1.2345, lowpass=values(3000), copies=3
    ).copies_of(source):
        other = render(copy.at_rate(rate))
        assert len(other) == copy.at_rate(rate).num_samples
        assert rms(other) == pytest.approx(rms(render(copy)), rel=0.03)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("semitones", [12.0, -5.0])
def test_pitch_is_shifted(make_tone, semitones, engine):
    path = make_tone("a.wav", 2.0, frequency=220.0)
    source = record("a", 2.0, sampling_rate=22050, audio=str(path))
    (copy,) = Augmentation(pitch=values(semitones), stretcher=engine).copies_of(source)
    assert Recipe.from_json(copy.mix).stretcher == engine
    assert copy.num_samples == source.num_samples
    assert cents(render(copy), 220 * 2 ** (semitones / 12)) < 10


@pytest.mark.parametrize("engine", ENGINES)
def test_time_is_stretched(make_tone, engine):
    path = make_tone("a.wav", 2.0, frequency=220.0)
    source = record("a", 2.0, sampling_rate=22050, audio=str(path))
    source.labels = [Label("cel", start=0.5, duration=1.0)]
    (copy,) = Augmentation(stretch=values(1.5), stretcher=engine).copies_of(source)
    assert (copy.num_samples, copy.duration) == (66150, 3.0)
    assert copy.labels == [Label("cel", start=0.75, duration=1.5)]
    assert cents(render(copy), 220.0) < 10


def cents(samples: np.ndarray, expected: float) -> float:
    """How far the strongest partial is from a frequency: by a parabola through the log spectrum."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    size = 1 << 18
    spectrum = np.log(np.abs(np.fft.rfft(middle * np.hanning(len(middle)), size)) + 1e-12)
    k = int(spectrum.argmax())
    a, b, c = spectrum[k - 1 : k + 2]
    found = (k + 0.5 * (a - c) / (a - 2 * b + c)) * 22050 / size
    return float(abs(1200 * np.log2(found / expected)))


def test_no_stretcher_is_named_where_nothing_is_stretched():
    copies = Augmentation(pitch=values(0, 2)).copies_of(record())
    assert sorted(Recipe.from_json(copy.mix).stretcher or "" for copy in copies)[0] == ""
    assert sum(bool(track.shift) for track in tracks(copies)) == 1
    with pytest.raises(UsageError):
        Augmentation(pitch=values(2), stretcher="tape")


# --- the command ---


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def test_the_command_takes_negative_lists_and_bounds(run, space):
    result = run("im-augment", "--gain", "-6,-4,-2,2,4,6", "--noise", "-6:6", "segments.jsonl", cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    made = lines(result.stdout)
    assert len(made) == 6 * len(lines((space / "segments.jsonl").read_bytes()))
    assert {one["mix"]["tracks"][0]["gain_db"] for one in made} == {-6, -4, -2, 2, 4, 6}


@pytest.mark.parametrize(
    "options",
    [[], ["--copies", "2"], ["--gain", "a"], ["--stretch", "0"], ["--pad", "inf"], ["--polarity", "2"]],
)
def test_the_command_refuses_what_makes_no_sense(run, space, options):
    result = run("im-augment", *options, "segments.jsonl", cwd=space)
    assert result.returncode == 2
    assert result.stdout == b""


def test_records_that_do_not_fit_fail_alone(run, space, tmp_path):
    mixed = [*read_manifest(space / "index.jsonl")][:2] + [*read_manifest(space / "segments.jsonl")][:2]
    data = "".join(dump_line(one) for one in mixed).encode()
    failures = tmp_path / "failures.jsonl"
    result = run("im-augment", "--crop", "2", "--failures", str(failures), stdin=data, cwd=space)
    assert result.returncode == 3
    assert len(lines(result.stdout)) == 2
    assert [one["id"] for one in lines(failures.read_bytes())] == [one.id for one in mixed[2:]]


def test_keep_hands_on_each_record_before_its_copies(run, space):
    result = run("im-augment", "--gain", "1,2", "--keep", "segments.jsonl", cwd=space)
    ids = [one["id"] for one in lines(result.stdout)]
    sources = [one["id"] for one in lines((space / "segments.jsonl").read_bytes())]
    assert ids[::3] == sources
    assert [one.split("/aug-")[0] for one in ids[1::3]] == sources


def test_a_limit_gives_as_many_copies_in_the_order_of_the_input(run, space):
    def ids(*options: str) -> list[str]:
        result = run("im-augment", "--gain", "1,2,3", *options, "segments.jsonl", cwd=space)
        assert result.returncode == 0, result.stderr.decode()
        return [one["id"] for one in lines(result.stdout)]

    every = ids()
    some = ids("--limit", "19")
    assert some == [one for one in every if one in set(some)]
    assert len(some) == 19
    sources = [one["id"] for one in lines((space / "segments.jsonl").read_bytes())]
    kept = ids("--limit", "5", "--keep")
    assert [one for one in kept if "/aug-" not in one] == sources
    assert len(kept) == len(sources) + 5


def test_copies_depend_on_neither_jobs_nor_order_nor_neighbours(run, space, tmp_path):
    source = (space / "segments.jsonl").read_bytes().splitlines(keepends=True)
    options = ["--crop", "0.5", "--noise", "10:30", "--polarity", "0.5", "--copies", "2"]
    data = {}
    for name, some, jobs in (("all", source, "3"), ("one", source, "1"), ("back", source[::-1], "3")):
        result = run("im-augment", *options, "--jobs", jobs, stdin=b"".join(some), cwd=space)
        data[name] = result.stdout.splitlines()
    assert data["all"] == data["one"]
    assert sorted(data["back"]) == sorted(data["all"])


def test_rendered_copies_are_what_their_recipes_say(run, space, tmp_path, monkeypatch):
    options = ["--crop", "0.5", "--noise", "20", "--pad", "0.75", "segments.jsonl"]
    recipes = [
        parse_line(line, "here") for line in run("im-augment", *options, cwd=space).stdout.splitlines()
    ]
    result = run("im-augment", "-o", str(tmp_path / "out"), *options, cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    monkeypatch.chdir(space)
    for recipe, file in zip(recipes, read_manifest(tmp_path / "out/manifest.jsonl"), strict=True):
        assert file.audio == str(tmp_path / f"out/audio/{recipe.id}.flac")
        assert (file.id, file.mix["seed"]) == (recipe.id, 0)
        np.testing.assert_allclose(load(file), render(recipe), atol=2**-23)
    assert {one.num_samples for one in recipes} == {round(0.75 * 22050)}


def test_a_resumed_limit_notices_that_others_are_chosen(run, space, tmp_path):
    source = (space / "segments.jsonl").read_bytes().splitlines(keepends=True)
    options = ["--gain", "-3,-2,-1", "--limit", "10"]
    first = run("im-augment", *options, "-o", str(tmp_path / "a"), stdin=b"".join(source[:6]), cwd=space)
    assert len(lines(first.stdout)) == 10
    again = run(
        "im-augment", *options, "-o", str(tmp_path / "a"), "--resume", stdin=b"".join(source), cwd=space
    )
    fresh = run("im-augment", *options, "-o", str(tmp_path / "b"), stdin=b"".join(source), cwd=space)
    assert again.returncode == fresh.returncode == 0
    assert again.stdout.replace(b"/a/", b"/b/") == fresh.stdout
    assert (tmp_path / "a/manifest.jsonl").read_bytes() == (tmp_path / "b/manifest.jsonl").read_bytes()


def test_augmenting_is_part_of_the_pipe(space, tmp_path):
    script = (
        "im-segment lib | im-augment --gain -6:0 --highpass 40 --keep --copies 2 "
        f"| im-features --kind mel -o {tmp_path}/mel"
    )
    result = run_script(script, space)
    assert result.returncode == 0, result.stderr.decode()
    made = lines(result.stdout)
    assert len(made) == 3 * 16
    assert {tuple(one["features"]["mel"]["shape"]) for one in made} == {
        tuple(made[0]["features"]["mel"]["shape"])
    }


def test_the_example_makes_a_control_set_as_large_as_the_mixes(tmp_path):
    for name in ("cla", "flu"):
        clips = sorted((ROOT / "examples" / "audio" / name).glob("*.flac"))[:3]
        (tmp_path / "audio" / name).mkdir(parents=True)
        for clip in clips:
            shutil.copy(clip, tmp_path / "audio" / name)
    result = run_script(f"sh {ROOT}/examples/augment.sh audio out", tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    sizes = [int(line.split()[0]) for line in result.stdout.decode().splitlines()]
    assert sizes[0] == sizes[1] > 0
