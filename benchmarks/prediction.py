"""Prediction for a library: im-predict against decoding alone, the model alone, and going file by file.

The model is kratimenos2020 with random weights, which cost as much as trained ones.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from benchmarks.chain import program
from benchmarks.report import Row
from imtools.audio import stream
from imtools.device import resolve_precision
from imtools.features import front_end
from imtools.models import build
from imtools.models.bundle import load, save
from imtools.models.description import Description, Member
from imtools.parallel import default_jobs, ordered_map
from imtools.predict.predictor import Predictor

CLASSES = ["cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi"]
FORMATS = {"flac": ("FLAC", "PCM_16"), "mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS")}
RATE = 44100


def make_model(folder: Path, width: float = 1.0) -> Path:
    """Write a model with random weights."""
    end = front_end("kratimenos2020")
    shape = (96, 87)
    torch.manual_seed(1)
    net = build("kratimenos2020", num_classes=len(CLASSES), input_shape=shape, width=width)
    description = Description(
        name="bench",
        architecture="kratimenos2020",
        width=width,
        strategy="multi-label",
        labels=CLASSES,
        front_end=end.config,
        front_end_hash=end.config_hash,
        shape=shape,
        window=1.0,
        hop=1.0,
        thresholds=[0.5] * len(CLASSES),
        members=[Member("member0", None, None, 0, 0.0, 1.0)],
    )
    save(folder, description, [net.state_dict()], "{name}\n")
    return folder


def write_library(folder: Path, files: int, seconds: int, formats: Sequence[str] = tuple(FORMATS)) -> None:
    """Write stereo files of noise that changes, in the formats in turn."""
    random = np.random.default_rng(0)
    for number in range(files):
        name = formats[number % len(formats)]
        form, subtype = FORMATS[name]
        with soundfile.SoundFile(folder / f"{number:03d}.{name}", "w", RATE, 2, subtype, format=form) as file:
            for _ in range(seconds):
                tone = np.sin(2 * np.pi * random.uniform(100, 2000) * np.arange(RATE) / RATE)
                noise = 0.05 * random.standard_normal((RATE, 2))
                file.write((0.3 * tone[:, None] + noise).astype(np.float32))


def decode_whole(path: Path) -> int:
    """Decode a file as prediction does, and return its length in samples."""
    return sum(block.shape[1] for block in stream(path, 22050))


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def model_alone(folder: Path, seconds: int, device: torch.device | None = None) -> Callable[[], object]:
    """Return the work of the model, front end included, on windows that are in memory."""
    place = device or torch.device("cpu")
    predictor = Predictor(load(folder, place, resolve_precision("auto", place)))
    windows = list(0.1 * np.random.default_rng(1).standard_normal((128, 22050)).astype(np.float32))
    predictor.compute(windows, False, None)

    def work() -> None:
        for first in range(0, seconds, 128):
            predictor.compute(windows[: min(128, seconds - first)], False, None)

    return work


NAIVE = """
import sys
import librosa, numpy as np, torch
from imtools.models.bundle import load
folder, path = sys.argv[1:]
model = load(folder)
samples, rate = librosa.load(path, sr=22050)
scores = []
for second in range(len(samples) // rate):
    part = samples[second * rate : (second + 1) * rate]
    part = part / np.sqrt(np.mean(part**2))
    cqt = np.abs(librosa.cqt(part, sr=rate, hop_length=256, n_bins=96, bins_per_octave=12))
    cqt = librosa.amplitude_to_db(cqt)
    scores.append(model.predict_proba(torch.from_numpy(cqt[None, :, :87].astype(np.float32)))[0].numpy())
print(np.mean(scores, axis=0))
"""
"""What people write first: a process a file, librosa, a second at a time."""


def run(files: int = 48, seconds: int = 120) -> list[Row]:
    with tempfile.TemporaryDirectory() as place:
        library, out = Path(place, "library"), Path(place, "out")
        library.mkdir()
        model = make_model(Path(place, "model"))
        write_library(library, files, seconds)
        paths = sorted(library.iterdir())
        total = files * seconds

        def whole() -> None:
            command = [program("im-predict"), "-q", "--force", "-m", str(model), "-o", str(out), str(library)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        def naive() -> None:
            for path in paths[: len(FORMATS)]:
                command = [program("python"), "-c", NAIVE, str(model), str(path)]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        work = model_alone(model, total)

        def decode() -> None:
            for _ in ordered_map(decode_whole, paths, default_jobs(), 4):
                pass

        times = [(seconds_of(whole), seconds_of(decode), seconds_of(work)) for _ in range(3)]
        ours, decoding, alone = (sorted(column)[1] for column in zip(*times, strict=True))
        slow = seconds_of(naive) * files / len(FORMATS)
    slower = max(decoding, alone)
    name = f"im-predict, {files} files of {seconds} s, start-up included"
    return [
        Row(f"{name}; naive: file by file", ours, slow, "s"),
        Row("the same; beside it the slower of decoding alone and the model alone", ours, slower, "s"),
        Row(f"decoding alone, {total / decoding:.0f} x real time", decoding, unit="s"),
        Row(f"the model alone, {total / alone:.0f} x real time", alone, unit="s"),
    ]
