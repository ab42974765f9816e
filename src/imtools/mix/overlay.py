"""Laying tracks over each other, in floating point."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..audio.levels import Samples
from ..errors import AudioError, UsageError
from ..units import db_to_amplitude


def headroom_db(num_tracks: int) -> float:
    """Return the gain that keeps the sum of so many full-scale tracks in full scale: ``-20 log10(n)`` dB."""
    return -20.0 * math.log10(num_tracks)


def overlay(
    tracks: Sequence[Samples],
    *,
    offsets: Sequence[int] | None = None,
    gains_db: Sequence[float] | None = None,
    gain_db: float = 0.0,
) -> Samples:
    """Return the weighted sum of some tracks, up to where the first of them ends.

    Ending with the shortest track is what makes the labels of all tracks hold to the end of the mix.

    Parameters
    ----------
    tracks : sequence of ndarray of float32, shape (num_samples,) or (channels, num_samples)
        All at one sampling rate. A single channel is laid over all channels of the others.
    offsets : sequence of int, optional
        The sample of the mix at which each track begins; 0 by default.
    gains_db : sequence of float, optional
        Level change of each track, in decibels; 0 by default.
    gain_db : float
        Level change of the sum, in decibels.

    Returns
    -------
    ndarray of float32, shape (num_samples,) or (channels, num_samples)
        Not clipped: values beyond full scale stay what they are.

    Raises
    ------
    UsageError
        If there is no track, or not one offset and gain for each.
    AudioError
        If the tracks' channels do not fit together.
    """
    offsets = [0] * len(tracks) if offsets is None else offsets
    gains_db = [0.0] * len(tracks) if gains_db is None else gains_db
    if not len(tracks) == len(offsets) == len(gains_db) > 0:
        counts = f"{len(tracks)} tracks, {len(offsets)} offsets, {len(gains_db)} gains"
        raise UsageError(f"nothing to mix, or not one offset and gain a track: {counts}")
    length = max(0, min(x.shape[-1] + offset for x, offset in zip(tracks, offsets, strict=True)))
    try:
        channels = np.broadcast_shapes(*(x.shape[:-1] for x in tracks))
    except ValueError:
        counts = " and ".join(str(x.shape[0]) if x.ndim > 1 else "1" for x in tracks)
        raise AudioError(f"tracks with {counts} channels cannot be mixed", "mix them as mono") from None
    total = np.zeros((*channels, length), dtype=np.float32)
    for samples, offset, track_gain in zip(tracks, offsets, gains_db, strict=True):
        part = samples[..., : max(0, length - offset)]
        gain = np.float32(db_to_amplitude(track_gain + gain_db))
        total[..., offset : offset + part.shape[-1]] += gain * part
    return total
