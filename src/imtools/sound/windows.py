"""Cutting a record into the windows that a model takes, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Float32Array
from ..errors import FeatureError
from ..manifest import Record
from .reader import RecordReader

WINDOWS_AT_ONCE = 64
"""Windows that are cut, and held in memory, together."""


def window_starts(num_samples: int, window: int, hop: int) -> range:
    """Return where the windows begin, in samples: a last part that fills no window is left out.

    A signal shorter than one window has a single one, which goes beyond its end.
    """
    return range(0, max(1, num_samples - window + 1), hop)


@dataclass(frozen=True)
class CutWindows:
    """The windows of a record, cut each time they are iterated over; see `cut_windows`."""

    cutting: Callable[[Record, int, int, int], Iterator[Float32Array]]
    record: Record
    sampling_rate: int
    window: int
    hop: int

    def __iter__(self) -> Iterator[Float32Array]:
        return self.cutting(self.record, self.sampling_rate, self.window, self.hop)


def cut_windows(record: Record, sampling_rate: int, window: int, hop: int) -> Iterator[Float32Array]:
    """Yield the windows of a record, mono at the given rate, some at a time.

    Parameters
    ----------
    record : Record
        With audio or a mix recipe.
    sampling_rate : int
        Hz.
    window, hop : int
        Length of the windows, and the distance between them, in samples.

    Yields
    ------
    ndarray of float32, shape (n, window)
        At most ``WINDOWS_AT_ONCE`` windows; a record that is shorter than one is padded with zeros.

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
    if record.audio is None and not record.mix:
        raise FeatureError(
            f"record {record.id}: has neither audio nor features that fit this model",
            "compute features with the front end and window of its model.json",
        )
    record = playable_at(record, sampling_rate)
    reader = RecordReader(record)
    if len(window_starts(record.num_samples, window, hop)) <= WINDOWS_AT_ONCE:
        reader.hold()
    yield from cut(reader.read, record.num_samples, window, hop, WINDOWS_AT_ONCE)


def playable_at(record: Record, sampling_rate: int) -> Record:
    """Return a record at a rate; raise FeatureError if there is nothing in it to hear."""
    record = record.at_rate(sampling_rate)
    if record.num_samples == 0:
        raise FeatureError(f"record {record.id}: is empty", "leave it out")
    return record


def cut(
    read: Callable[[int, int], Float32Array], num_samples: int, window: int, hop: int, at_once: int
) -> Iterator[Float32Array]:
    """Yield windows of what can be read in stretches, some at a time.

    Parameters
    ----------
    read : callable
        Gives the samples from a first to before a last one, as an array (..., samples).
    num_samples : int
        How many there are; windows that go beyond are filled with zeros.
    window, hop : int
        As for `cut_windows`.
    at_once : int
        Windows that are yielded together, at most.

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
