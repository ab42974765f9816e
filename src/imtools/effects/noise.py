"""Added noise: white, pink or brown, at a signal-to-noise ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from ..arrays import Float32Array
from ..audio.levels import rms
from ..choices import NOISE_COLORS, NoiseColor
from ..manifest.values import Json, WrongKeyError, integer, number, string
from ..units import db_to_amplitude
from .base import Effect

_SLOPES: dict[NoiseColor, float] = {"white": 0.0, "pink": -0.5, "brown": -1.0}
"""The power of the frequency to which the amplitude of each colour is proportional."""

_FLAT_BELOW = 20.0
"""Hz below which the spectrum rises no further: else inaudible frequencies would have most of the power."""

MAX_SNR_DB = 200.0
"""Signal-to-noise ratios range from minus this to this: float32 holds no more."""


@dataclass(frozen=True, slots=True)
class Noise(Effect):
    """Adds Gaussian noise.

    Its level is measured, not the expected one: the ratio of the RMS of the signal, over all of its samples
    and channels, to that of the noise is `snr_db` exactly. Silence stays silent, since it has no level to
    measure against. All channels get the same noise, so that averaging them does not reduce it.

    Attributes
    ----------
    snr_db : float
        Signal-to-noise ratio in decibels, between -200 and 200.
    color : {"white", "pink", "brown"}
        Power that is the same at all frequencies f (``white``), or falls as 1/f
        (``pink``) or 1/f^2 (``brown``) from 20 Hz on.
    seed : int
        Not negative. The same seed, length and rate give the same noise.
    """

    name: ClassVar[str] = "noise"

    snr_db: float
    color: NoiseColor = "white"
    seed: int = 0

    @classmethod
    def from_json(cls, data: dict[str, Json], key: str) -> Self:
        """Return the effect of a JSON object; see `Effect.from_json`."""
        snr_db = number(data.pop("snr_db", None), f"{key}.snr_db", minimum=-MAX_SNR_DB)
        if snr_db > MAX_SNR_DB:
            raise WrongKeyError(f"{key}.snr_db", f"must be at most {MAX_SNR_DB:g}, not {snr_db:g}")
        name = string(data.pop("color", "white"), f"{key}.color")
        for color in NOISE_COLORS:
            if color == name:
                return cls(snr_db, color, integer(data.pop("seed", 0), f"{key}.seed", minimum=0))
        raise WrongKeyError(f"{key}.color", f"is {name!r}, but must be one of {', '.join(NOISE_COLORS)}")

    def apply(self, samples: Float32Array, sampling_rate: int) -> Float32Array:
        """Return the samples with the noise added to each channel; see `Effect.apply`."""
        level = rms(samples)
        if level == 0:
            return samples
        noise = self._noise(samples.shape[-1], sampling_rate)
        own = rms(noise)
        if own == 0:  # a single sample of a colour has no spectrum to shape
            return samples
        gain = level / own / db_to_amplitude(self.snr_db)
        return (samples + gain * noise).astype(np.float32)

    def _noise(self, count: int, sampling_rate: int) -> Float32Array:
        """Return noise of the colour, at any level."""
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed)))
        slope = _SLOPES[self.color]
        if slope == 0:
            return random.standard_normal(count, dtype=np.float32)
        from scipy import fft

        length = fft.next_fast_len(count, real=True)
        spectrum = fft.rfft(random.standard_normal(length, dtype=np.float32))
        frequencies = fft.rfftfreq(length, 1 / sampling_rate)
        spectrum *= (np.maximum(frequencies, _FLAT_BELOW) / _FLAT_BELOW).astype(np.float32) ** slope
        spectrum[0] = 0  # no constant offset
        noise: Float32Array = fft.irfft(spectrum, length)[:count]
        return noise
