"""The objects inside a record: labels, references to features, predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .values import (
    Json,
    WrongKeyError,
    array,
    boolean,
    integer,
    mapping,
    number,
    optional,
    string,
)


def drop_defaults(pairs: Mapping[str, Json]) -> dict[str, Json]:
    """Leave out the defaults that a reader assumes: ``None`` and empty containers."""
    return {key: value for key, value in pairs.items() if value is not None and value != [] and value != {}}


@dataclass(slots=True)
class Label:
    """One instrument that is known to be present in, or absent from, a segment.

    Attributes
    ----------
    label : str
        The class, for example ``"cel"``.
    presence : float
        Degree of presence, 0 (known absent) to 1 (present).
    role : str or None
        ``"predominant"``, ``"solo"``, or another word of the data set.
    start, duration : float or None
        When it is present, in seconds relative to the segment; ``None`` means throughout.
    """

    label: str
    presence: float = 1.0
    role: str | None = None
    start: float | None = None
    duration: float | None = None
    extra: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Json, key: str) -> Label:
        """Parse ``{"label": ..., "presence": ...}``; ``key`` names the place in errors.

        Parameters
        ----------
        value : JSON value
            The value to parse.
        key : str
            Its place in the record, for errors.

        Raises
        ------
        WrongKeyError
            If a key is missing or has the wrong type or range.
        """
        data = dict(mapping(value, key))
        presence = number(data.pop("presence", 1.0), f"{key}.presence", minimum=0)
        if presence > 1:
            raise WrongKeyError(f"{key}.presence", f"must be at most 1, not {presence:g}")
        return cls(
            label=string(data.pop("label", None), f"{key}.label"),
            presence=presence,
            role=optional(data.pop("role", None), f"{key}.role", string),
            start=optional(data.pop("start", None), f"{key}.start", number),
            duration=optional(data.pop("duration", None), f"{key}.duration", number),
            extra=data,
        )

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this label."""
        head: dict[str, Json] = {"label": self.label, "presence": self.presence}
        rest = {"role": self.role, "start": self.start, "duration": self.duration}
        return head | drop_defaults(rest) | self.extra


@dataclass(slots=True)
class FeatureRef:
    """Where one feature of a segment is stored: a row of a ``.npy`` array.

    Attributes
    ----------
    path : str
        The array file.
    row : int
        Index along the array's first axis.
    shape : tuple of int
        Shape of that row, for example ``(96, 87)`` for bins x frames.
    dtype : str
        ``"float32"`` or ``"float16"``.
    config : str
        ``"sha256:..."`` of the front end's parameters: equal configs mean comparable numbers.
    """

    path: str
    row: int
    shape: tuple[int, ...]
    dtype: str
    config: str
    extra: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Json, key: str) -> FeatureRef:
        """Parse one entry of the ``features`` object.

        Parameters
        ----------
        value : JSON value
            The value to parse.
        key : str
            Its place in the record, for errors.

        Raises
        ------
        WrongKeyError
            If a key is missing or has the wrong type or range.
        """
        data = dict(mapping(value, key))
        shape = array(data.pop("shape", None), f"{key}.shape")
        return cls(
            path=string(data.pop("path", None), f"{key}.path"),
            row=integer(data.pop("row", None), f"{key}.row", minimum=0),
            shape=tuple(integer(n, f"{key}.shape", minimum=0) for n in shape),
            dtype=string(data.pop("dtype", None), f"{key}.dtype"),
            config=string(data.pop("config", None), f"{key}.config"),
            extra=data,
        )

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this reference."""
        return {
            "path": self.path,
            "row": self.row,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "config": self.config,
        } | self.extra


@dataclass(slots=True)
class Prediction:
    """One model's score for one class.

    Attributes
    ----------
    model : str
        Name of the model, ``"name@hash"``.
    label : str
        The class.
    score : float
        0 to 1.
    start, duration : float or None
        The time span of the score, in seconds relative to the segment; ``None`` means all of it.
    present : bool or None
        Whether the class counts as present, if decided.
    """

    model: str
    label: str
    score: float
    start: float | None = None
    duration: float | None = None
    present: bool | None = None
    extra: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Json, key: str) -> Prediction:
        """Parse one entry of the ``predictions`` array.

        Parameters
        ----------
        value : JSON value
            The value to parse.
        key : str
            Its place in the record, for errors.

        Raises
        ------
        WrongKeyError
            If a key is missing or has the wrong type or range.
        """
        data = dict(mapping(value, key))
        return cls(
            model=string(data.pop("model", None), f"{key}.model"),
            label=string(data.pop("label", None), f"{key}.label"),
            score=number(data.pop("score", None), f"{key}.score"),
            start=optional(data.pop("start", None), f"{key}.start", number),
            duration=optional(data.pop("duration", None), f"{key}.duration", number),
            present=optional(data.pop("present", None), f"{key}.present", boolean),
            extra=data,
        )

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this prediction."""
        head: dict[str, Json] = {"model": self.model, "label": self.label, "score": self.score}
        rest: dict[str, Json] = {"start": self.start, "duration": self.duration, "present": self.present}
        return head | drop_defaults(rest) | self.extra
