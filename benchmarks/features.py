"""Front ends on a batch of one-second clips, against librosa on one clip after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import Row, milliseconds
from imtools.features import front_end

CLIPS, RATE = 128, 22050

Array = NDArray[Any]


def _cqt(clip: Array) -> Array:
    clip = clip / np.sqrt(np.mean(clip**2))
    level: Array = librosa.amplitude_to_db(np.abs(librosa.cqt(clip, sr=RATE, hop_length=256, n_bins=96)))
    return level


def _mel(clip: Array) -> Array:
    level: Array = librosa.power_to_db(librosa.feature.melspectrogram(y=clip, sr=RATE), ref=np.max)
    return level


def _row(preset: str, naive: Callable[[Array], Array]) -> Row:
    clips = np.random.default_rng(0).standard_normal((CLIPS, RATE)).astype(np.float32)
    model, batch = front_end(preset), torch.from_numpy(clips)
    with torch.inference_mode():
        ours = milliseconds(lambda: model(batch))
    each = milliseconds(lambda: [naive(clip) for clip in clips], repeat=2)
    return Row(f"{preset}, {CLIPS} clips", ours, each)


def run() -> list[Row]:
    return [_row("kratimenos2020", _cqt), _row("librosa-mel", _mel)]
