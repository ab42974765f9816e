"""The base of the parameters of all kinds of front ends: parsing and checks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from ...choices import LEVELS, SCALES
from ...errors import UsageError

if TYPE_CHECKING:  # it is slow to load
    from ...manifest.values import Json


@dataclass(kw_only=True)
class Parameters(ABC):
    """The parameters of every front end: the signal that it expects.

    Attributes
    ----------
    sampling_rate : int
        Rate of the waveforms, in Hz.
    normalize : str
        ``"rms"`` or ``"peak"``: the divisor of each waveform; ``"none"``: it stays as it is.
    """

    kind: ClassVar[str]

    sampling_rate: int = 22050
    normalize: str = "rms"

    def __post_init__(self) -> None:
        """Check every value, and give equal settings equal types (so that their hashes agree)."""
        self._integer("sampling_rate", 1)
        self._choice("normalize", (*LEVELS, "none"))

    @property
    @abstractmethod
    def bins(self) -> int:
        """Number of bins of the features."""

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
        """Return the error for a parameter whose value is wrong.

        Parameters
        ----------
        name : str
            The parameter.
        what : str
            The requirement: "must be ...".
        """
        return UsageError(f"front end {self.kind!r}: {name} {what}, not {getattr(self, name)!r}")

    @property
    def nyquist(self) -> float:
        """Half the sampling rate, in Hz."""
        return self.sampling_rate / 2

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

    def _fraction(self, name: str) -> None:
        what = "must be a number between 0 and 1"
        self._number(name, what, above=0)
        if getattr(self, name) >= 1:
            raise self.fail(name, what)

    def _choice(self, name: str, choices: tuple[str | int, ...]) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or value not in choices:
            raise self.fail(name, f"must be one of {', '.join(map(repr, choices))}")
        setattr(self, name, choices[choices.index(value)])  # 1, not 1.0: equal settings have equal hashes


MIN_AMIN = 1e-18
"""Lowest amplitude whose square is not 0 in float32."""


@dataclass(kw_only=True)
class SpectralParameters(Parameters):
    """The parameters of front ends of amplitudes or powers: how these are compressed.

    Attributes
    ----------
    scale : str
        ``"db"`` (decibels), ``"log"`` (natural logarithm) or ``"linear"``.
    ref : float or str
        The value that is 0 dB, in the unit of the spectrogram (amplitude or power), or ``"max"``: the
        clip's own maximum. For ``"db"`` only.
    amin : float
        Floor below which an amplitude is raised to it before a logarithm is taken (a power: to its
        square). For ``"db"`` and ``"log"``.
    top_db : float or None
        Range kept below the clip's maximum, in dB; ``None`` keeps all. For ``"db"`` only.
    crop : tuple of int or None
        ``(low, high)``: the bins kept, ``high`` not included, chosen after compression; ``None`` keeps all.
    """

    scale: str = "db"
    ref: float | str = 1.0
    amin: float = 1e-5
    top_db: float | None = 80.0
    crop: Sequence[int] | None = None

    def __post_init__(self) -> None:
        """Check the values that concern compression."""
        super().__post_init__()
        self._choice("scale", SCALES)
        if self.ref != "max":
            self._positive("ref", 'or "max"')
        self._positive("amin")
        if self.amin < MIN_AMIN:
            raise self.fail("amin", f"must be at least {MIN_AMIN:g}")
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
        """Number of bins of the features."""
        return self.all_bins if self.crop is None else self.crop[1] - self.crop[0]

    def _check_crop(self, crop: Json) -> None:
        pair = isinstance(crop, list | tuple) and len(crop) == 2 and all(type(n) is int for n in crop)
        if not pair or not 0 <= crop[0] < crop[1] <= self.all_bins:
            raise self.fail("crop", f"must be [low, high] with 0 <= low < high <= {self.all_bins}")
        self.crop = list(crop)
