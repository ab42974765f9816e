"""Levels of a signal: RMS, peak, normalisation, and the check that every sample is finite.

Decoded samples are ``(frames, channels)``; `normalize`, `rms` and `peak` take any shape.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float32Array
from ..errors import AudioError, UsageError
from ..units import samples_to_seconds


def rms(x: Float32Array) -> float:
    """Return the root mean square over all samples and channels; 0 for an empty array."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if x.size else 0.0


def peak(x: Float32Array) -> float:
    """Return the largest absolute sample over all channels; 0 for an empty array."""
    return float(np.max(np.abs(x))) if x.size else 0.0


def normalize(x: Float32Array, how: str | None) -> Float32Array:
    """Scale a signal to unit level, all channels by the same factor.

    Parameters
    ----------
    x : ndarray of float32
        Samples, of any shape.
    how : {"rms", "peak", None}
        ``"rms"`` divides by the RMS, ``"peak"`` by the largest absolute sample; ``None`` does nothing.

    Returns
    -------
    ndarray of float32
        Same shape. Silence comes back unchanged. With ``"rms"`` the peaks of all but square waves
        exceed 1.

    Raises
    ------
    UsageError
        If ``how`` is none of these.
    """
    if how is None:
        return x
    measures = {"rms": rms, "peak": peak}
    if how not in measures:
        raise UsageError(f"normalisation {how!r} is not known", "choose 'rms' or 'peak'")
    level = measures[how](x)
    return (x / np.float64(level)).astype(np.float32) if level > 0 else x


def to_mono(frames: Float32Array) -> Float32Array:
    """Return the mean over channels of ``(frames, channels)`` samples, as ``(frames, 1)``."""
    channels = frames.shape[1]
    if channels == 1:
        return frames
    # Channel by channel: the mean over rows of two takes NumPy ten times as long.
    total = frames[:, 0] + frames[:, 1]
    for channel in range(2, channels):
        total += frames[:, channel]
    total /= channels
    return total[:, None]


def check_finite(frames: Float32Array, where: str, sampling_rate: int, start: int = 0) -> None:
    """Refuse samples that are NaN or infinite.

    Parameters
    ----------
    frames : ndarray of shape (frames, channels)
        Decoded samples.
    where : str
        What to name in the error, usually the file.
    sampling_rate : int
        Hz, for the position in the error.
    start : int
        Position of the first frame in the file, in samples.

    Raises
    ------
    AudioError
        Naming the first such sample by its time in seconds.
    """
    if np.isfinite(frames).all():
        return
    frame = int(np.flatnonzero(~np.isfinite(frames).all(axis=1))[0])
    position = samples_to_seconds(start + frame, sampling_rate)
    raise AudioError(
        f"{where}: sample at {position:.3f} s is not a finite number",
        "repair the file or leave it out",
    )
