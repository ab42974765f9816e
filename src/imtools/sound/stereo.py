"""A stereo record as several streams, each scored separately: instruments panned to one side are clearer
there.

After Bosch et al. (2012), as reported by Vaznonis (2022), section 2.1: left, right, middle and side, with
the labels of all streams taken together (F1 micro .451 on IRMAS, against .378 without).

Windows of streams are float32 of shape ``(streams, n, window)``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import BoolArray, Float32Array
from ..audio.load import SampleFile, load
from ..manifest import Record
from .reader import measure_level
from .windows import at_model_rate, cut, cut_windows

STREAMS = ("left", "right", "mid", "side")
"""The streams of a record with two channels: these, half their sum, and half their difference."""

MONO = ("mid",)
"""The only stream of all other records: the mean of their channels."""

AUDIBLE_DB = -40.0
"""Level relative to the loudest stream below which a stream is silent: it holds only rounding and coding
noise of other streams, which a front end that normalises would amplify."""

_WINDOWS_PER_CUT = 16
"""Windows of all streams that are cut together: four times as many are in memory as without streams."""


def cut_stream_windows(
    record: Record, sampling_rate: int, window: int, hop: int, *, file: SampleFile | None = None
) -> Iterator[Float32Array]:
    """Yield the windows of a record, stream by stream, at the given rate, in parts.

    Parameters
    ----------
    record : Record
        With audio or a mix recipe. A mix, and a file that has or of which the record uses any other number
        of channels than two, has only the mean of its channels.
    sampling_rate : int
        Hz.
    window, hop : int
        Length of the windows, and the distance between them, in samples.
    file : SampleFile, optional
        Source of the samples, instead of the record's ``audio``; see `imtools.sound.array`.

    Yields
    ------
    ndarray of float32, shape (streams, n, window)
        In the order of ``STREAMS``, or of ``MONO`` where that is all; a record that is shorter than one
        window is padded with zeros. The middle equals the windows of `cut_windows`; if the record is
        normalised, all streams are scaled as the middle is.

    Raises
    ------
    FeatureError
        If the record has no audio, or no samples.
    AudioError
        If it cannot be decoded.

    Notes
    -----
    Memory does not grow with the record, except for mixes.
    """
    if record.audio is None and file is None:
        for windows in cut_windows(record, sampling_rate, window, hop):
            yield windows[None]
        return
    record = at_model_rate(record, sampling_rate, file)
    plain = record.replace(normalize=None)

    def read_middle(begin: int, end: int) -> Float32Array:
        return load(plain.part(begin, end), file=file)

    level = measure_level(read_middle, record.num_samples, record.normalize)

    def read(begin: int, end: int) -> Float32Array:
        streams = _streams(load(plain.part(begin, end), mono=False, file=file))
        return streams if level == 1 else (streams / level).astype(np.float32)

    yield from cut(read, record.num_samples, window, hop, _WINDOWS_PER_CUT)


def audible_streams(windows: Float32Array) -> BoolArray:
    """Return which streams are audible in which windows: those that reach a level of ``AUDIBLE_DB``.

    Parameters
    ----------
    windows : ndarray of float32, shape (streams, n, window)
        From `cut_stream_windows`.

    Returns
    -------
    ndarray of bool, shape (streams, n)
        True for the loudest stream of each window, and for all streams of a window of silence.
    """
    energy = np.square(windows, dtype=np.float64).mean(axis=2)
    audible: BoolArray = energy >= energy.max(axis=0) * 10 ** (AUDIBLE_DB / 10)
    return audible


def interleave_streams(windows: Float32Array) -> tuple[Float32Array, BoolArray]:
    """Return the windows of streams as windows to score, all streams of a window next to each other.

    Parameters
    ----------
    windows : ndarray of float32, shape (streams, n, window)
        From `cut_stream_windows`.

    Returns
    -------
    windows : ndarray of float32, shape (n * streams, window)
        In the order of time.
    audible : ndarray of bool, shape (streams, n)
        See `audible_streams`.
    """
    return windows.transpose(1, 0, 2).reshape(-1, windows.shape[2]), audible_streams(windows)


def merge_streams(scores: Float32Array, audible: BoolArray) -> tuple[Float32Array, Float32Array]:
    """Return the scores of all streams together: for each class, the largest of any stream.

    At any threshold, the classes that reach it are those that reach it in any of the streams: the union of
    the streams' labels.

    Parameters
    ----------
    scores : ndarray of float32, shape (streams, n, classes)
        0 to 1.
    audible : ndarray of bool, shape (streams, n)
        Which streams are audible in which windows; the scores of the others count as 0.

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


def _streams(channels: Float32Array) -> Float32Array:
    """Return the streams of some channels: (channels, n) -> (streams, n)."""
    if len(channels) != 2:
        middle: Float32Array = channels.mean(axis=0, keepdims=True, dtype=np.float32)
        return middle
    left, right = channels
    return np.stack([left, right, (left + right) / 2, (left - right) / 2])
