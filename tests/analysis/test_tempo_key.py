from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import librosa
import numpy as np
import pytest
import soxr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from imtools.analysis.key import TONICS, Key, estimate_key, interval
from imtools.analysis.tempo import CENTRE_BPM, estimate_tempo, onset_strength, stretch_factor
from imtools.errors import UsageError
from paths import EXAMPLES
from signals import RATE, SYNTHETIC, recordings, signal

# --- signals ---

SOUNDS = ("impulse", "tick", "noise", "kick", "pluck")


def sound(name: str, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(round(0.15 * RATE)) / RATE
    match name:
        case "impulse":
            return np.eye(1, len(time))[0]
        case "tick":
            return np.sin(2 * np.pi * 1000 * time) * np.exp(-time / 0.01)
        case "noise":
            return rng.standard_normal(len(time)) * np.exp(-time / 0.02)
        case "kick":
            return np.sin(2 * np.pi * (60 * time - 1.2 * np.exp(-time / 0.03))) * np.exp(-time / 0.06)
        case _:
            return sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 8)) * np.exp(-time / 0.05)


def clicks(bpm: float, seconds: float, name: str, phase: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    length, period = round(seconds * RATE), 60 / bpm
    y = np.zeros(length + RATE)
    for onset in np.arange(phase * period, seconds, period):
        one = sound(name, rng)
        y[round(onset * RATE) :][: len(one)] += one
    return (y[:length] + 1e-4 * rng.standard_normal(length)).astype(np.float32)


def off(ratio: float) -> float:
    """Return how far a ratio is from a power of two, in octaves."""
    octaves = math.log2(ratio)
    return abs(octaves - round(octaves))


def note(midi: int, seconds: float, overtones: int) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    frequency = 440 * 2 ** ((midi - 69) / 12)
    waves = [np.sin(2 * np.pi * k * frequency * time + k) / k for k in range(1, overtones + 1)]
    return sum(waves) * np.exp(-3 * time) * np.minimum(1, time / 0.005)


PIECES = {
    ("scale", "major"): [[0], [2], [4], [5], [7], [9], [11], [12]],
    ("scale", "minor"): [[0], [2], [3], [5], [7], [8], [11], [12]],
    ("cadence", "major"): [[0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7]],
    ("cadence", "minor"): [[0, 3, 7], [5, 8, 12], [7, 11, 14], [0, 3, 7]],
    ("chord", "major"): [[0, 4, 7, 12]],
    ("chord", "minor"): [[0, 3, 7, 12]],
}


def play(name: str, key: Key, overtones: int = 8) -> np.ndarray:
    chords = [sum(note(60 + key.tonic + i, 0.5, overtones) for i in c) for c in PIECES[name, key.mode]]
    return np.concatenate(chords).astype(np.float32)


KEYS = [Key(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]

# --- tempo ---


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("seconds", [3, 10])
def test_clicks_have_their_tempo_within_a_percent_up_to_octaves(name, seconds):
    for seed, bpm in enumerate(np.geomspace(42, 220, 13)):
        found = estimate_tempo(clicks(bpm, seconds, name, phase=seed / 13, seed=seed), RATE)
        assert found is not None
        assert off(found / bpm) < math.log2(1.01), bpm
        assert CENTRE_BPM / math.sqrt(2) <= found < CENTRE_BPM * math.sqrt(2)


@pytest.mark.parametrize("bpm", [90, 100, 120, 140, 160])
def test_a_tempo_in_the_middle_octave_is_given_as_it_is(bpm):
    assert estimate_tempo(clicks(bpm, 10, "pluck", 0.3), RATE) == pytest.approx(bpm, rel=0.005)


def test_the_factor_of_two_estimates_brings_the_beats_together():
    first, second = (estimate_tempo(clicks(bpm, 3, "tick", 0.4), RATE) for bpm in (97, 131))
    assert stretch_factor(first, second, fold=False) == pytest.approx(131 / 97, rel=0.01)


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_the_rate_and_the_level_do_not_matter(rate):
    y = clicks(108, 3, "pluck", 0.3)
    resampled = soxr.resample(y, RATE, rate)
    assert estimate_tempo(resampled, rate) == pytest.approx(108, rel=0.01)
    assert estimate_tempo(resampled * np.float32(1e-20), rate) == pytest.approx(108, rel=0.01)
    assert estimate_tempo(resampled * np.float32(1e30), rate) == pytest.approx(108, rel=0.01)


@pytest.mark.parametrize("name", ["silence", "dc", "tone", "impulse", "edge"])
def test_without_a_beat_there_is_no_tempo(name):
    assert estimate_tempo(signal(name, 3 * RATE), RATE) is None


def test_a_clip_that_is_too_short_has_neither_tempo_nor_key():
    y = clicks(180, 3, "tick", 0.0)
    assert estimate_tempo(y[: RATE - 1], RATE) is None
    assert estimate_tempo(y[:RATE], RATE) is not None
    tone = signal("tone", RATE)
    assert estimate_key(tone[: RATE // 2 - 1], RATE) is None
    assert estimate_key(tone[: RATE // 2], RATE) == Key(9, "minor")


def test_only_the_first_minute_counts():
    y = np.concatenate([clicks(100, 60, "tick", 0.0), clicks(150, 30, "tick", 0.0)])
    assert estimate_tempo(y, RATE) == estimate_tempo(y[: 60 * RATE], RATE)


positive = st.floats(1e-3, 1e6)


@given(positive, positive)
@example(85.0, 170.0)
@example(1.0, math.sqrt(2))
def test_folding_changes_the_factor_by_octaves_to_the_nearest_of_one(first, second):
    plain, folded = (stretch_factor(first, second, fold=fold) for fold in (False, True))
    assert plain == second / first
    assert off(folded / plain) < 1e-9
    assert 1 / math.sqrt(2) - 1e-12 <= folded <= math.sqrt(2) + 1e-12


@pytest.mark.parametrize("bpm", [0.0, -1.0, math.nan, math.inf])
def test_a_tempo_that_is_none_is_refused(bpm):
    for pair in ((bpm, 100.0), (100.0, bpm)):
        with pytest.raises(UsageError, match="is not possible"):
            stretch_factor(*pair, fold=True)


# --- key ---


@pytest.mark.parametrize("name", ["scale", "cadence", "chord"])
@pytest.mark.parametrize("overtones", [1, 8])
def test_every_key_is_found(name, overtones):
    assert [estimate_key(play(name, key, overtones), RATE) for key in KEYS] == KEYS


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_the_key_is_the_same_at_any_rate_and_level(rate):
    y = soxr.resample(play("cadence", Key(6, "minor")), RATE, rate)
    assert estimate_key(y, rate) == estimate_key(y * np.float32(1e-20), rate) == Key(6, "minor")


@pytest.mark.parametrize("name", ["silence", "dc", "noise"])
def test_without_pitch_there_is_no_key(name):
    assert estimate_key(signal(name, 3 * RATE), RATE) is None


def test_names_and_signatures():
    assert Key(6, "minor").name == "F# minor"
    assert Key(0, "major").signature == Key(9, "minor").signature == 0
    assert [Key(tonic, "major").name.split()[0] for tonic in range(12)] == list(TONICS)


def test_the_interval_is_the_smallest_that_brings_one_signature():
    assert interval(Key(0, "major"), Key(9, "minor")) == 0
    assert interval(Key(0, "major"), Key(11, "major")) == 1
    assert interval(Key(0, "major"), Key(6, "major")) == interval(Key(6, "major"), Key(0, "major")) == 6
    for first in KEYS:
        for second in KEYS:
            steps = interval(first, second)
            assert -5 <= steps <= 6
            moved = Key((second.tonic + steps) % 12, second.mode)
            assert moved.signature == first.signature


def test_transposing_by_the_interval_gives_the_signature_of_the_first():
    first, second = Key(2, "major"), Key(5, "minor")
    steps = interval(first, second)
    chords = [sum(note(65 + steps + i, 0.5, 8) for i in c) for c in PIECES["cadence", "minor"]]
    estimated = estimate_key(np.concatenate(chords).astype(np.float32), RATE)
    assert estimated is not None
    assert estimated.signature == first.signature


# --- both ---

LOUDEST = 2.0**127
finite = arrays.arrays(np.float32, st.integers(0, 1000), elements=st.floats(-LOUDEST, LOUDEST, width=32))


@settings(max_examples=60, deadline=None)
@given(finite, st.sampled_from([8000, 11025, 22050, 44100, 96000]), st.integers(1, 80))
def test_finite_samples_give_an_answer_or_none(y, rate, repeats):
    y = np.tile(y, repeats)
    bpm, key = estimate_tempo(y, rate), estimate_key(y, rate)
    assert bpm is None or CENTRE_BPM / 2 < bpm < CENTRE_BPM * 2
    assert key is None or key in KEYS


@pytest.mark.parametrize("name", SYNTHETIC)
@pytest.mark.parametrize("samples", [0, 1, RATE // 10, RATE])
def test_short_clips_do_not_raise(name, samples):
    y = signal(name, max(samples, 1))[:samples]
    assert estimate_tempo(y, RATE) is None or samples == RATE
    assert estimate_key(y, RATE) is None or samples == RATE


def test_threads_give_what_one_gives():
    clips = [*recordings(EXAMPLES, 12), *(clicks(bpm, 3, "tick", 0.2) for bpm in (70, 100, 130))]

    def both(y: np.ndarray) -> tuple[float | None, Key | None]:
        return estimate_tempo(y, RATE), estimate_key(y, RATE)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(both, clips)) == [both(y) for y in clips]


@pytest.mark.parametrize("number", range(0, 56, 7))
def test_the_onset_strength_is_librosas(number):
    path = sorted(EXAMPLES.rglob("*.flac"))[number]
    y = librosa.load(path, sr=22050, duration=2.0 + number / 1000)[0]
    power = librosa.feature.melspectrogram(y=y, sr=22050, n_fft=1024, hop_length=128, n_mels=40)
    decibels = librosa.power_to_db(power, ref=np.max, top_db=60.0)
    expected = librosa.onset.onset_strength(S=decibels, sr=22050, lag=6, center=False)[6:]
    found = onset_strength(y)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-3)
