"""Filters: Butterworth low-pass and high-pass; in series they make a band-pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from ..arrays import Float32Array
from ..errors import AudioError
from ..manifest.values import Json, WrongKeyError, integer, number, string
from .base import Effect

KINDS = ("lowpass", "highpass")
"""Which frequencies pass: those below, or above, the cutoff."""

MIN_FREQUENCY = 1.0
"""Hz; the lowest cutoff."""

_MAX_ORDER = 12


@dataclass(frozen=True, slots=True)
class Filter(Effect):
    """A Butterworth filter [1]_, run forward from silence.

    It is designed for each sampling rate, with the same cutoff in Hz. A low-pass whose cutoff is not
    below the Nyquist frequency changes nothing.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    frequency : float
        Where the power is halved, in Hz, at least 1.
    order : int
        1 to 12; beyond the cutoff the level falls by 6 dB per octave and order.

    References
    ----------
    .. [1] S. Butterworth, "On the theory of filter amplifiers", Experimental Wireless and the Wireless
       Engineer 7, pp. 536-541, 1930.
    """

    name: ClassVar[str] = "filter"

    kind: str
    frequency: float
    order: int = 4

    @classmethod
    def from_json(cls, data: dict[str, Json], key: str) -> Self:
        """Return the effect of a JSON object; see `Effect.from_json`."""
        kind = string(data.pop("kind", None), f"{key}.kind")
        if kind not in KINDS:
            raise WrongKeyError(f"{key}.kind", f"is {kind!r}, but must be one of {', '.join(KINDS)}")
        frequency = number(data.pop("frequency", None), f"{key}.frequency", minimum=MIN_FREQUENCY)
        order = integer(data.pop("order", 4), f"{key}.order", minimum=1)
        if order > _MAX_ORDER:
            raise WrongKeyError(f"{key}.order", f"must be at most {_MAX_ORDER}, not {order}")
        return cls(kind, frequency, order)

    def silences(self, sampling_rate: int) -> bool:
        """Return whether nothing passes at a rate in Hz: a high-pass above the Nyquist frequency."""
        return self.kind == "highpass" and 2 * self.frequency >= sampling_rate

    def apply(self, samples: Float32Array, sampling_rate: int) -> Float32Array:
        """Return the filtered samples; see `Effect.apply`.

        Raises
        ------
        AudioError
            If nothing passes at this rate.
        """
        if self.silences(sampling_rate):
            raise AudioError(
                f"a high-pass at {self.frequency:g} Hz leaves nothing of audio at {sampling_rate} Hz",
                "choose a cutoff below half the sampling rate",
            )
        if 2 * self.frequency >= sampling_rate or not samples.size:
            return samples
        from scipy import signal

        sections = signal.butter(self.order, self.frequency, self.kind, fs=sampling_rate, output="sos")
        filtered: Float32Array = signal.sosfilt(sections, samples.astype(np.float64)).astype(np.float32)
        return filtered
