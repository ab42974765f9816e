"""What an effect is: a change of a signal that a recipe can name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from ..arrays import Float32Array
from ..manifest.values import Json


@dataclass(frozen=True, slots=True)
class Effect(ABC):
    """A change of a signal, described by plain numbers: the same ones give the same samples.

    A subclass is a frozen dataclass of JSON values; it sets `name` and checks them in `from_json`.
    """

    name: ClassVar[str]
    """What the effect is called in recipes."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Json], key: str) -> Self:
        """Return the effect of a JSON object without its ``effect`` key; `key` names it in errors.

        Raises
        ------
        WrongKeyError
            If a value is missing, unknown or of the wrong type or range.
        """

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this effect."""
        return {"effect": self.name} | asdict(self)

    @abstractmethod
    def apply(self, samples: Float32Array, sampling_rate: int) -> Float32Array:
        """Return the changed samples: float32 of shape (n,) or (channels, n), as they came."""

    def length(self, num_samples: int, sampling_rate: int) -> int:
        """Return how many samples so many become; by default as many."""
        return num_samples
