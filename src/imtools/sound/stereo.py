"""A stereo record as several streams, each heard for itself: what lies at one side is clearer there.

After Bosch et al. (2012), as Vaznonis (2022), section 2.1, reports: left, right, middle and side, with the
labels of all streams taken together (F1 micro .451 on IRMAS, against .378 without).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import BoolArray, Float32Array
from ..audio.levels import peak, rms
from ..audio.load import load
from ..manifest import Record
from .windows import cut, cut_windows, playable_at

STREAMS = ("left", "right", "mid", "side")
"""The streams of a record with two channels: these, half their sum, and half their difference."""

MONO = ("mid",)
"""The one stream of all other records: the mean of their channels."""

AUDIBLE_DB = -40.0
"""Level below that of the loudest stream from which a stream counts as silent: what remains is the rounding
and the coding of a sound that lies elsewhere, and a front end that normalises would blow it up."""

_AT_ONCE = 16
"""Windows of all streams that are cut together: four times as many as without streams are in memory."""

_STRETCH = 2**20
"""Samples that are in memory at a time while a level is measured."""


def cut_stream_windows(record: Record, sampling_rate: int, window: int, hop: int) -> Iterator[Float32Array]:
    """Yield the windows of a record, stream by stream, at the given rate, some at a time.

    Parameters
    ----------
    record : Record
        With audio or a mix recipe. Of a mix, and of a file with one channel or more than two (or of which
        the record uses other than two), there is only the mean of the channels.
    sampling_rate : int
        Hz.
    window, hop : int
        Length of the windows, and the distance between them, in samples.

    Yields
    ------
    ndarray of float32, shape (streams, n, window)
        In the order of ``STREAMS``, or ``MONO`` where that is all; a record that is shorter than one window
        is padded with zeros. The middle is what `cut_windows` gives, and lies where that lies; if the record
        asks for a level, all streams are scaled as the middle is.

    Raises
    ------
    FeatureError
        If the record has no audio, or none of any length.
    AudioError
        If it cannot be decoded.

    Notes
    -----
    Memory does not grow with the record, save for mixes.
    """
    if record.audio is None:
        for windows in cut_windows(record, sampling_rate, window, hop):
            yield windows[None]
        return
    record = playable_at(record, sampling_rate)
    level = _level(record)

    def read(begin: int, end: int) -> Float32Array:
        streams = _streams(record, begin, end)
        return streams if level == 1 else (streams / level).astype(np.float32)

    yield from cut(read, record.num_samples, window, hop, _AT_ONCE)


def audible(windows: Float32Array) -> BoolArray:
    """Return which streams sound in which windows: those that reach a level of ``AUDIBLE_DB``.

    Parameters
    ----------
    windows : ndarray of float32, shape (streams, n, window)
        As `cut_stream_windows` gives them.

    Returns
    -------
    ndarray of bool, shape (streams, n)
        True for the loudest stream of each window, and for all of a window of silence.
    """
    energy = np.square(windows, dtype=np.float64).mean(axis=2)
    loud: BoolArray = energy >= energy.max(axis=0) * 10 ** (AUDIBLE_DB / 10)
    return loud


def interleave_streams(windows: Float32Array) -> tuple[Float32Array, BoolArray]:
    """Return the windows of streams as windows to score, all streams of a window next to each other.

    Parameters
    ----------
    windows : ndarray of float32, shape (streams, n, window)
        As `cut_stream_windows` gives them.

    Returns
    -------
    windows : ndarray of float32, shape (n * streams, window)
        In the order of time.
    sounding : ndarray of bool, shape (streams, n)
        See `audible`.
    """
    return windows.transpose(1, 0, 2).reshape(-1, windows.shape[2]), audible(windows)


def merge_streams(scores: Float32Array, audible: BoolArray) -> tuple[Float32Array, Float32Array]:
    """Return what all streams together say: of each class, what the stream says that is surest of it.

    At any threshold, the classes that reach it are those that reach it in one stream or another: the union
    of the streams' labels.

    Parameters
    ----------
    scores : ndarray of float32, shape (streams, n, classes)
        0 to 1.
    heard : ndarray of bool, shape (streams, n)
        Which streams sound in which windows; in the others they have no instruments.

    Returns
    -------
    mean : ndarray of float32, shape (classes,)
        The largest of the streams' means over all windows.
    windows : ndarray of float32, shape (n, classes)
        The largest of the streams' scores in each window; their mean may be above ``mean``.
    """
    scores = np.where(audible[:, :, None], scores, np.float32(0))
    mean: Float32Array = scores.mean(axis=1).max(axis=0)
    windows: Float32Array = scores.max(axis=0)
    return mean, windows


def _streams(record: Record, begin: int, end: int) -> Float32Array:
    """Return a stretch of all streams of a record, (streams, end - begin), as loud as in the file."""
    channels = load(record.replace(normalize=None).part(begin, end), mono=False)
    if len(channels) != 2:
        middle: Float32Array = channels.mean(axis=0, keepdims=True, dtype=np.float32)
        return middle
    left, right = channels
    return np.stack([left, right, (left + right) / 2, (left - right) / 2])


def _level(record: Record) -> float:
    """Return what the samples are to be divided by: RMS or peak of the middle, 1 for silence."""
    if record.normalize is None:
        return 1.0
    energy = loudest = 0.0
    for begin in range(0, record.num_samples, _STRETCH):
        end = min(begin + _STRETCH, record.num_samples)
        middle = load(record.replace(normalize=None).part(begin, end))
        energy += rms(middle) ** 2 * len(middle)
        loudest = max(loudest, peak(middle))
    level = loudest if record.normalize == "peak" else (energy / record.num_samples) ** 0.5
    return level or 1.0
