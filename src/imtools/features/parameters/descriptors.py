"""Parameters of the classical descriptors, which combine several kinds of short-time front ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ...errors import UsageError
from .short_time import (
    ContrastParameters,
    FramedParameters,
    MelParameters,
    RolloffParameters,
)

SINGLE = ("centroid", "bandwidth", "rolloff", "flatness", "flux", "zero_crossings", "energy")
"""The descriptors with one value per frame, in order."""


@dataclass(kw_only=True)
class DescriptorsParameters(FramedParameters):
    """Parameters of the classical descriptors; the defaults are those of ``librosa.feature``.

    Attributes
    ----------
    n_mels : int
        Number of mel bands of the cepstrum.
    n_mfcc : int
        Number of mel-frequency cepstral coefficients, including the zeroth.
    fmin, n_bands, quantile : float, int, float
        Of the spectral contrast; see `ContrastParameters`.
    roll_percent : float
        Of the spectral roll-off; see `RolloffParameters`.
    """

    kind: ClassVar[str] = "descriptors"

    normalize: str = "none"
    n_mels: int = 128
    n_mfcc: int = 20
    fmin: float = 200.0
    n_bands: int = 6
    quantile: float = 0.02
    roll_percent: float = 0.85

    def __post_init__(self) -> None:
        super().__post_init__()
        self._integer("n_mfcc", 1)
        for part in ("mel", "contrast", "rolloff"):
            try:
                getattr(self, part)
            except UsageError as error:
                what = error.message.partition(": ")[2]
                raise UsageError(f"front end 'descriptors': {what}", error.hint) from None
        if self.n_mfcc > self.n_mels:
            raise self.fail("n_mfcc", f"must be at most n_mels ({self.n_mels})")
        # With the types of the parts, so that equal settings have equal hashes.
        self.fmin, self.quantile = self.contrast.fmin, self.contrast.quantile
        self.roll_percent = self.rolloff.roll_percent

    @property
    def names(self) -> list[str]:
        """The descriptors, in the order of the bins."""
        cepstrum = [f"mfcc{number}" for number in range(self.n_mfcc)]
        return cepstrum + [f"contrast{number}" for number in range(self.n_bands + 1)] + list(SINGLE)

    @property
    def bins(self) -> int:
        """Number of descriptors."""
        return self.n_mfcc + self.n_bands + 1 + len(SINGLE)

    @property
    def mel(self) -> MelParameters:
        """The mel spectrogram, in decibels, for the cepstrum."""
        return MelParameters(**self._frames, n_mels=self.n_mels)

    @property
    def contrast(self) -> ContrastParameters:
        """The spectral contrast."""
        return ContrastParameters(
            **self._frames, fmin=self.fmin, n_bands=self.n_bands, quantile=self.quantile
        )

    @property
    def rolloff(self) -> RolloffParameters:
        """The spectral roll-off."""
        return RolloffParameters(**self._frames, roll_percent=self.roll_percent)

    @property
    def _frames(self) -> dict[str, Any]:
        return {
            "sampling_rate": self.sampling_rate,
            "normalize": "none",
            "n_fft": self.n_fft,
            "hop_length": self.hop_length,
        }
