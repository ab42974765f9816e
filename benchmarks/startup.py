"""How long ``--help`` takes, against a Python that imports what the command works with."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.report import Row, milliseconds
from imtools.cli import COMMANDS


def _call(*arguments: str) -> float:
    return milliseconds(lambda: subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL))


def run() -> list[Row]:
    folder = os.path.dirname(sys.executable)
    naive = _call(sys.executable, "-c", "import torch, librosa.core, soundfile, click")
    names = ["im", *(f"im-{name}" for name in COMMANDS)]
    return [Row(f"{name} --help", _call(os.path.join(folder, name), "--help"), naive) for name in names]
