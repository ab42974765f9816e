"""Signals that front ends are tried on, and the comparison with an oracle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from imtools.features.front_ends.base import FrontEnd

RATE = 22050
TOLERANCE = 1e-5  # of the maximum
SYNTHETIC = ("noise", "tone", "sweep", "impulse", "edge", "dc", "silence")


def signal(name: str, samples: int, seed: int = 0) -> np.ndarray:
    time = np.arange(samples) / RATE
    match name:
        case "noise":
            y = np.random.default_rng(seed).standard_normal(samples)
        case "tone":
            y = 0.5 * np.sin(2 * np.pi * 110.0 * time)
        case "sweep":
            y = np.sin(2 * np.pi * (40 * time + 2000 * time**2))
        case "impulse":
            y = np.eye(1, samples, samples // 3)[0]
        case "edge":  # the first sample: where filters begin
            y = np.eye(1, samples, 0)[0]
        case "dc":
            y = np.full(samples, 0.3)
        case "silence":
            y = np.zeros(samples)
    return y.astype(np.float32)


def transform(model: FrontEnd, y: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model(torch.from_numpy(np.atleast_2d(y))).numpy()


def assert_close(ours: np.ndarray, oracle: np.ndarray, tolerance: float = TOLERANCE) -> None:
    assert ours.shape == oracle.shape
    assert ours.dtype == np.float32
    assert np.abs(ours - oracle).max() <= tolerance * np.abs(oracle).max()


def recordings(folder: Path, count: int) -> list[np.ndarray]:
    """Return real recordings of a folder with a manifest, mono at 22050 Hz, of odd and even lengths."""
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    chosen = [json.loads(line) for line in lines[:: max(1, len(lines) // count)]]
    clips = []
    for number, entry in enumerate(chosen[:count]):
        path = folder / (entry.get("path") or entry["audio"])
        y, rate = soundfile.read(path, dtype="float32", always_2d=True)
        clips.append(soxr.resample(y.mean(axis=1), rate, RATE)[: 3 * RATE + number])
    return clips
