"""From audio files to stored CQT rows, against a loop of librosa.load and librosa.cqt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import librosa
import numpy as np

from benchmarks.report import Row, milliseconds
from imtools.manifest import Record, parse_line

ROOT = Path(__file__).resolve().parent.parent


def _command(name: str, *arguments: str, stdin: bytes | None = None) -> bytes:
    program = os.path.join(os.path.dirname(sys.executable), name)
    return subprocess.run([program, "-q", *arguments], input=stdin, capture_output=True, check=True).stdout


def _naive(records: list[Record], folder: str) -> None:
    for number, record in enumerate(records):
        clip, rate = librosa.load(record.audio, sr=22050, offset=record.start, duration=record.duration)
        clip /= np.sqrt(np.mean(clip**2)) or 1
        level = librosa.amplitude_to_db(np.abs(librosa.cqt(clip, sr=rate, hop_length=256, n_bins=96)))
        np.save(os.path.join(folder, f"{number}.npy"), level)


def run() -> list[Row]:
    # Overlapping segments make enough of them out of the bundled recordings for start-up not to count.
    lines = _command("im-segment", "--hop", "0.05", str(ROOT / "examples" / "audio"))
    with tempfile.TemporaryDirectory() as folder:
        records = [parse_line(line, "im-segment") for line in lines.splitlines()]
        ours = milliseconds(
            lambda: _command("im-features", "--force", "-o", f"{folder}/rows", "-", stdin=lines), repeat=2
        )
        some = records[:: max(1, len(records) // 200)]
        naive = milliseconds(lambda: _naive(some, folder), repeat=1) * len(records) / len(some)
    return [Row(f"im-features, {len(records)} segments of 1 s, start-up included", ours, naive)]
