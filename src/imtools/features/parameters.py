"""The parameters of each kind of front end: their defaults and what values they may have.

This module loads without torch, so that a command can list and check parameters before it works.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from ..errors import UsageError

Json = Any
"""A value that JSON can hold."""

HANN_BANDWIDTH = 1.50018310546875
"""Equivalent noise bandwidth of a Hann window, in bins, with the digits that librosa counts with."""


@dataclass(kw_only=True)
class Parameters(ABC):
    """What every front end has: the signal it expects, and how it compresses its output.

    Attributes
    ----------
    sampling_rate : int
        Rate of the waveforms, in Hz.
    normalize : str
        ``"rms"`` or ``"peak"``: each waveform is divided by that; ``"none"``: it is taken as it is.
    scale : str
        ``"db"`` (decibels), ``"log"`` (natural logarithm) or ``"linear"``.
    ref : float or str
        What 0 dB stands for, in the unit of the spectrogram (amplitude or power), or ``"max"``: the
        clip's own maximum. For ``"db"`` only.
    amin : float
        Floor below which an amplitude is raised to it before a logarithm is taken (a power: to its
        square). For ``"db"`` and ``"log"``.
    top_db : float or None
        Range kept below the clip's maximum, in dB; ``None`` keeps all. For ``"db"`` only.
    crop : tuple of int or None
        ``(low, high)``: the bins kept, ``high`` not included, chosen after compression; ``None`` keeps all.
    """

    kind: ClassVar[str]

    sampling_rate: int = 22050
    normalize: str = "rms"
    scale: str = "db"
    ref: float | str = 1.0
    amin: float = 1e-5
    top_db: float | None = 80.0
    crop: Sequence[int] | None = None

    def __post_init__(self) -> None:
        """Check every value, and give equal settings equal types (so that their hashes agree)."""
        self._integer("sampling_rate", 1)
        self._choice("normalize", ("rms", "peak", "none"))
        self._choice("scale", ("db", "log", "linear"))
        if self.ref != "max":
            self._positive("ref", 'or "max"')
        self._positive("amin")
        if self.top_db is not None:
            self._positive("top_db", "or null")
        if self.crop is not None:
            self._check_crop(self.crop)

    @property
    @abstractmethod
    def all_bins(self) -> int:
        """Number of bins before ``crop``."""

    @property
    def bins(self) -> int:
        """Number of bins that the front end gives."""
        return self.all_bins if self.crop is None else self.crop[1] - self.crop[0]

    @classmethod
    def defaults(cls) -> dict[str, Json]:
        """Return the default of each parameter, in their fixed order."""
        return {field.name: field.default for field in fields(cls)}

    @classmethod
    def parse(cls, values: Mapping[str, Json]) -> Parameters:
        """Return checked parameters; those not given take their defaults.

        Raises
        ------
        UsageError
            If a name is unknown (the message lists the valid ones) or a value is out of range.
        """
        valid = cls.defaults()
        for name in values:
            if name not in valid:
                raise UsageError(
                    f"front end {cls.kind!r} has no parameter {name!r}", f"choose from {', '.join(valid)}"
                )
        return cls(**values)

    def config(self) -> dict[str, Json]:
        """Return the kind and every parameter as JSON values, in a fixed order."""
        return {"kind": self.kind} | asdict(self)

    def fail(self, name: str, what: str) -> UsageError:
        """Return the error for a parameter whose value will not do."""
        return UsageError(f"front end {self.kind!r}: {name} {what}, not {getattr(self, name)!r}")

    def _integer(self, name: str, minimum: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self.fail(name, f"must be an integer of at least {minimum}")

    def _number(self, name: str, what: str, *, above: float, inclusive: bool = False) -> None:
        value = getattr(self, name)
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or value < above or (value == above and not inclusive):
            raise self.fail(name, what)
        setattr(self, name, float(value))

    def _positive(self, name: str, alternative: str = "") -> None:
        self._number(name, f"must be a positive number {alternative}".rstrip(), above=0)

    def _choice(self, name: str, choices: tuple[str | int, ...]) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or value not in choices:
            raise self.fail(name, f"must be one of {', '.join(map(repr, choices))}")

    def _check_crop(self, crop: Json) -> None:
        pair = isinstance(crop, list | tuple) and len(crop) == 2 and all(type(n) is int for n in crop)
        if not pair or not 0 <= crop[0] < crop[1] <= self.all_bins:
            raise self.fail("crop", f"must be [low, high] with 0 <= low < high <= {self.all_bins}")
        self.crop = list(crop)


@dataclass(kw_only=True)
class CqtParameters(Parameters):
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
    fmin: float = 32.70319566257483

    def __post_init__(self) -> None:
        for name in ("hop_length", "n_bins", "bins_per_octave"):
            self._integer(name, 1)
        super().__post_init__()
        self._positive("fmin")
        if self.cutoff > self.sampling_rate / 2:
            raise self.fail(
                "n_bins", f"must be small enough to end below {self.sampling_rate / 2:g} Hz (half the rate)"
            )

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
        highest: float = self.fmin * 2.0 ** ((self.n_bins - 1) / self.bins_per_octave)
        return highest * (1 + HANN_BANDWIDTH / 2 * self.alpha)


@dataclass(kw_only=True)
class MelParameters(Parameters):
    """Parameters of the mel spectrogram; the defaults are those of ``librosa.feature.melspectrogram``.

    Attributes
    ----------
    n_fft : int
        Samples of a frame (and of its Hann window).
    hop_length : int
        Samples between frames.
    n_mels : int
        Number of bands, spaced on Slaney's mel scale and normalised to equal area.
    fmin, fmax : float
        Range of the bands, in Hz; ``fmax`` ``None`` means half the sampling rate.
    power : int
        1: the bands sum magnitudes; 2: powers.
    """

    kind: ClassVar[str] = "mel"

    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None
    power: int = 2

    def __post_init__(self) -> None:
        self._integer("n_fft", 2)
        for name in ("hop_length", "n_mels"):
            self._integer(name, 1)
        super().__post_init__()
        self._choice("power", (1, 2))
        self._number("fmin", "must be a number of at least 0", above=0, inclusive=True)
        nyquist = self.sampling_rate / 2
        if self.fmin >= nyquist:
            raise self.fail("fmin", f"must be below {nyquist:g} Hz (half the rate)")
        if self.fmax is not None:
            self._number("fmax", "must be a number above fmin, or null", above=self.fmin)
            if self.fmax > nyquist:
                raise self.fail("fmax", f"must be at most {nyquist:g} Hz (half the rate)")

    @property
    def all_bins(self) -> int:
        """Number of bands before ``crop``."""
        return self.n_mels
