"""Pitch synchronisation: each rule alone on curves, all together on tones, vibrato and silence."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.analysis.f0 import F0Track, num_frames
from imtools.errors import AudioError, ImtoolsWarning
from imtools.manifest import Label, Record
from imtools.mix import MixSettings, mix_records
from imtools.mix.analyzer import RecordAnalyzer, _digest
from imtools.mix.sync.pitch import PitchSync, merge_runs, shift_per_frame, smooth
from imtools.sound.recipe import MixTrack
from imtools.sound.render import render, track_sound

pytestmark = pytest.mark.slow(2)  # CREPE on seconds of sound


RATE = 22050


def track(*values: float | None, repeat: int = 1) -> F0Track:
    """Frames of these pitches; ``None`` is unvoiced, but has a number all the same, as CREPE gives one."""
    f0 = np.repeat([77.0 if value is None else value for value in values], repeat)
    confidence = np.repeat([0.1 if value is None else 0.9 for value in values], repeat)
    return F0Track(f0.astype(np.float32), confidence.astype(np.float32))


def shifts(first: F0Track, second: F0Track) -> np.ndarray:
    return shift_per_frame(first, second, np.arange(len(second)))


# --- the shift of each frame ---


def test_a_shift_is_twelve_times_the_octaves_between_both():
    found = shifts(track(440, 440, 220), track(330, 440, 440))
    np.testing.assert_allclose(found, [12 * math.log2(4 / 3), 0, -12], atol=1e-5)
    assert found[0] == pytest.approx(4.98, abs=0.001)


def test_unvoiced_frames_hold_the_shift_before_them():
    first = track(440, 440, None, 440, 880, 880)
    second = track(None, 220, 220, None, 220, None)
    np.testing.assert_allclose(shifts(first, second), [12, 12, 12, 12, 24, 24], atol=1e-5)


def test_nothing_is_shifted_where_nothing_is_voiced_in_both():
    assert len(shifts(track(440, None), track(None, 220))) == 0
    assert len(shifts(track(), track(220))) == 0
    assert len(shifts(track(440), track())) == 0


def test_after_the_first_has_ended_its_last_shift_holds():
    np.testing.assert_allclose(shifts(track(440), track(220, 330, 110)), [12, 12, 12], atol=1e-5)


# --- smoothing and merging, one by one ---


def test_the_median_takes_out_what_lasts_less_than_five_of_nine_frames():
    curve = np.zeros(40)
    curve[20:24] = 12
    assert not smooth(curve).any()
    curve[20:25] = 12
    np.testing.assert_array_equal(np.flatnonzero(smooth(curve)), np.arange(20, 25))


def test_the_median_keeps_edges():
    step = np.repeat([0.0, 5.0], 20)
    np.testing.assert_array_equal(smooth(step), step)
    np.testing.assert_array_equal(smooth(np.array([3.0])), [3.0])


def test_equal_neighbours_are_one_run():
    assert merge_runs(np.repeat([2.0, 7.0], 10)) == [(0, 10, 2.0), (10, 20, 7.0)]


def test_neighbours_within_a_semitone_are_one_run_and_others_are_not():
    assert merge_runs(np.repeat([2.0, 3.0], 10)) == [(0, 20, 2.5)]
    assert [run[:2] for run in merge_runs(np.repeat([2.0, 3.01], 10))] == [(0, 10), (10, 20)]


def test_a_glide_does_not_become_one_run():
    runs = merge_runs(np.linspace(0, 12, 200))
    assert len(runs) > 3
    assert all(stop - start >= 7 for start, stop, _ in runs)
    steps = [b[2] - a[2] for a, b in itertools.pairwise(runs)]
    assert min(steps) > 1.0


def test_runs_under_70_ms_belong_to_the_run_before_them():
    curve = np.concatenate([np.zeros(20), np.full(6, 9.0), np.full(20, 4.0)])
    assert merge_runs(curve) == [(0, 26, 0.0), (26, 46, 4.0)]
    curve = np.concatenate([np.zeros(20), np.full(7, 9.0), np.full(20, 4.0)])
    assert merge_runs(curve) == [(0, 20, 0.0), (20, 27, 9.0), (27, 47, 4.0)]


def test_several_short_runs_in_a_row_all_belong_to_the_run_before_them():
    curve = np.concatenate(
        [np.zeros(20), np.full(4, 9.0), np.full(4, -9.0), np.full(4, 5.0), np.full(9, 3.0)]
    )
    assert merge_runs(curve) == [(0, 32, 0.0), (32, 41, 3.0)]


def test_a_short_first_run_belongs_to_the_run_after_it():
    curve = np.concatenate([np.full(3, 9.0), np.zeros(20)])
    assert merge_runs(curve) == [(0, 23, 0.0)]
    assert merge_runs(np.full(3, 9.0)) == [(0, 3, 9.0)]


def test_runs_that_become_neighbours_and_are_alike_become_one():
    curve = np.concatenate([np.zeros(20), np.full(6, 9.0), np.full(20, 0.5)])
    assert merge_runs(curve) == [(0, 46, 0.25)]


def test_the_rules_together():
    """A flicker of two frames, a tone of 60 ms, a drift of half a semitone, and a real change."""
    curve = np.concatenate(
        [np.zeros(15), [11, 11], np.zeros(15), np.full(30, 0.5), np.full(6, -8.0), np.full(30, 5)]
    )
    assert merge_runs(smooth(curve)) == [(0, 68, 0.0), (68, 98, 5.0)]


curves = st.lists(st.tuples(st.floats(-30, 30), st.integers(1, 25)), min_size=1, max_size=12).map(
    lambda steps: np.repeat([s for s, _ in steps], [n for _, n in steps])
)


@settings(max_examples=200, deadline=None)
@given(curves)
def test_runs_cover_all_frames_and_none_but_a_lone_one_is_short(curve):
    runs = merge_runs(smooth(curve))
    assert [start for start, _, _ in runs] == [0, *(stop for _, stop, _ in runs[:-1])]
    assert runs[-1][1] == len(curve)
    assert len(runs) == 1 or all(stop - start >= 7 for start, stop, _ in runs)
    assert all(curve.min() <= shift <= curve.max() for _, _, shift in runs)


# --- fitting tracks ---


def record(name: str, audio: Path | str = "x.wav", seconds: float = 1.0, **more) -> Record:
    keys = {"start": 0.0, "duration": seconds, "sampling_rate": RATE, "num_samples": round(seconds * RATE)}
    keys |= {"labels": [Label(name[0])], "groups": [name]} | more
    return Record(id=name, audio=str(audio), **keys)


def fitted(first: F0Track, second: F0Track, **changes) -> MixTrack:
    a, b = record("a"), record("b")
    sync = PitchSync(lambda records: {"a": first, "b": second})
    return sync.fit(a, dataclasses.replace(MixTrack.from_record(b), **changes))


def test_steps_lie_half_way_between_frames():
    found = fitted(track(440, 880, repeat=50), track(440, 440, repeat=50))
    assert found.shift == ((0, 0.0), (round(0.495 * RATE), 12.0))


def test_a_track_at_the_right_pitch_is_left_alone():
    assert fitted(track(440, repeat=50), track(440, repeat=50)).shift == ()
    assert fitted(track(None, repeat=50), track(440, repeat=50)).shift == ()


def test_an_offset_and_a_stretch_decide_which_frames_sound_together():
    first = track(440, 880, repeat=50)
    assert fitted(first, track(440, repeat=100), offset=0.3).shift == ((0, 0.0), (round(0.195 * RATE), 12.0))
    assert fitted(first, track(440, repeat=100), stretch=2.0).shift == ((0, 0.0), (round(0.245 * RATE), 12.0))


def test_what_could_not_be_heard_is_the_error_of_the_mix():
    sync = PitchSync(lambda records: {one.id: AudioError("x.wav: is broken") for one in records})
    with pytest.raises(AudioError, match=r"x\.wav: is broken"):
        sync.fit(record("a"), MixTrack.from_record(record("b")))


# --- sounds ---


def write(path: Path, wave: np.ndarray, rate: int = RATE) -> Path:
    soundfile.write(path, wave, rate, subtype="FLOAT")
    return path


def tone(frequency: float | np.ndarray, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(frequency, round(seconds * rate))) / rate
    return 0.4 * sum(np.sin(n * phase) / n for n in (1, 2, 3))


def synced(tmp_path: Path, first: np.ndarray, second: np.ndarray, **more) -> tuple[Record, np.ndarray]:
    """Return the mix of two waves, and the second track as it sounds in it."""
    a = record("a", write(tmp_path / "a.wav", first), len(first) / RATE)
    b = record(
        "b", write(tmp_path / "b.wav", second, more.get("sampling_rate", RATE)), len(second) / RATE, **more
    )
    (mix,) = mix_records([a, b], MixSettings(sync="pitch"))
    return mix, track_sound(
        MixTrack.from_json(mix.mix["tracks"][1], "track"), RATE, mono=True, stretcher="signalsmith"
    )


def pitch(wave: np.ndarray) -> float:
    """Return the frequency of a steady tone by its fundamental's phase, one quarter second apart."""
    inner = wave[len(wave) // 4 : -len(wave) // 4] * np.hanning(len(wave[len(wave) // 4 : -len(wave) // 4]))
    spectrum = np.abs(np.fft.rfft(inner, 2**20))
    low, high = (round(f * 2**20 / RATE) for f in (60, 700))
    return (low + int(spectrum[low:high].argmax())) * RATE / 2**20


def test_440_against_330_is_brought_to_440_within_5_cents(tmp_path):
    mix, second = synced(tmp_path, tone(440.0), tone(330.0))
    (step,) = mix.mix["tracks"][1]["shift"]
    assert step == [0, pytest.approx(4.98, abs=0.05)]
    assert abs(1200 * math.log2(pitch(second) / 440)) < 5
    assert mix.mix["sync"] == "pitch"
    assert mix.mix["stretcher"] in ("rubberband", "signalsmith")
    assert len(render(mix)) == RATE


def test_vibrato_of_less_than_a_semitone_stays_and_its_mean_is_brought_to_the_tone(tmp_path):
    time = np.arange(RATE) / RATE
    vibrato = 330 * 2 ** (0.4 * np.sin(2 * np.pi * 6 * time) / 12)
    mix, _ = synced(tmp_path, tone(440.0), tone(vibrato))
    (step,) = mix.mix["tracks"][1]["shift"]
    assert step == [0, pytest.approx(4.98, abs=0.1)]


def test_a_melody_follows_the_first_track(tmp_path):
    melody = np.repeat([440.0, 587.3], RATE // 2)
    mix, _ = synced(tmp_path, tone(melody), tone(440.0))
    (start, low), (change, high) = mix.mix["tracks"][1]["shift"]
    assert (start, low) == (0, pytest.approx(0, abs=0.1))
    assert high == pytest.approx(5, abs=0.1)
    assert change / RATE == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("second", [np.zeros(RATE), tone(330.0, 1 / RATE), np.zeros(1)])
def test_silence_and_single_samples_are_mixed_as_they_are(tmp_path, second):
    mix, sound = synced(tmp_path, tone(440.0), second)
    assert "shift" not in mix.mix["tracks"][1]
    assert mix.num_samples == len(second)
    np.testing.assert_allclose(sound, second, atol=1e-6)


def test_rates_and_lengths_may_differ(tmp_path):
    mix, sound = synced(
        tmp_path, tone(440.0), tone(330.0, 0.7, 44100), sampling_rate=44100, num_samples=30870, duration=0.7
    )
    assert mix.num_samples == len(sound) == round(0.7 * RATE)
    assert abs(1200 * math.log2(pitch(sound) / 440)) < 15


def test_the_analyst_remembers_and_says_why_it_cannot(tmp_path, monkeypatch):
    good = record("a", write(tmp_path / "a.wav", tone(440.0)))
    bad = record("b", tmp_path / "absent.wav")
    cache = tmp_path / "analysis"
    first = RecordAnalyzer("crepe-tiny", cache=cache, jobs=2).f0([good, bad])
    assert len(first["a"]) == num_frames(16000)
    assert isinstance(first["b"], AudioError)
    assert "absent.wav" in str(first["b"])
    monkeypatch.setattr(
        "imtools.analysis.f0.estimate_f0",
        lambda signals, *_: [pytest.fail("analysed again")] * len(signals) if signals else [],
    )
    again = RecordAnalyzer("crepe-tiny", cache=cache).f0([good.replace(id="other"), bad])
    assert again["other"].to_bytes() == first["a"].to_bytes()


def test_a_file_that_has_changed_is_heard_again(tmp_path):
    path = write(tmp_path / "a.wav", tone(440.0))
    cache = tmp_path / "analysis"
    first = RecordAnalyzer("crepe-tiny", cache=cache).f0([record("a", path)])["a"]
    write(path, tone(220.0, 1.0))
    os.utime(path, ns=(1, 1))
    second = RecordAnalyzer("crepe-tiny", cache=cache).f0([record("a", path)])["a"]
    assert np.median(first.f0) / np.median(second.f0) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look at" * 20, None])
def test_a_cache_that_cannot_be_used_is_said_once_and_gone_without(tmp_path, content):
    cache = tmp_path / "analysis"
    cache.mkdir() if content is None else cache.write_bytes(content)
    good = record("a", write(tmp_path / "a.wav", tone(440.0)))
    with pytest.warns(ImtoolsWarning, match="analysis: cannot be used as a cache") as caught:
        found = RecordAnalyzer("crepe-tiny", cache=cache).f0([good])
    assert len(found["a"])
    assert len(caught) == 1


def test_a_repeated_beginning_is_shifted_as_what_sounds_with_it():
    """Two tones of half a second, repeated once: both halves again, against a steady tone."""
    second = track(440, 220, repeat=50)
    found = fitted(track(440, repeat=201), second, length=2 * RATE)
    assert [shift for _, shift in found.shift] == [0.0, 12.0, 0.0, 12.0]
    places = [sample / RATE for sample, _ in found.shift]
    assert places == pytest.approx([0, 0.5, 1.0, 1.5], abs=0.011)


def test_shifts_beyond_four_octaves_are_moved_by_octaves():
    assert fitted(track(1760, repeat=50), track(55, repeat=50)).shift == ((0, 48.0),)
    assert fitted(track(55, repeat=50), track(1760, repeat=50)).shift == ((0, -48.0),)
    assert fitted(track(1760, repeat=50), track(110, repeat=50)).shift == ((0, 48.0),)


def test_the_cache_does_not_know_where_it_is_read_from(tmp_path, monkeypatch):
    write(tmp_path / "a.wav", tone(440.0))
    (tmp_path / "sub").mkdir()
    inner = MixTrack.from_record(record("a", "a.wav")).to_json()
    recipe = {"sync": "none", "seed": 0, "tracks": [inner]}
    other = json.loads(json.dumps(recipe).replace('"a.wav"', '"../a.wav"'))
    digests = []
    for folder, mix in ((tmp_path, recipe), (tmp_path / "sub", other)):
        monkeypatch.chdir(folder)
        mixed = record("m").replace(audio=None, mix=mix)
        digests.append(_digest(mixed, "f0"))
    assert digests[0] == digests[1] != _digest(mixed, "tempo")


def test_of_a_long_record_the_first_minute_tells_the_tempo(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "imtools.mix.analyzer.load_sound",
        lambda one: asked.append(one) or np.zeros(one.num_samples, np.float32),
    )
    long = record("a", seconds=300.0, normalize="rms")
    assert RecordAnalyzer().tempo([long]) == {"a": None}
    assert asked[0].num_samples == 60 * RATE
    assert asked[0].normalize is None
