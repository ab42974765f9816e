"""Peak memory of im-features and im-predict: it grows neither with the number of items nor their length."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.chain import program, segments
from benchmarks.prediction import make_model
from benchmarks.report import Row


def _peak(name: str, *arguments: str, stdin: bytes = b"") -> float:
    """Return the largest resident size of a command, in MB."""
    command = [program(name), "-q", "--force", *arguments]
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        process = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    return usage.ru_maxrss / 1000


def _repeated(lines: bytes, times: int) -> bytes:
    """Return a manifest some times over, with ids of its own each time."""
    return b"".join(lines.replace(b'"id":"', b'"id":"r%d/' % number) for number in range(times))


def _noise(path: Path, minutes: float) -> str:
    random = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 22050, 1) as file:
        for _ in range(round(minutes * 6)):
            file.write(0.1 * random.standard_normal(10 * 22050))
    return str(path)


def run() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        audio, out = Path(folder, "audio"), f"{folder}/rows"
        audio.mkdir()
        lines = segments(audio, 0.15, 2000)
        for times in (1, 10):
            megabytes = _peak("im-features", "-o", out, "-", stdin=_repeated(lines, times))
            rows.append(Row(f"im-features, {2000 * times} segments of 1 s", megabytes, unit="MB"))
        model = str(make_model(Path(folder, "model"), 0.25))
        for minutes in (3, 60, 600):
            path = _noise(Path(folder, f"{minutes}.flac"), minutes)
            peak = _peak("im-features", "-o", out, path)
            rows.append(Row(f"im-features, one file of {minutes} minutes", peak, unit="MB"))
            peak = _peak("im-predict", "-m", model, "-o", f"{folder}/said", path)
            rows.append(Row(f"im-predict, one file of {minutes} minutes", peak, unit="MB"))
            os.unlink(path)
    return rows
