"""Adding tracks: in floating point, or in 16 bits that clip.

Tracks are float32 of shape ``(num_samples,)`` or ``(channels, num_samples)``, all at one sampling rate.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Float32Array
from ..errors import AudioError, UsageError
from ..units import db_to_amplitude


def headroom_db(num_tracks: int) -> float:
    """Return the gain that keeps the sum of n full-scale tracks within full scale: ``-20 log10(n)`` dB."""
    return -20.0 * math.log10(num_tracks)


def overlay(
    tracks: Sequence[Float32Array],
    *,
    offsets: Sequence[int] | None = None,
    gains_db: Sequence[float] | None = None,
    gain_db: float = 0.0,
) -> Float32Array:
    """Return the weighted sum of some tracks, up to the end of the track that ends first.

    So the labels of all tracks hold until the end of the mix.

    Parameters
    ----------
    tracks : sequence of ndarray of float32, shape (num_samples,) or (channels, num_samples)
        All at one sampling rate. A single channel is added to all channels of the others.
    offsets : sequence of int, optional
        The sample of the mix at which each track begins; 0 by default.
    gains_db : sequence of float, optional
        Level change of each track, in decibels; 0 by default.
    gain_db : float
        Level change of the sum, in decibels.

    Returns
    -------
    ndarray of float32, shape (num_samples,) or (channels, num_samples)
        Not clipped: values beyond full scale are kept.

    Raises
    ------
    UsageError
        If there is no track, or their number differs from that of the offsets or gains.
    AudioError
        If the numbers of channels do not fit together.
    """
    offsets, gains, length, channels = _checked(tracks, offsets, gains_db)
    total = np.zeros((*channels, length), dtype=np.float32)
    for samples, offset, track_gain in zip(tracks, offsets, gains, strict=True):
        part = samples[..., : max(0, length - offset)]
        gain = np.float32(db_to_amplitude(track_gain + gain_db))
        total[..., offset : offset + part.shape[-1]] += gain * part
    return total


def overlay_pydub(
    tracks: Sequence[Float32Array],
    *,
    offsets: Sequence[int] | None = None,
    gains_db: Sequence[float] | None = None,
    gain_db: float = 0.0,
) -> Float32Array:
    """Return the sum that pydub computes: in 16 bits, which clips (Kratimenos et al. 2020).

    Parameters, result and errors are those of `overlay`; all values are multiples of 1/32768 within full
    scale.

    Raises
    ------
    UsageError
        Also if pydub is not installed.
    """
    AudioSegment = _pydub()
    offsets, gains, length, channels = _checked(tracks, offsets, gains_db)
    count = channels[0] if channels else 1

    def segment(samples: Float32Array, offset: int, gain: float) -> Any:
        frames = np.zeros((length, count))
        part = np.atleast_2d(samples)[:, : max(0, length - offset)]
        frames[offset : offset + part.shape[1]] = part.T
        data = (frames * _FULL_SCALE).round().clip(-_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()
        # One frame a millisecond: pydub counts in milliseconds, and rounds nothing this way.
        made = AudioSegment(data=data, sample_width=2, frame_rate=1000, channels=count)
        return made.apply_gain(gain) if gain else made

    segments = [
        segment(samples, offset, track_gain + gain_db)
        for samples, offset, track_gain in zip(tracks, offsets, gains, strict=True)
    ]
    total = functools.reduce(lambda below, above: below.overlay(above), segments)
    frames = np.frombuffer(total.raw_data, "<i2").reshape(-1, count).T.astype(np.float32) / _FULL_SCALE
    return np.ascontiguousarray(frames if channels else frames[0])


_FULL_SCALE = 32768.0


def _pydub() -> Any:
    with warnings.catch_warnings():  # it warns about ffmpeg, which is not needed here
        warnings.simplefilter("ignore")
        try:
            from pydub import AudioSegment
        except ImportError as error:
            hint = "install pydub, or pass `renderer=float`"
            raise UsageError(f"pydub cannot be used ({error})", hint) from None
    return AudioSegment


def _checked(
    tracks: Sequence[Float32Array], offsets: Sequence[int] | None, gains_db: Sequence[float] | None
) -> tuple[Sequence[int], Sequence[float], int, tuple[int, ...]]:
    """Return offsets, gains, the length of the sum and its channels."""
    offsets = [0] * len(tracks) if offsets is None else offsets
    gains_db = [0.0] * len(tracks) if gains_db is None else gains_db
    if not len(tracks) == len(offsets) == len(gains_db) > 0:
        counts = f"{len(tracks)} tracks, {len(offsets)} offsets, {len(gains_db)} gains"
        raise UsageError(f"one offset and one gain are needed for each track: {counts}")
    length = max(0, min(x.shape[-1] + offset for x, offset in zip(tracks, offsets, strict=True)))
    try:
        channels = np.broadcast_shapes(*(x.shape[:-1] for x in tracks))
    except ValueError:
        counts = " and ".join(str(x.shape[0]) if x.ndim > 1 else "1" for x in tracks)
        raise AudioError(f"tracks with {counts} channels cannot be mixed", "mix them as mono") from None
    return offsets, gains_db, length, channels
