"""Crop and pad: keep a part of a signal, or place it in a longer silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from ..arrays import Float32Array
from ..manifest.values import Json, number
from ..units import seconds_to_samples
from .base import Effect


@dataclass(frozen=True, slots=True)
class Crop(Effect):
    """Keeps a part of the signal, as far as the signal reaches.

    Attributes
    ----------
    start, duration : float
        Seconds.
    """

    name: ClassVar[str] = "crop"

    start: float
    duration: float

    @classmethod
    def from_json(cls, data: dict[str, Json], key: str) -> Self:
        """Return the effect of a JSON object; see `Effect.from_json`."""
        start = number(data.pop("start", None), f"{key}.start", minimum=0)
        return cls(start, number(data.pop("duration", None), f"{key}.duration", minimum=0))

    def apply(self, samples: Float32Array, sampling_rate: int) -> Float32Array:
        """Return the samples of the part; see `Effect.apply`."""
        begin = seconds_to_samples(self.start, sampling_rate)
        return samples[..., begin : begin + seconds_to_samples(self.duration, sampling_rate)]

    def length(self, num_samples: int, sampling_rate: int) -> int:
        """Return how many of ``num_samples`` lie in the part; see `Effect.length`."""
        there = num_samples - seconds_to_samples(self.start, sampling_rate)
        return max(0, min(there, seconds_to_samples(self.duration, sampling_rate)))


@dataclass(frozen=True, slots=True)
class Pad(Effect):
    """Adds silence before and after the signal, up to a given length in all.

    Vaznonis (2022), section 3.2.1, pads clips to one length with silence before and after them, so that a
    net learns to find the sound.

    Attributes
    ----------
    before : float
        Seconds of silence before the signal.
    duration : float
        Seconds of the whole; a longer signal is cut off.
    """

    name: ClassVar[str] = "pad"

    before: float
    duration: float

    @classmethod
    def from_json(cls, data: dict[str, Json], key: str) -> Self:
        """Return the effect of a JSON object; see `Effect.from_json`."""
        before = number(data.pop("before", None), f"{key}.before", minimum=0)
        return cls(before, number(data.pop("duration", None), f"{key}.duration", minimum=0))

    def apply(self, samples: Float32Array, sampling_rate: int) -> Float32Array:
        """Return the samples with the silence around them; see `Effect.apply`."""
        total = seconds_to_samples(self.duration, sampling_rate)
        begin = min(total, seconds_to_samples(self.before, sampling_rate))
        padded = np.zeros((*samples.shape[:-1], total), np.float32)
        sound = samples[..., : total - begin]
        padded[..., begin : begin + sound.shape[-1]] = sound
        return padded

    def length(self, num_samples: int, sampling_rate: int) -> int:
        """Return how many samples the whole has, whatever the length of the signal; see `Effect.length`."""
        return seconds_to_samples(self.duration, sampling_rate)
