"""Long recordings pass in slices, and come out as if they had been transformed as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from imtools.errors import AudioError, FeatureError
from imtools.features import KINDS, PRESETS, front_end
from imtools.features import loading as loading_module
from imtools.features.front_ends.base import FrontEnd
from imtools.features.store import FeatureReader
from imtools.features.streaming import stream
from imtools.manifest import Record
from imtools.stages import features as stage_module
from imtools.stages.features import FeatureStage
from paths import EXAMPLES
from signals import RATE, assert_close, recordings, signal, transform

SIZE = 60_000


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    """Half a minute of real music, loud and soft, with a gap and a click."""
    y = np.concatenate(
        [clip * gain for clip, gain in zip(recordings(EXAMPLES, 12), [1, 0.1, 0.5] * 4, strict=True)]
    )
    y[5 * RATE : 7 * RATE] = 0
    y[20 * RATE] = 0.9
    return y[: 29 * RATE + 13].astype(np.float32)


def streamed(model: FrontEnd, y: np.ndarray, size: int = SIZE) -> tuple[np.ndarray, list[tuple[int, int]]]:
    asked = []

    def read(begin: int, end: int) -> np.ndarray:
        asked.append((begin, end))
        return y[begin:end]

    return np.concatenate(list(stream(model, len(y), read, size=size)), axis=1), asked


def models() -> list[Any]:
    """Return every preset, and every kind with a normalisation that it has not by default."""
    small = {"n_fft": 2**20}
    cases = [pytest.param(name, small if name == "vaznonis2022-fft" else {}, id=name) for name in PRESETS]
    for kind in KINDS:
        settings = (small if kind == "fft" else {}) | {"kind": kind, "normalize": "peak"}
        cases.append(pytest.param(None, settings, id=f"{kind}-peak"))
    return cases


@pytest.mark.parametrize(("preset", "settings"), models())
def test_slices_give_what_the_whole_gives(
    preset: str | None, settings: dict[str, Any], recording: np.ndarray
) -> None:
    model = front_end(preset, **settings)
    whole = transform(model, recording)[0]
    parts, asked = streamed(model, recording)
    assert parts.shape == whole.shape
    assert parts.dtype == np.float32
    if model.config.get("scale", "linear") != "linear" or model.kind == "contrast":
        # Levels: 1e-5 of the full range is what float32 can promise of the quietest.
        assert np.abs(parts - whole).max() <= 1e-5 * max(np.ptp(whole), np.abs(whole).max()) + 0.02
        loud = whole > whole.max() - 40
        assert np.abs(parts - whole)[loud].max() <= 1e-3
    else:
        assert np.abs(parts - whole).max() <= 1e-5 * np.abs(whole).max()
    passes = 2 if model.normalize != "none" or model.needs_peaks else 1
    assert len(asked) >= passes
    assert {begin % model.grid for begin, _ in asked} == {0}


@pytest.mark.parametrize("how", ["peak", "rms"])
def test_samples_between_frames_far_apart_count_for_the_level(how: str) -> None:
    y = signal("noise", 200_000) / 100
    y[59_000] = 0.9  # between the last frame of the first slice and the next
    model = front_end(kind="mel", n_fft=512, hop_length=4096, normalize=how, scale="linear")
    parts, _ = streamed(model, y)
    whole = transform(model, y)[0]
    assert np.abs(parts - whole).max() <= 1e-5 * whole.max()


def test_memory_does_not_grow_with_the_length() -> None:
    model = front_end()
    longest = []
    for seconds in (80, 160):
        _, asked = streamed(model, signal("noise", seconds * RATE))
        longest.append(max(end - begin for begin, end in asked[:-1]))
    assert longest[0] == longest[1]


@pytest.mark.parametrize("samples", [1, 100, 5000, 60_000, 60_001])
def test_short_waveforms_are_one_slice(samples: int) -> None:
    y = signal("noise", samples)
    # Linear, for in decibels a rounding error of a quiet cell is as large as one likes.
    for kind, options in (("mel", {"scale": "linear"}), ("cqt", {"scale": "linear"}), ("waveform", {})):
        model = front_end(kind=kind, **options)
        assert_close(streamed(model, y)[0], transform(model, y)[0])


def test_lengths_are_checked_before_anything_is_read() -> None:
    def read(begin: int, end: int) -> np.ndarray:
        raise AssertionError

    with pytest.raises(FeatureError, match="too short"):
        next(stream(front_end(kind="cqt", hop_length=512, n_bins=36), 15, read))
    with pytest.raises(FeatureError, match="too long"):
        next(stream(front_end("vaznonis2022-fft"), 10**6, read))


def wav(path: Path, y: np.ndarray, rate: int = RATE) -> Record:
    soundfile.write(path, y, rate, subtype="FLOAT")
    return Record(path.stem, str(path), 0.0, len(y) / rate, rate, len(y))


class TestStage:
    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let everything above two seconds be long, and nothing above five be held."""
        monkeypatch.setattr(loading_module, "MAX_WHOLE_SAMPLES", 2 * RATE)
        monkeypatch.setattr(stage_module, "MAX_DECODED_SAMPLES", 5 * RATE)

    @staticmethod
    def run(folder: Path, records: list[Record], **options: Any) -> list[Any]:
        stage = FeatureStage(front_end(**options), folder, "float32", 8, 2)
        stage.begin(iter(()))
        made = TestStage.send(stage, records)
        stage.end()
        return made

    @staticmethod
    def send(stage: FeatureStage, records: list[Record]) -> list[Any]:
        made = stage.process(records, [stage.prepare(record) for record in records])
        good = [n for n, one in enumerate(made) if not isinstance(one, Exception)]
        stored = iter(stage.store([records[n] for n in good], [made[n] for n in good]))
        return [one if isinstance(one, Exception) else next(stored) for one in made]

    def test_rows_of_long_and_short_records_are_in_order(self, recording: np.ndarray, tmp_path: Path) -> None:
        lengths = [RATE, 8 * RATE + 1, RATE, 4 * RATE, 8 * RATE + 1, RATE]
        waves = [recording[number * RATE :][:length] for number, length in enumerate(lengths)]
        records = [wav(tmp_path / f"{number}.wav", y) for number, y in enumerate(waves)]
        made = self.run(tmp_path / "out", records)
        assert [record.id for (record,) in made] == [record.id for record in records]
        refs = [record.features["cqt"] for (record,) in made]
        for ref, y in zip(refs, waves, strict=True):
            whole = transform(front_end(), y)[0]
            assert ref.shape == whole.shape
            assert np.abs(FeatureReader().read(ref) - whole).max() < 0.02
        assert [ref.row for ref in refs] == [0, 0, 0, 0, 0, 0]

    def test_a_record_that_breaks_off_leaves_nothing(self, recording: np.ndarray, tmp_path: Path) -> None:
        records = [wav(tmp_path / f"{number}.wav", recording[: 8 * RATE]) for number in range(3)]
        (tmp_path / "1.wav").write_bytes((tmp_path / "1.wav").read_bytes()[:500_000])
        y = recording[: 8 * RATE].copy()
        y[7 * RATE] = np.nan
        records.append(wav(tmp_path / "nan.wav", y))
        records.append(wav(tmp_path / "last.wav", recording[: 3 * RATE]))
        made = self.run(tmp_path / "out", records)
        assert [isinstance(one, AudioError) for one in made] == [False, True, False, True, False]
        assert "1.wav" in str(made[1])
        assert "7.000 s" in str(made[3])
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            "cqt-00000.npy",
            "cqt-00001.npy",
            "cqt.json",
        ]
        assert np.load(tmp_path / "out" / "cqt-00000.npy").shape[0] == 2
        assert made[2][0].features["cqt"].row == 1

    def test_what_float16_cannot_hold_is_one_failure(self, tmp_path: Path) -> None:
        loud = [
            wav(tmp_path / f"{n}.wav", signal("noise", RATE, n) * (1e6 if n == 1 else 1)) for n in range(3)
        ]
        stage = FeatureStage(front_end(kind="waveform", normalize="none"), tmp_path / "out", "float16", 8, 1)
        stage.begin(iter(()))
        made = self.send(stage, loud)
        assert [isinstance(one, FeatureError) for one in made] == [False, True, False]
        assert made[2][0].features["waveform"].row == 1

    def test_whole_clip_spectra_are_not_cut(self, recording: np.ndarray, tmp_path: Path) -> None:
        y = recording[: 8 * RATE]
        made = self.run(
            tmp_path / "out", [wav(tmp_path / "a.wav", y)], kind="fft", n_fft=2**18, sampling_rate=RATE
        )
        row = FeatureReader().read(made[0][0].features["fft"])
        assert np.allclose(
            row, transform(front_end(kind="fft", n_fft=2**18, sampling_rate=RATE), y)[0], atol=1e-2
        )
        with pytest.raises(FeatureError, match=r"record a: .*too long"):
            self.run(tmp_path / "b", [wav(tmp_path / "a.wav", y)], kind="fft", n_fft=1000)


