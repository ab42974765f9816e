"""Arrays are read like the files that they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from imtools.api.sources import open_source
from imtools.audio.load import load
from imtools.errors import AudioError, UsageError
from imtools.manifest import Record
from imtools.sound.array import ArrayFile
from imtools.sound.reader import RecordReader
from imtools.sound.render import load_sound
from imtools.sound.stereo import cut_stream_windows
from imtools.sound.windows import CutWindows, cut_windows


@pytest.fixture(scope="module", params=[1, 2, 3])
def samples(request: pytest.FixtureRequest) -> np.ndarray:
    """Noise of one to three channels, 1.5 s at 48 kHz."""
    return 0.2 * np.random.default_rng(request.param).standard_normal((request.param, 72_011))


@pytest.fixture
def record(samples: np.ndarray, tmp_path: Path) -> Record:
    soundfile.write(tmp_path / "a.wav", samples.T, 48_000, subtype="FLOAT")
    record, file = open_source(tmp_path / "a.wav")
    assert file is None
    return record


class TestArraysAndTheirFiles:
    @pytest.mark.parametrize("normalize", [None, "rms", "peak"])
    @pytest.mark.parametrize("rate", [48_000, 22_050, 96_000])
    def test_give_the_same_samples(
        self, samples: np.ndarray, record: Record, rate: int, normalize: str | None
    ) -> None:
        own, file = open_source((samples, 48_000))
        assert (own.num_samples, own.duration, own.sampling_rate) == (
            record.num_samples,
            record.duration,
            record.sampling_rate,
        )
        changes = {"start": 0.25, "num_samples": 30_000, "normalize": normalize, "padding": 0.05}
        for mono in (True, False):
            for whole, array in [
                (record, own),
                (record.replace(**changes), own.replace(**changes)),
            ]:
                expected = load(whole.at_rate(rate), mono=mono)
                for read in (load, load_sound):
                    got = read(array.at_rate(rate), mono=mono, file=file)
                    assert got.dtype == np.float32
                    assert np.array_equal(got, expected)

    def test_give_the_same_channels(self, samples: np.ndarray, record: Record) -> None:
        file = ArrayFile(samples, 48_000)
        chosen = record.replace(channels=[len(samples) - 1])
        assert np.array_equal(load(chosen, file=file), load(chosen))
        with pytest.raises(AudioError, match=r"array: has \d channels; record"):
            load(record.replace(channels=[3]), file=file)

    @pytest.mark.parametrize("normalize", [None, "rms"])
    @pytest.mark.parametrize("cutting", [cut_windows, cut_stream_windows])
    def test_give_the_same_windows(self, samples, record, cutting, normalize, monkeypatch) -> None:
        monkeypatch.setattr("imtools.sound.windows.WINDOWS_PER_BATCH", 4)  # so that the reader holds nothing
        own, file = open_source((samples, 48_000))
        record, own = (one.replace(normalize=normalize) for one in (record, own))
        expected = list(cutting(record, 22_050, 4000, 1500))
        for cut in (CutWindows(cutting, own, 22_050, 4000, 1500, file),) * 2:
            for ours, theirs in zip(cut, expected, strict=True):
                assert np.array_equal(ours, theirs)

    def test_give_the_same_parts(self, samples: np.ndarray, record: Record) -> None:
        own, file = open_source((samples, 48_000))
        reader = RecordReader(own.at_rate(44_100), file=file)
        other = RecordReader(record.at_rate(44_100))
        for begin, end in [(1000, 5000), (0, 20), (66_000, own.at_rate(44_100).num_samples)]:
            assert np.array_equal(reader.read(begin, end), other.read(begin, end))


class TestArrays:
    def test_may_have_one_axis(self) -> None:
        y = np.sin(np.arange(1000.0))
        record, file = open_source((y, 8000))
        assert np.array_equal(load_sound(record, file=file), y.astype(np.float32))
        assert load_sound(record, mono=False, file=file).shape == (1, 1000)

    def test_are_neither_kept_nor_changed(self) -> None:
        y = np.ones(100, np.float32)
        record, file = open_source((y, 8000))
        load_sound(record, file=file)[:] = 0
        assert y.all()
        assert load_sound(record, file=file).all()

    @pytest.mark.parametrize(
        ("array", "rate", "error", "message"),
        [
            (np.zeros((2, 3, 4)), 8000, UsageError, r"\(2, 3, 4\)"),
            (np.float32(1), 8000, UsageError, r"\(\)"),
            (np.zeros((100, 2)), 8000, UsageError, r"\(channels, num_samples\)"),
            (np.zeros(100, np.int16), 8000, UsageError, "int16"),
            (np.zeros(100), 0, UsageError, "rate 0"),
            (np.zeros(100), 8000.5, UsageError, "8000.5"),
            (np.zeros(100), "fast", UsageError, "fast"),
            (np.zeros(100), float("nan"), UsageError, "nan"),
            (np.zeros(0), 8000, AudioError, "no samples"),
            (np.zeros((2, 0)), 8000, AudioError, "no samples"),
        ],
    )
    def test_of_other_kinds_are_refused(
        self, array: np.ndarray, rate: int, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            open_source((array, rate))

    def test_that_are_not_finite_are_refused(self) -> None:
        y = np.zeros(8000)
        y[4000] = np.nan
        record, file = open_source((y, 8000))
        with pytest.raises(AudioError, match=r"array: sample at 0\.500 s is not a finite number"):
            load_sound(record, file=file)


class TestSources:
    def test_records_are_returned_as_they_are(self, record: Record) -> None:
        assert open_source(record) == (record, None)

    def test_a_file_must_be_audio(self, tmp_path: Path) -> None:
        with pytest.raises(AudioError, match=r"none\.wav"):
            open_source(tmp_path / "none.wav")

    @pytest.mark.parametrize("source", [None, np.zeros(100), (np.zeros(100),), [1, 2]])
    def test_anything_else_is_refused(self, source: object) -> None:
        with pytest.raises(UsageError, match="a source must be a path, "):
            open_source(source)  # type: ignore[arg-type]
