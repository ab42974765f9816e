"""Parameters of the kinds that take a clip as one piece: its samples, or its spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Parameters, SpectralParameters


@dataclass(kw_only=True)
class WaveformParameters(Parameters):
    """Parameters of the bare waveform; the defaults are Avramidis et al. (2021), section 4."""

    kind: ClassVar[str] = "waveform"

    @property
    def bins(self) -> int:
        """One: the sample."""
        return 1


@dataclass(kw_only=True)
class FftParameters(SpectralParameters):
    """Parameters of the spectrum of a whole clip; the defaults are Vaznonis et al. (2022), section 4.2.

    Attributes
    ----------
    n_fft : int
        Samples to which every clip is padded with zeros; none may be longer. The default is a little
        over 20 s at 44.1 kHz.
    power : int
        1: magnitudes; 2: powers.
    """

    kind: ClassVar[str] = "fft"

    sampling_rate: int = 44100
    normalize: str = "none"
    scale: str = "linear"
    n_fft: int = 884_000
    power: int = 1

    def __post_init__(self) -> None:
        self._integer("n_fft", 2)
        super().__post_init__()
        self._choice("power", (1, 2))

    @property
    def all_bins(self) -> int:
        """Number of frequencies from 0 up, that of half the sampling rate left out."""
        return self.n_fft // 2
