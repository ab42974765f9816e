from __future__ import annotations

import itertools
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.audio.levels import peak, rms
from imtools.effects.stretch import STRETCHERS, resolve_stretcher, stretch
from imtools.effects.stretch.curve import ConstantRun, runs_of
from imtools.effects.stretch.joining import Piece, best_lag, join
from imtools.errors import AudioError, UsageError

RATE = 22050
CENTS = {"rubberband": 0.5, "signalsmith": 8.0}
needs_rubberband = pytest.mark.skipif(
    shutil.which("rubberband") is None, reason="the program rubberband is not installed"
)
ENGINES = [pytest.param("rubberband", marks=needs_rubberband), "signalsmith"]
each_engine = pytest.mark.parametrize("engine", ENGINES)


def tone(frequency: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def clicks(places: list[float], seconds: float, rate: int) -> np.ndarray:
    y = np.zeros(round(seconds * rate), dtype=np.float32)
    for number, place in enumerate(places):
        begin = round(place * rate)
        y[begin : begin + 16] = noise(16, number)
    return y


def centre(y: np.ndarray, around: float, rate: int, reach: float = 0.1) -> float:
    """Return the centre of the energy near a time, in seconds."""
    first = round((around - reach) * rate)
    energy = np.square(y[first : round((around + reach) * rate)], dtype=np.float64)
    return (first + float((energy * np.arange(len(energy))).sum() / energy.sum())) / rate


def cents_off(y: np.ndarray, frequency: float, rate: int = RATE) -> float:
    """Return how far the highest peak of the spectrum near a frequency is from it, in cents."""
    size = 2**20
    spectrum = np.abs(np.fft.rfft(y.astype(np.float64) * np.blackman(len(y)), size))
    low, high = (round(frequency * factor * size / rate) for factor in (0.94, 1.06))
    return 1200 * np.log2((low + int(np.argmax(spectrum[low:high]))) * rate / size / frequency)


def f0_of(y: np.ndarray, rate: int = RATE) -> tuple[np.ndarray, np.ndarray]:
    """Return times and instantaneous frequencies of a tone, smoothed over 10 ms."""
    from scipy.signal import hilbert

    phase = np.unwrap(np.angle(hilbert(y.astype(np.float64))))
    width = round(0.01 * rate)
    smoothed = np.convolve(np.diff(phase) * rate / (2 * np.pi), np.ones(width) / width, "same")
    return np.arange(len(smoothed)) / rate, smoothed


# --- names ---


def test_auto_takes_rubberband_where_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resolve_stretcher() == "signalsmith"
    with pytest.raises(UsageError, match=r"not installed; .*rubberband-cli.*`stretcher=signalsmith`"):
        stretch(tone(440), RATE, "rubberband", factor=2)
    program = tmp_path / "rubberband"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert resolve_stretcher() == "rubberband"


def test_an_unknown_engine_or_factor_is_refused():
    with pytest.raises(UsageError, match="'sox' is not known"):
        resolve_stretcher("sox")
    for factor in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="give a factor above 0"):
            stretch(tone(440), RATE, "signalsmith", factor=factor)


# --- curves ---


def test_runs_cover_the_input_and_neighbours_differ():
    assert runs_of((), 100, 1000) == [ConstantRun(0, 100, 0.0)]
    assert runs_of([(0, 1), (20, 1), (50, 2), (200, 3)], 100, 1000) == [
        ConstantRun(0, 50, 1.0),
        ConstantRun(50, 100, 2.0),
    ]


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(-12, 12)), max_size=40), st.integers(0, 1000))
def test_runs_of_any_curve_are_whole(steps, num_samples):
    places = np.cumsum([0] + [gap for gap, _ in steps])
    shift = list(zip(places.tolist(), [0.0] + [value for _, value in steps], strict=True))
    runs = runs_of(shift, num_samples, 1000)
    assert (runs[0].start, runs[-1].stop) == (0, num_samples)
    assert all(a.stop == b.start for a, b in itertools.pairwise(runs))
    assert all(run.stop - run.start >= 5 for run in runs[:-1])
    values = [value for _, value in shift]
    assert all(min(values) - 1e-9 <= run.semitones <= max(values) + 1e-9 for run in runs)