def test_a_long_mp3_through_the_command(run: Any, tmp_path: Path, recording: np.ndarray) -> None:
    y = np.tile(recording, 3)  # long enough for slices
    soundfile.write(tmp_path / "long.mp3", y, RATE, format="MP3")
    done = run("im-features", "-o", "out", "--preset", "han2017", "long.mp3", cwd=tmp_path)
    assert done.returncode == 0
    (row,) = np.load(tmp_path / "out" / "mel-00000.npy")
    decoded, _ = soundfile.read(tmp_path / "long.mp3", dtype="float32")
    with torch.inference_mode():
        whole = front_end("han2017")(torch.from_numpy(decoded[None]))[0].numpy()
    assert row.shape == (128, whole.shape[1])
    assert np.abs(row - whole).max() < 1e-3


def test_the_front_end_of_a_model(run: Any, space: Path, tmp_path: Path) -> None:
    done = run("im-features", "-o", str(tmp_path / "out"), "--like", "model", "segments.jsonl", cwd=space)
    assert done.returncode == 0, done.stderr
    described = json.loads((space / "model" / "model.json").read_text())["front_end"]
    for line in done.stdout.splitlines():
        assert json.loads(line)["features"]["cqt"]["config"] == described["hash"]
    wrong = run(
        "im-features",
        "-o",
        str(tmp_path / "b"),
        "--like",
        "model",
        "--kind",
        "mel",
        "segments.jsonl",
        cwd=space,
    )
    assert wrong.returncode == 2
    assert b"--like" in wrong.stderr
