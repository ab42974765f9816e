"""Parameters of the kinds that analyse short frames one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Parameters, SpectralParameters


@dataclass(kw_only=True)
class FramedParameters(Parameters):
    """The parameters of front ends made of spectra of short frames.

    Attributes
    ----------
    n_fft : int
        Samples of a frame (and of its Hann window).
    hop_length : int
        Samples between frames.
    """

    n_fft: int = 2048
    hop_length: int = 512

    def __post_init__(self) -> None:
        """Check the frames, on which other parameters depend."""
        self._integer("n_fft", 2)
        self._integer("hop_length", 1)
        super().__post_init__()


@dataclass(kw_only=True)
class StftParameters(FramedParameters, SpectralParameters):
    """Parameters of the short-time Fourier transform; the defaults are those of ``librosa.stft``.

    Attributes
    ----------
    power : int
        1: magnitudes; 2: powers.
    """

    kind: ClassVar[str] = "stft"

    power: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._choice("power", (1, 2))

    @property
    def all_bins(self) -> int:
        """Number of frequencies from 0 to half the sampling rate."""
        return self.n_fft // 2 + 1


@dataclass(kw_only=True)
class MelParameters(FramedParameters, SpectralParameters):
    """Parameters of the mel spectrogram; the defaults are those of ``librosa.feature.melspectrogram``.

    Attributes
    ----------
    n_mels : int
        Number of bands, spaced on Slaney's mel scale and normalised to equal area.
    fmin, fmax : float
        Range of the bands, in Hz; ``fmax`` ``None`` means half the sampling rate.
    power : int
        1: the bands sum magnitudes; 2: powers.
    """

    kind: ClassVar[str] = "mel"

    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None
    power: int = 2

    def __post_init__(self) -> None:
        self._integer("n_mels", 1)
        super().__post_init__()
        self._choice("power", (1, 2))
        self._number("fmin", "must be a number of at least 0", above=0, inclusive=True)
        if self.fmin >= self.nyquist:
            raise self.fail("fmin", f"must be below {self.nyquist:g} Hz (half the rate)")
        if self.fmax is not None:
            self._number("fmax", "must be a number above fmin, or null", above=self.fmin)
            if self.fmax > self.nyquist:
                raise self.fail("fmax", f"must be at most {self.nyquist:g} Hz (half the rate)")

    @property
    def all_bins(self) -> int:
        """Number of bands before ``crop``."""
        return self.n_mels


@dataclass(kw_only=True)
class ModgdParameters(Parameters):
    """Parameters of the modified group delay; the defaults are Lumen (2023), section 3.1.2.

    Attributes
    ----------
    frame_length : int
        Samples of a frame (and of its Hamming window): 50 ms.
    hop_length : int
        Samples between frames: 10 ms, rounded up, so that one second has 100 frames.
    n_fft : int
        Length of the Fourier transform of a frame, at least ``frame_length``.
    n_bins : int
        Number of bins kept, from the lowest.
    n_ceps : int
        Cepstral coefficients that the smoothed spectrum keeps, the zeroth counted (Murthy and Gadde,
        2003, take 8).
    alpha, gamma : float
        Exponents of equation (3).
    """

    kind: ClassVar[str] = "modgd"

    frame_length: int = 1103
    hop_length: int = 221
    n_fft: int = 2048
    n_bins: int = 128
    n_ceps: int = 8
    alpha: float = 0.9
    gamma: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._integer("frame_length", 2)
        self._integer("hop_length", 1)
        self._integer("n_fft", self.frame_length)
        for name in ("n_bins", "n_ceps"):
            self._integer(name, 1)
            if getattr(self, name) > self.n_fft // 2 + 1:
                raise self.fail(name, f"must be at most {self.n_fft // 2 + 1} (half of n_fft)")
        self._positive("alpha")
        self._positive("gamma")

    @property
    def bins(self) -> int:
        """Number of bins kept."""
        return self.n_bins


@dataclass(kw_only=True)
class ContrastParameters(FramedParameters):
    """Parameters of spectral contrast; the defaults are those of ``librosa.feature.spectral_contrast``.

    Attributes
    ----------
    fmin : float
        Upper end of the lowest band, in Hz; each further band is an octave.
    n_bands : int
        Number of octaves above the lowest band.
    quantile : float
        Share of a band's bins that peak and valley average.
    """

    kind: ClassVar[str] = "contrast"

    normalize: str = "none"
    fmin: float = 200.0
    n_bands: int = 6
    quantile: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        self._integer("n_bands", 1)
        self._positive("fmin")
        self._fraction("quantile")
        highest = self.n_fft // 2 * self.sampling_rate / self.n_fft
        if self.n_bands > 100 or self.fmin * 2.0 ** (self.n_bands - 1) >= highest:
            raise self.fail("n_bands", f"must begin the highest below {self.nyquist:g} Hz (half the rate)")
        if self.fmin < 2 * self.sampling_rate / self.n_fft:
            least = 2 * self.sampling_rate / self.n_fft
            raise self.fail("fmin", f"must be at least {least:g} Hz (two bins of n_fft)")

    @property
    def bins(self) -> int:
        """Number of bands."""
        return self.n_bands + 1


@dataclass(kw_only=True)
class RolloffParameters(FramedParameters):
    """Parameters of the spectral roll-off; the defaults are those of ``librosa.feature.spectral_rolloff``.

    Attributes
    ----------
    roll_percent : float
        Share of a frame's summed magnitude that lies at or below the roll-off frequency.
    """

    kind: ClassVar[str] = "rolloff"

    normalize: str = "none"
    roll_percent: float = 0.85

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fraction("roll_percent")

    @property
    def bins(self) -> int:
        """One: the frequency."""
        return 1
