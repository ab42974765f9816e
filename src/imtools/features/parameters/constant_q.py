"""Parameters of the kinds that come from the constant-Q transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...choices import CHROMA_NORMS
from ...errors import UsageError
from .base import Parameters, SpectralParameters

HANN_BANDWIDTH = 1.50018310546875
"""Equivalent noise bandwidth of a Hann window, in bins, with the digits that librosa uses."""

MAX_KERNEL_SAMPLES = 2**22
"""Maximum length of a kernel in samples: three minutes at 22050 Hz, more than any use needs."""

C1 = 32.70319566257483
"""Frequency of the note C1, in Hz."""


@dataclass(kw_only=True)
class CqtParameters(SpectralParameters):
    """Parameters of the constant-Q transform; the defaults are Kratimenos et al. (2020), section III.

    Attributes
    ----------
    hop_length : int
        Samples between frames.
    n_bins : int
        Number of bins.
    bins_per_octave : int
        Bins per octave.
    fmin : float
        Frequency of the lowest bin, in Hz; by default C1.
    """

    kind: ClassVar[str] = "cqt"

    hop_length: int = 256
    n_bins: int = 96
    bins_per_octave: int = 12
    fmin: float = C1

    def __post_init__(self) -> None:
        for name in ("hop_length", "n_bins", "bins_per_octave"):
            self._integer(name, 1)
        super().__post_init__()
        self._positive("fmin")
        if self.sampling_rate / (self.alpha * self.fmin) > MAX_KERNEL_SAMPLES:
            what = f"and fmin must be such that no kernel exceeds {MAX_KERNEL_SAMPLES} samples"
            raise self.fail("bins_per_octave", what)
        if self.cutoff > self.nyquist:
            raise self.fail("n_bins", f"must end the bins below {self.nyquist:g} Hz (half the rate)")

    @property
    def all_bins(self) -> int:
        """Number of bins before ``crop``."""
        return self.n_bins

    @property
    def alpha(self) -> float:
        """Bandwidth of each bin relative to its centre frequency (1 / Q)."""
        ratio: float = 2.0 ** (2.0 / self.bins_per_octave)
        return (ratio - 1) / (ratio + 1)

    @property
    def cutoff(self) -> float:
        """Upper end of the highest bin's band, in Hz."""
        octaves = min((self.n_bins - 1) / self.bins_per_octave, 100)  # more would not fit into a float
        highest: float = self.fmin * 2.0**octaves
        return highest * (1 + HANN_BANDWIDTH / 2 * self.alpha)


@dataclass(kw_only=True)
class ChromaParameters(Parameters):
    """Parameters of the chromagram; the defaults are those of ``librosa.feature.chroma_cqt``.

    Attributes
    ----------
    hop_length : int
        Samples between frames.
    n_chroma : int
        Number of pitch classes, from C up.
    n_octaves : int
        Octaves that are folded into one.
    bins_per_octave : int
        Bins per octave of the transform; a multiple of ``n_chroma``.
    fmin : float
        Frequency of the lowest bin, in Hz; by default C1.
    tuning : float
        Deviation from A4 = 440 Hz, in bins. A parameter, not estimated from each recording as by
        librosa's default: so one transform fits all recordings, and equal sounds have equal features.
    threshold : float
        Sums below it become 0 before ``norm``.
    norm : str
        ``"max"``, ``"sum"`` (of magnitudes), ``"energy"`` (root of the sum of squares): the divisor of each
        frame; or ``"none"``.
    """

    kind: ClassVar[str] = "chroma"

    normalize: str = "none"
    hop_length: int = 512
    n_chroma: int = 12
    n_octaves: int = 7
    bins_per_octave: int = 36
    fmin: float = C1
    tuning: float = 0.0
    threshold: float = 0.0
    norm: str = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hop_length", "n_chroma", "n_octaves", "bins_per_octave"):
            self._integer(name, 1)
        if self.bins_per_octave % self.n_chroma:
            raise self.fail("bins_per_octave", f"must be a multiple of n_chroma ({self.n_chroma})")
        self._positive("fmin")
        self._number("tuning", "must be a number of bins within an octave", above=-self.bins_per_octave)
        if self.tuning >= self.bins_per_octave:
            raise self.fail("tuning", "must be a number of bins within an octave")
        self._number("threshold", "must be a number of at least 0", above=0, inclusive=True)
        self._choice("norm", CHROMA_NORMS)
        try:
            self.transform  # noqa: B018
        except UsageError as error:
            what = error.message.partition(": ")[2]
            raise UsageError(f"front end 'chroma': in its constant-Q transform, {what}") from None

    @property
    def bins(self) -> int:
        """Number of pitch classes."""
        return self.n_chroma

    @property
    def transform(self) -> CqtParameters:
        """The constant-Q transform whose bins the chromagram sums."""
        return CqtParameters(
            sampling_rate=self.sampling_rate,
            normalize="none",
            scale="linear",
            hop_length=self.hop_length,
            n_bins=self.n_octaves * self.bins_per_octave,
            bins_per_octave=self.bins_per_octave,
            fmin=self.fmin * 2.0 ** (self.tuning / self.bins_per_octave),
        )
