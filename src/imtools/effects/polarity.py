"""Polarity: the signal inverted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from ..arrays import Float32Array
from ..manifest.values import Json
from .base import Effect


@dataclass(frozen=True, slots=True)
class Polarity(Effect):
    """Inverts every sample: inaudible, but different in features that keep the phase."""

    name: ClassVar[str] = "polarity"

    @classmethod
    def from_json(cls, data: dict[str, Json], key: str) -> Self:
        """Return the effect, which takes no values; see `Effect.from_json`."""
        return cls()

    def apply(self, samples: Float32Array, sampling_rate: int) -> Float32Array:
        """Return the inverted samples; see `Effect.apply`."""
        return -samples
