"""Cutting a record into the windows that a model takes, a few at a time.

Windows are float32 of shape ``(n, window)``, or ``(streams, n, window)`` from `imtools.sound.stereo`;
their lengths and starts are samples at the model's rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Float32Array
from ..audio.load import SampleFile
from ..errors import FeatureError
from ..manifest import Record
from .reader import RecordReader

WINDOWS_PER_BATCH = 64
"""Number of windows that are cut, and held in memory, together."""


def window_starts(num_samples: int, window: int, hop: int) -> range:
    """Return the starts of the windows, in samples: a last, incomplete window is left out.

    A signal shorter than one window has a single one, which extends beyond its end.

    Parameters
    ----------
    num_samples : int
        Length of the signal.
    window, hop : int
        Length of the windows, and the distance between them, in samples.

    Examples
    --------
    >>> list(window_starts(10, 4, 3))
    [0, 3, 6]
    """
    return range(0, max(1, num_samples - window + 1), hop)


@dataclass(frozen=True)
class CutWindows:
    """The windows of a record, cut each time they are iterated over.

    Attributes
    ----------
    cutting : callable
        `cut_windows` or `imtools.sound.stereo.cut_stream_windows`.
    record, sampling_rate, window, hop, file
        Its arguments.
    """

    cutting: Callable[..., Iterator[Float32Array]]
    record: Record
    sampling_rate: int
    window: int
    hop: int
    file: SampleFile | None = None

    def __iter__(self) -> Iterator[Float32Array]:
        return self.cutting(self.record, self.sampling_rate, self.window, self.hop, file=self.file)


def cut_windows(
    record: Record, sampling_rate: int, window: int, hop: int, *, file: SampleFile | None = None
) -> Iterator[Float32Array]:
    """Yield the windows of a record, mono at the given rate, in parts.

    Parameters
    ----------
    record : Record
        With audio or a mix recipe.
    sampling_rate : int
        Hz.
    window, hop : int
        Length of the windows, and the distance between them, in samples.
    file : SampleFile, optional
        Source of the samples, instead of the record's ``audio``; see `imtools.sound.array`.

    Yields
    ------
    ndarray of float32, shape (n, window)
        At most ``WINDOWS_PER_BATCH`` windows; a record that is shorter than one is padded with zeros.

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
    record = at_model_rate(record, sampling_rate, file)
    reader = RecordReader(record, file=file)
    if len(window_starts(record.num_samples, window, hop)) <= WINDOWS_PER_BATCH:
        reader.hold()
    yield from cut(reader.read, record.num_samples, window, hop, WINDOWS_PER_BATCH)


def at_model_rate(record: Record, sampling_rate: int, file: SampleFile | None) -> Record:
    """Return a record at the rate of a model.

    Parameters
    ----------
    record : Record
        The record.
    sampling_rate : int
        Hz.
    file : SampleFile or None
        As for `cut_windows`.

    Raises
    ------
    FeatureError
        If the record has no audio, or no samples.
    """
    if file is None and record.audio is None and not record.mix:
        raise FeatureError(
            f"record {record.id}: has neither audio nor features that fit this model",
            "compute features with the front end and window of its model.json",
        )
    record = record.at_rate(sampling_rate)
    if record.num_samples == 0:
        raise FeatureError(f"record {record.id}: is empty", "leave it out")
    return record


def cut(
    read: Callable[[int, int], Float32Array], num_samples: int, window: int, hop: int, at_once: int
) -> Iterator[Float32Array]:
    """Yield windows of a signal that is read in parts.

    Parameters
    ----------
    read : callable
        ``read(begin, end)`` returns the samples between two positions, shape (..., end - begin).
    num_samples : int
        Length of the signal; windows that extend beyond it are filled with zeros.
    window, hop : int
        Length of the windows, and the distance between them, in samples.
    at_once : int
        Maximum number of windows that are yielded together.

    Yields
    ------
    ndarray of float32, shape (..., n, window)
    """
    starts = window_starts(num_samples, window, hop)
    for first in range(0, len(starts), at_once):
        some = starts[first : first + at_once]
        begin, end = some[0], min(some[-1] + window, num_samples)
        samples = read(begin, end)
        missing = max(0, window - samples.shape[-1])
        samples = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, missing)])
        yield np.stack([samples[..., start - begin : start - begin + window] for start in some], axis=-2)
