"""f0 by other packages: pYIN of librosa, and the original CREPE."""

from __future__ import annotations

import numpy as np

from ...arrays import Float32Array
from .track import HOP, RATE, F0Track, num_frames

_LOWEST, _HIGHEST = 32.7, 1975.5
_PYIN_FRAME = 2048
"""Samples: two periods of the lowest pitch."""


def pyin(signal: Float32Array) -> F0Track:
    """Estimate f0 by probabilistic YIN (Mauch and Dixon 2014), from 32.7 Hz to 1975.5 Hz.

    Parameters
    ----------
    signal : ndarray of float32, shape (n,)
        At 16 kHz.
    """
    import librosa

    frames = num_frames(len(signal))
    if not signal.any():
        return F0Track(np.zeros(frames, np.float32), np.zeros(frames, np.float32))
    f0, _voiced, confidence = librosa.pyin(
        signal, fmin=_LOWEST, fmax=_HIGHEST, sr=RATE, hop_length=HOP, frame_length=_PYIN_FRAME, fill_na=None
    )
    return F0Track(f0[:frames].astype(np.float32), confidence[:frames].astype(np.float32))


def crepe_original(signal: Float32Array) -> F0Track:
    """Estimate f0 by the ``crepe`` package, which its authors wrote for TensorFlow."""
    import crepe

    frames = num_frames(len(signal))
    if len(signal) < HOP or not signal.any():
        return F0Track(np.zeros(frames, np.float32), np.zeros(frames, np.float32))
    _times, f0, confidence, _activations = crepe.predict(
        signal, RATE, viterbi=False, step_size=1000 * HOP // RATE, verbose=0
    )
    return F0Track(f0[:frames].astype(np.float32), confidence[:frames].astype(np.float32))
