"""The base of all effects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from ..arrays import Float32Array
from ..manifest.values import Json


@dataclass(frozen=True, slots=True)
class Effect(ABC):
    """A change of a signal, described by plain values: equal values give equal samples.

    A subclass is a frozen dataclass of JSON values; it sets `name` and checks them in `from_json`.
    """

    name: ClassVar[str]
    """The name in recipes."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Json], key: str) -> Self:
        """Return the effect of a JSON object.

        Parameters
        ----------
        data : dict
            Without its ``effect`` key; known keys are removed.
        key : str
            What to call it in errors.

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
        """Return the changed samples.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,) or (channels, n)
            Full scale is 1.
        sampling_rate : int
            Hz.

        Returns
        -------
        ndarray of float32, shape (m,) or (channels, m)
            With ``m = length(n, sampling_rate)``.
        """

    def length(self, num_samples: int, sampling_rate: int) -> int:
        """Return how many samples the changed signal has; by default as many as before.

        Parameters
        ----------
        num_samples : int
            Samples per channel before.
        sampling_rate : int
            Hz.
        """
        return num_samples
