"""Features of waveforms that are too long for memory: computed slice by slice, equal to the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..arrays import Float32Array
from .front_ends.base import FrontEnd, full_precision

SLICE = 2**20
"""Minimum number of samples by which a slice advances: 48 s at 22050 Hz."""

VALUES = 2**24
"""Maximum number of values per slice: 64 MiB."""

Read = Callable[[int, int], Float32Array]
"""Returns the samples of a mono waveform between two positions."""


def stream(front_end: FrontEnd, num_samples: int, read: Read, *, size: int = SLICE) -> Iterator[Float32Array]:
    """Yield the features of one waveform, some frames at a time.

    Slices overlap by the samples that a frame depends on, so each frame equals that of the whole waveform,
    within rounding. Values of the whole (the level to normalise by, the maximum that decibels refer to) are
    found in a first pass over it, if the front end needs them.

    Parameters
    ----------
    front_end : FrontEnd
        On its device.
    num_samples : int
        Length of the waveform.
    read : callable
        ``read(begin, end)`` returns its samples; called for overlapping parts in ascending order, in one
        pass or two.
    size : int
        Samples by which a slice advances, unless the front end's reach needs more.

    Yields
    ------
    ndarray of float32, shape (bins, n)
        Consecutive frames, ``front_end.frames(num_samples)`` in all.

    Raises
    ------
    FeatureError
        If the waveform is too short or too long for the front end.
    """
    front_end.check_length(num_samples)
    slices = list(_slices(front_end, num_samples, size))
    level, peaks = _survey(front_end, slices, read)
    for part in slices:
        with torch.inference_mode(), full_precision(front_end.device):
            transformed = part.transform(front_end, part.read(read, front_end) / level)
            features = front_end.finish(transformed, peaks)[0]
        yield features.cpu().numpy()


@dataclass(frozen=True)
class _Slice:
    """The frames ``first`` to ``last`` (not included) and the samples ``begin`` to ``end`` they depend on."""

    first: int
    last: int
    begin: int
    end: int
    own_end: int
    """End of the samples that belong to this slice only; they begin where those of the last slice end."""

    def read(self, read: Read, front_end: FrontEnd) -> Tensor:
        samples = read(self.begin, self.end)
        return torch.from_numpy(np.asarray(samples, np.float32))[None].to(front_end.device)

    def transform(self, front_end: FrontEnd, samples: Tensor) -> Tensor:
        skipped = self.first - self.begin // front_end.hop_length
        return front_end.transform(samples)[:, :, skipped : skipped + self.last - self.first]


def _slices(front_end: FrontEnd, num_samples: int, size: int) -> Iterator[_Slice]:
    frames, hop, reach = front_end.frames(num_samples), front_end.hop_length, front_end.reach
    if reach is None:
        yield _Slice(0, frames, 0, num_samples, num_samples)
        return
    step = max(1, min(max(size, 8 * reach) // hop, VALUES // front_end.bins))
    for first in range(0, frames, step):
        last = min(frames, first + step)
        begin = max(0, first * hop - reach) // front_end.grid * front_end.grid
        # Frames may lie so far apart that samples between them belong to none: these count for the level,
        # too.
        own_end = num_samples if last == frames else min(num_samples, last * hop)
        end = max(own_end, min(num_samples, (last - 1) * hop + reach + 1))
        yield _Slice(first, last, begin, end, own_end)


def _survey(front_end: FrontEnd, slices: list[_Slice], read: Read) -> tuple[float, Tensor | None]:
    """Return the level to divide the waveform by, and the peaks of its transform."""
    if front_end.normalize == "none" and not front_end.needs_peaks:
        return 1.0, None
    energy, loudest, position = 0.0, 0.0, 0
    peaks: Tensor | None = None
    for part in slices:
        with torch.inference_mode(), full_precision(front_end.device):
            samples = part.read(read, front_end)
            own = samples[:, position - part.begin : part.own_end - part.begin].double()
            energy += float(own.square().sum())
            loudest = max(loudest, float(own.abs().amax())) if own.numel() else loudest
            position = part.own_end
            if front_end.needs_peaks:
                found = front_end.peaks(part.transform(front_end, samples))
                peaks = found if peaks is None else torch.maximum(peaks, found)
    level = {"none": 1.0, "peak": loudest, "rms": (energy / position) ** 0.5}[front_end.normalize] or 1.0
    return level, None if peaks is None else peaks / level**front_end.power
