"""Front ends on a batch of 128 one-second clips, per clip, against librosa (or NumPy) clip by clip."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import Row, milliseconds
from imtools.device import tune_malloc
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


def _chroma(clip: Array) -> Array:
    chroma: Array = librosa.feature.chroma_cqt(y=clip, sr=RATE)
    return chroma


def _chroma_tuned(clip: Array) -> Array:
    chroma: Array = librosa.feature.chroma_cqt(y=clip, sr=RATE, tuning=0.0)
    return chroma


def _chroma_36(clip: Array) -> Array:
    chroma: Array = librosa.feature.chroma_cqt(y=clip, sr=RATE, tuning=0.0, n_chroma=36, hop_length=221)
    return chroma


def _modgd(clip: Array) -> Array:
    """Lumen's equations on all frames of a clip at once, in NumPy."""
    n = np.arange(1103)
    padded = np.pad(clip.astype(np.float64), 551)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1103)[::221] * np.hamming(1103)
    x, y = np.fft.rfft(frames, 2048), np.fft.rfft(n * frames, 2048)
    cepstrum = np.fft.irfft(np.log(np.maximum(np.abs(x), 1e-30)), 2048)
    cepstrum[:, 8:-7] = 0
    tau = (x.real * y.real + x.imag * y.imag) / np.exp(np.fft.rfft(cepstrum).real)
    feature: Array = (np.sign(tau) * np.abs(tau) ** 0.9)[:, :128].T
    return feature


def _stft(clip: Array) -> Array:
    level: Array = librosa.amplitude_to_db(np.abs(librosa.stft(clip)))
    return level


def _contrast(clip: Array) -> Array:
    contrast: Array = librosa.feature.spectral_contrast(y=clip, sr=RATE)
    return contrast


def _rolloff(clip: Array) -> Array:
    rolloff: Array = librosa.feature.spectral_rolloff(y=clip, sr=RATE)
    return rolloff


def _row(name: str, naive: Callable[[Array], Array], preset: str | None = None, **parameters: Any) -> Row:
    clips = np.random.default_rng(0).standard_normal((CLIPS, RATE)).astype(np.float32)
    model, batch = front_end(preset, **parameters), torch.from_numpy(clips)
    with torch.inference_mode():
        ours = milliseconds(lambda: model(batch), repeat=11)
    some = clips[:: CLIPS // 32]
    each = milliseconds(lambda: [naive(clip) for clip in some], repeat=3)
    return Row(name, ours / CLIPS, each / len(some))


def run() -> list[Row]:
    tune_malloc()
    warnings.filterwarnings("ignore", message="n_fft=.* is too large")  # librosa, of its own decimated signal
    return [
        _row("cqt (kratimenos2020: 96 bins, hop 256)", _cqt, "kratimenos2020"),
        _row("mel (librosa-mel)", _mel, "librosa-mel"),
        _row("chroma, 12 classes", _chroma, kind="chroma"),
        _row("chroma, against librosa without tuning estimate", _chroma_tuned, kind="chroma"),
        _row("chroma, 36 classes, hop 221 (lumen2023-chroma)", _chroma_36, "lumen2023-chroma"),
        _row("modgd (lumen2023-modgd), against NumPy", _modgd, "lumen2023-modgd"),
        _row("stft", _stft, kind="stft"),
        _row("contrast", _contrast, kind="contrast"),
        _row("rolloff", _rolloff, kind="rolloff"),
    ]