# --- joining ---


def test_the_best_lag_is_where_the_sound_is():
    y = noise(1000)[None]
    assert best_lag(y[:, 300:400], y[:, 270:460]) == 30
    assert best_lag(np.zeros((1, 10), np.float32), y[:, :21]) == 6


def test_joined_pieces_of_one_tone_give_the_tone():
    y = tone(300)[None]
    late = np.roll(y, 40, axis=1)  # another phase: half a period would cancel
    joined = join([Piece(y, 0, 0, 9000), Piece(late, 0, 9000, RATE)], 1, RATE, RATE)
    np.testing.assert_array_equal(joined[:, :8800], y[:, :8800])
    levels = [rms(joined[:, i : i + 220]) for i in range(8500, 9500, 50)]
    np.testing.assert_allclose(levels, 0.5 / 2**0.5, rtol=0.02)


# --- lengths and levels ---


@each_engine
@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_nothing_stays_nothing(engine, shape):
    y = stretch(np.zeros(shape, np.float32), RATE, engine, factor=2.0, shift=[(0, 3.0)])
    assert y.shape == shape
    assert y.dtype == np.float32


@settings(max_examples=25, deadline=None)
@given(
    samples=st.one_of(st.integers(1, 300), st.integers(300, 20000)),
    factor=st.floats(0.25, 4),
    keys=st.lists(st.floats(-30, 30), max_size=4),
    channels=st.sampled_from([0, 1, 2, 3]),
    rate=st.sampled_from([8000, 16000, 22050, 44100, 48000, 96000]),
)
@each_engine
def test_lengths_are_exact_and_shapes_kept(engine, samples, factor, keys, channels, rate):
    y = noise(samples * max(1, channels)).reshape(*([channels] if channels else []), samples)
    shift = [(i * samples // 4, value) for i, value in enumerate(keys) if i == 0 or samples >= 4]
    out = stretch(y, rate, engine, factor=factor, shift=shift)
    assert out.shape == (*y.shape[:-1], round(samples * factor))
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert peak(out) < 8 * peak(y)


@each_engine
def test_what_changes_nothing_returns_the_input(engine):
    y = noise(1000)
    assert stretch(y, RATE, engine) is y
    assert stretch(y, RATE, engine, shift=[(0, 0.0), (500, 0.0), (2000, 5.0)]) is y


@each_engine
def test_silence_stays_silence(engine):
    shift = [(0, 1.0), (5000, -2.0)]
    out = stretch(np.zeros((2, 10000), np.float32), RATE, engine, factor=1.5, shift=shift)
    np.testing.assert_array_equal(out, np.zeros((2, 15000)))


@each_engine
@pytest.mark.parametrize("shift", [[(0, 3.0)], [(0, 3.0), (11000, -2.0)]])
@pytest.mark.parametrize("gain", [8.0, 2.0**-20])
def test_the_level_does_not_matter(engine, shift, gain):
    y = tone(440)
    quiet = stretch(y, RATE, engine, factor=1.25, shift=shift)
    loud = stretch(np.float32(gain) * y, RATE, engine, factor=1.25, shift=shift)
    np.testing.assert_array_equal(loud, np.float32(gain) * quiet)
    assert abs(20 * np.log10(rms(quiet) / rms(y))) < 1
    assert peak(quiet) > 0.45


@each_engine
def test_channels_stay_apart_and_where_they_are(engine):
    y = np.stack([tone(440), 0.5 * tone(700)])
    out = stretch(y, RATE, engine, shift=[(0, 2.0)])
    for channel, frequency in zip(out, (440, 700), strict=True):
        assert abs(cents_off(channel[4000:-4000], frequency * 2 ** (2 / 12))) < CENTS[engine]
    assert rms(out[0, 4000:-4000]) == pytest.approx(2 * rms(out[1, 4000:-4000]), rel=0.03)


# --- pitch ---


@each_engine
@pytest.mark.parametrize("frequency", [110.0, 440.0, 1760.0])
@pytest.mark.parametrize(("semitones", "factor"), [(-12.0, 1.0), (0.3, 1.0), (5.0, 1.5), (0.0, 0.5)])
def test_the_pitch_is_right(engine, frequency, semitones, factor):
    y = stretch(tone(frequency, 2.0), RATE, engine, factor=factor, shift=[(0, semitones)])
    wanted = frequency * 2 ** (semitones / 12)
    assert abs(cents_off(y[len(y) // 8 : -len(y) // 8], wanted)) < CENTS[engine]


@each_engine
def test_numbers_may_be_those_of_numpy(engine):
    wanted = stretch(tone(440), RATE, engine, factor=1.5, shift=[(0, 2.0)])
    made = stretch(tone(440), RATE, engine, factor=np.float64(1.5), shift=[(np.int64(0), np.float32(2))])
    np.testing.assert_array_equal(made, wanted)


@each_engine
@pytest.mark.parametrize("semitones", [-30.0, 36.0])
def test_shifts_may_be_large(engine, semitones):
    frequency = 220.0 if semitones > 0 else 3520.0
    y = stretch(tone(frequency, 2.0), RATE, engine, shift=[(0, semitones)])
    assert abs(cents_off(y[5000:-5000], frequency * 2 ** (semitones / 12))) < CENTS[engine]


@each_engine
@pytest.mark.parametrize("rate", [16000, 22050, 44100])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("first", "second"), [(0.0, 2.0), (5.0, -3.0)])
def test_a_step_comes_at_its_time(engine, rate, factor, first, second):
    y = tone(440, 1.6, rate)
    out = stretch(y, rate, engine, factor=factor, shift=[(0, first), (len(y) // 2, second)])
    time, f0 = f0_of(out, rate)
    middle = 440 * 2 ** ((first + second) / 24)
    inner = (time > 0.2 * factor) & (time < 1.4 * factor)
    later = time[inner & ((f0 > middle) == (second > first))]
    assert abs(later[0] - 0.8 * factor) < 0.015
    for begin, end, semitones in ((0.15, 0.7, first), (0.95, 1.5, second)):
        part = out[round(begin * factor * rate) : round(end * factor * rate)]
        assert abs(cents_off(part, 440 * 2 ** (semitones / 12), rate)) < CENTS[engine]


@each_engine
def test_a_fine_curve_flattens_a_vibrato(engine):
    rate, seconds = 22050, 2.0
    time = np.arange(round(seconds * rate)) / rate
    depth = 0.5 * np.sin(2 * np.pi * 5 * time)  # semitones
    y = (0.5 * np.sin(2 * np.pi * np.cumsum(440 * 2 ** (depth / 12)) / rate)).astype(np.float32)
    hop = 220
    shift = [(i, -float(depth[min(i + hop // 2, len(y) - 1)])) for i in range(0, len(y), hop)]
    shift[0] = (0, shift[0][1])

    def swing(signal: np.ndarray) -> float:
        cents = 1200 * np.log2(f0_of(signal)[1][3000:-3000] / 440)
        return float(np.sqrt(np.mean(np.square(cents))))

    flat = stretch(y, rate, engine, shift=shift)
    assert swing(y) > 30
    assert swing(flat) < 12
    assert abs(20 * np.log10(rms(flat) / rms(y))) < 1


# --- time ---


@each_engine
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("shift", [[(0, 3.0)], [(0, 3.0), (9000, 2.0)]])
def test_a_tone_is_whole_from_its_first_sample_to_its_last(engine, factor, shift):
    out = stretch(tone(440), RATE, engine, factor=factor, shift=shift)
    frame = RATE // 100
    for part in (out[:frame], out[-frame:]):
        assert abs(20 * np.log10(rms(part) * 2 * 2**0.5)) < 2


@each_engine
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("shift", [[4.0], [1.0, -3.0]])
def test_onsets_stay_at_their_times(engine, rate, factor, shift):
    places = [0.3, 0.6, 1.4, 1.7]
    y = clicks(places, 2.0, rate)
    keys = [(i * len(y) // len(shift), value) for i, value in enumerate(shift)]
    out = stretch(y, rate, engine, factor=factor, shift=keys)
    for place in places:
        assert abs(centre(out, place * factor, rate) - place * factor) < 0.012


@each_engine
def test_a_curve_keeps_the_end_of_a_signal(engine):
    y = np.concatenate([np.zeros(RATE, np.float32), tone(440, 0.5)])
    out = stretch(y, RATE, engine, factor=1.5, shift=[(0, -7.0), (RATE, 2.0)])
    assert rms(out[-2000:-500]) > 0.25


# --- the same each time, from any thread, and without a trace ---


@each_engine
@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_threads_give_the_same_bytes(engine, factor):
    y = np.stack([noise(8000), noise(8000, 1)])
    shift = [(0, 1.0), (2000, -4.0), (5000, 0.5)]
    once = stretch(y, RATE, engine, factor=factor, shift=shift)
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda _: stretch(y, RATE, engine, factor=factor, shift=shift), range(8)))
    for other in again:
        np.testing.assert_array_equal(other, once)


@each_engine
def test_the_input_is_left_as_it_was(engine):
    y = noise(9000)[::2]  # not contiguous
    before = y.copy()
    out = stretch(y, RATE, engine, shift=[(0, 1.0), (2000, 2.0)])
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(out, stretch(before, RATE, engine, shift=[(0, 1.0), (2000, 2.0)]))


FAKE = """#!/bin/sh
ls "$TMPDIR" > "$SEEN"
echo no such option >&2
exit 2
"""


@pytest.mark.skipif(sys.platform != "linux", reason="files without names are a matter of Linux")
def test_no_file_is_made_and_the_words_of_the_program_are_told(tmp_path, monkeypatch):
    folder, seen, program = tmp_path / "tmp", tmp_path / "seen", tmp_path / "bin" / "rubberband"
    folder.mkdir()
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("SEEN", str(seen))
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(AudioError, match=r"rubberband fails \(no such option\)"):
        stretch(tone(440), RATE, "rubberband", shift=[(0, 1.0), (1000, 2.0)])
    assert seen.read_text() == ""
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_program_that_writes_nothing_is_an_error(tmp_path, monkeypatch):
    program = tmp_path / "rubberband"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match=r"wrote no audio .*`stretcher=signalsmith`"):
        stretch(tone(440), RATE, "rubberband", factor=2)


@needs_rubberband
def test_folders_serve_where_files_need_names(tmp_path, monkeypatch):
    import tempfile

    wanted = stretch(tone(440), RATE, "rubberband", shift=[(0, 1.0), (9000, 2.0)])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("imtools.effects.stretch.rubberband.sys.platform", "darwin")
    made = stretch(tone(440), RATE, "rubberband", shift=[(0, 1.0), (9000, 2.0)])
    np.testing.assert_array_equal(made, wanted)
    assert list(Path(tmp_path).iterdir()) == []


def test_every_engine_is_tried():
    assert [getattr(engine, "values", (engine,))[0] for engine in ENGINES] == list(STRETCHERS)


@needs_rubberband
@pytest.mark.parametrize("shift", [[(0, -46.1)], [(0, -46.1), (9000, -34.1)], [(0, 44.0)]])
def test_rubberband_goes_as_far_as_one_likes(shift: list[tuple[int, float]]) -> None:
    """Asked at once, the program returns no numbers from 40 semitones down on, and others each time."""
    wave = tone(3520 if shift[0][1] < 0 else 55)
    made = [stretch(wave, RATE, "rubberband", shift=shift) for _ in range(3)]
    assert np.isfinite(made[0]).all()
    assert np.abs(made[0]).max() > 0.1
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])
