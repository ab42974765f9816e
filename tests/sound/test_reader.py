"""Reading records part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from imtools.manifest import Record, parse_line
from imtools.sound.reader import RecordReader
from imtools.sound.render import load_sound
from paths import EXAMPLES
from signals import RATE, recordings


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    """Half a minute of real music, loud and soft, with a gap and a click."""
    y = np.concatenate(
        [clip * gain for clip, gain in zip(recordings(EXAMPLES, 12), [1, 0.1, 0.5] * 4, strict=True)]
    )
    y[5 * RATE : 7 * RATE] = 0
    y[20 * RATE] = 0.9
    return y[: 29 * RATE + 13].astype(np.float32)


def wav(path: Path, y: np.ndarray, rate: int = RATE) -> Record:
    soundfile.write(path, y, rate, subtype="FLOAT")
    return Record(path.stem, str(path), 0.0, len(y) / rate, rate, len(y))


class TestRecordReader:
    @pytest.mark.parametrize("normalize", [None, "rms", "peak"])
    @pytest.mark.parametrize("held", [False, True])
    def test_parts_are_those_of_the_whole(
        self,
        normalize: str | None,
        held: bool,
        recording: np.ndarray,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("imtools.sound.reader._CHUNK", 50_000)
        record = wav(tmp_path / "a.wav", recording, 44100)
        record = record.replace(
            normalize=normalize, start=0.5, duration=5.0, num_samples=220_500, padding=0.25
        )
        record = record.at_rate(RATE)
        reader, whole = RecordReader(record), load_sound(record)
        if held:
            reader.hold()
        for begin, end in [(0, 30_000), (29_000, 70_001), (70_001, 110_250), (0, 1), (109_000, 110_250)]:
            part = reader.read(begin, end)
            assert part.dtype == np.float32
            np.testing.assert_allclose(part, whole[begin:end], atol=2e-6 * np.abs(whole).max())

    def test_silence_is_not_divided(self, tmp_path: Path) -> None:
        record = wav(tmp_path / "a.wav", np.zeros(1000)).replace(normalize="rms")
        assert not RecordReader(record).read(0, 1000).any()

    def test_mixes_are_rendered(self, space: Path) -> None:
        lines = (space / "mixes.jsonl").read_text().splitlines()
        record = parse_line(lines[0], "mixes")
        record.mix["tracks"] = [t | {"audio": str(space / t["audio"])} for t in record.mix["tracks"]]
        reader = RecordReader(record)
        assert np.array_equal(reader.read(100, 900), load_sound(record)[100:900])

    def test_an_empty_record_has_no_level(self, tmp_path: Path) -> None:
        record = wav(tmp_path / "a.wav", np.zeros(10)).replace(num_samples=0, duration=0.0, normalize="rms")
        assert RecordReader(record).read(0, 0).shape == (0,)
