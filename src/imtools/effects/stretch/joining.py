"""Joining pieces of sound where their waveforms agree.

Samples are float32 of shape ``(channels, num_samples)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ...arrays import Float32Array
from ...audio.levels import rms

_HALF_FADE_SECONDS = 0.005
_MAX_OFFSET_SECONDS = 0.005
"""Seconds: half the length of a crossfade, and how far a piece is moved so that the waveforms agree."""

_MATCH_SECONDS = 0.02
"""Seconds that are compared when a signal is extended."""


class Piece(NamedTuple):
    """The part of the result from sample `start` up to `stop`.

    `samples`, of shape (channels, n), begin at sample `origin` of the result and extend beyond the
    piece on both sides, for the crossfades; beyond their ends there is silence.
    """

    samples: Float32Array
    origin: int
    start: int
    stop: int

    def read(self, begin: int, end: int) -> Float32Array:
        """Return samples of the piece, with silence beyond its ends.

        Parameters
        ----------
        begin, end : int
            Positions in the result.

        Returns
        -------
        ndarray of float32, shape (channels, end - begin)
        """
        result = np.zeros((len(self.samples), end - begin), dtype=np.float32)
        first = max(begin, self.origin)
        last = min(end, self.origin + self.samples.shape[1])
        if first < last:
            result[:, first - begin : last - begin] = self.samples[
                :, first - self.origin : last - self.origin
            ]
        return result


def join(pieces: Iterable[Piece], channels: int, length: int, sampling_rate: int) -> Float32Array:
    """Return the pieces, which are in order, crossfaded over 10 ms.

    A piece is moved by up to 5 ms to where it agrees best with what comes before: tones whose phases
    differ would cancel each other.

    Parameters
    ----------
    pieces : iterable of Piece
        At the given rate.
    channels, length : int
        Shape of the result.
    sampling_rate : int
        Hz.

    Returns
    -------
    ndarray of float32, shape (channels, length)
    """
    half, reach = round(_HALF_FADE_SECONDS * sampling_rate), round(_MAX_OFFSET_SECONDS * sampling_rate)
    result = np.zeros((channels, length), dtype=np.float32)
    for piece in pieces:
        begin, end = max(0, piece.start - half), min(length, piece.stop + half)
        fade = max(0, min(end, piece.start + half) - begin) if piece.start > 0 else 0
        before = result[:, begin : begin + fade]
        lag = best_lag(before, piece.read(begin - reach, begin + fade + reach)) - reach if fade else 0
        new = piece.read(begin + lag, end + lag)
        rise = (np.arange(1, fade + 1, dtype=np.float32) / np.float32(fade + 1)) if fade else 0
        new[:, :fade] = (1 - rise) * before + rise * new[:, :fade]
        result[:, begin:end] = new
    return result


def best_lag(target: Float32Array, around: Float32Array) -> int:
    """Return where in a longer signal a short one fits best; its middle if it fits nowhere.

    Parameters
    ----------
    target : ndarray of float32, shape (channels, n)
        The short signal.
    around : ndarray of float32, shape (channels, m)
        The longer one, ``m >= n``.

    Returns
    -------
    int
        The position with the largest normalised correlation, from 0 to ``m - n``.
    """
    products = sum(
        np.correlate(long.astype(np.float64), short.astype(np.float64))
        for short, long in zip(target, around, strict=True)
    )
    sums = np.concatenate([[0.0], np.cumsum(np.square(around, dtype=np.float64).sum(axis=0))])
    energy = sums[target.shape[1] :] - sums[: -target.shape[1]]
    middle = len(energy) // 2
    audible = energy > 1e-6 * energy.max()  # elsewhere only rounding would be compared
    score = np.where(audible, products / np.sqrt(np.where(audible, energy, 1.0)), 0.0)
    return int(np.argmax(score)) if score.max() > 0 else middle


def continued(samples: Float32Array, margin: int, sampling_rate: int) -> Float32Array:
    """Return samples with ``margin`` more before and after them, as if the sound continued.

    The signal is extended before its beginning by what precedes the most similar place, at most as loud as
    the beginning; likewise at the end. Signals too short for that are mirrored.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, n)
        The signal.
    margin : int
        Samples at each end.
    sampling_rate : int
        Hz.

    Returns
    -------
    ndarray of float32, shape (channels, n + 2 * margin)
    """
    front = _before(samples, margin, sampling_rate)
    behind = _before(samples[:, ::-1], margin, sampling_rate)[:, ::-1]
    return np.concatenate([front, samples, behind], axis=1)


def _before(samples: Float32Array, margin: int, sampling_rate: int) -> Float32Array:
    size = round(_MATCH_SECONDS * sampling_rate)
    last = min(samples.shape[1] - size, 2 * margin)
    if last < margin + size:
        return np.pad(samples, ((0, 0), (margin, 0)), mode="reflect")[:, :margin]
    beginning = samples[:, :size]
    place = margin + best_lag(beginning, samples[:, margin : last + size])
    level = rms(samples[:, place : place + size])
    gain = min(1.0, rms(beginning) / level) if level else 0.0
    return np.float32(gain) * samples[:, place - margin : place]
