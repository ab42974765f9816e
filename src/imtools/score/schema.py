"""From JSON to the classes of results: each value is checked against the type of its field.

The JSON of a result is that of `dataclasses.asdict`, with ``null`` for NaN. A key that is absent stands for
an undefined number, a zero count, false, or an empty list or object; unknown keys are ignored. Files that
other programs wrote, or older versions, need not hold everything.
"""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, NamedTuple, Self, get_args, get_origin, get_type_hints

from ..manifest.values import (
    Json,
    WrongKeyError,
    array,
    boolean,
    integer,
    mapping,
    number,
    string,
)


class Bounds(NamedTuple):
    """The range of a number, inclusive."""

    minimum: float
    maximum: float | None = None


Ratio = Annotated[float, Bounds(0, 1)]
"""A number from 0 to 1; NaN where it is not defined."""

Amount = Annotated[float, Bounds(0)]
"""A number that is not negative."""


class FromJson:
    """Base of the dataclasses that can be made from JSON objects.

    Attributes
    ----------
    required : tuple of str
        The keys, beside those of strings, that must not be absent.
    """

    __slots__ = ()
    required: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_json(cls, value: Json, key: str) -> Self:
        """Return the object that JSON stands for.

        Parameters
        ----------
        value : Json
            What `dataclasses.asdict` gives, with ``None`` for NaN.
        key : str
            Where the value lies, to name in errors: ``"levels[0]"`` for instance.

        Raises
        ------
        WrongKeyError
            If a key is missing, or its value is of a wrong type or out of range.
        """
        return cls(**parse_fields(cls, mapping(value, key), key))


def parse_fields(cls: type[Any], data: dict[str, Json], key: str) -> dict[str, Any]:
    """Return the fields of a class, by name, from a JSON object.

    Parameters
    ----------
    cls : type
        A dataclass.
    data : dict
        The object.
    key : str
        Where it lies; the empty string for the top level.

    Raises
    ------
    WrongKeyError
        If a key is missing, or its value is of a wrong type or out of range.
    """
    hints = _types(cls)  # type: ignore[arg-type]  # classes are hashable
    fields = {}
    required = getattr(cls, "required", ())
    for field in dataclasses.fields(cls):
        name, hint = field.name, hints[field.name]
        if name in data or name in required:
            fields[name] = parse(hint, data.get(name), join(key, name))
        else:
            fields[name] = _absent(hint, join(key, name))
    return fields


def parse(hint: Any, value: Json, key: str) -> Any:
    """Return a value of a type from its JSON.

    Parameters
    ----------
    hint : type
        A subclass of `FromJson`, another dataclass or a named tuple of numbers, ``float`` (perhaps with
        `Bounds`), ``int`` (not negative), ``str``, ``bool``, or a list, a dict by string or an optional value
        of these.
    value : Json
        The value.
    key : str
        Where it lies.

    Raises
    ------
    WrongKeyError
        If the value is not of that type.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = hint.__metadata__[0]
        return math.nan if value is None else number(value, key, **bounds._asdict())
    if NoneType in arguments:
        return None if value is None else parse(arguments[0], value, key)
    if origin is list:
        return [parse(arguments[0], item, f"{key}[{place}]") for place, item in enumerate(array(value, key))]
    if origin is dict:
        return {
            name: parse(arguments[1], item, join(key, name)) for name, item in mapping(value, key).items()
        }
    if hint is float:
        return math.nan if value is None else number(value, key)
    if hint is int:
        return integer(value, key, minimum=0)
    if hint is str:
        return string(value, key)
    if hint is bool:
        return boolean(value, key)
    if issubclass(hint, FromJson):
        return hint.from_json(value, key)
    if issubclass(hint, tuple):
        return _tuple(hint, value, key)
    data = mapping(value, key)  # a dataclass of numbers
    return hint(**{name: parse(float, data.get(name), join(key, name)) for name in _types(hint)})


@cache
def _types(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def join(key: str, name: str) -> str:
    """Return the path of a key within another one.

    Parameters
    ----------
    key, name : str
        The path of the outer key, empty at the top, and the name of the inner one.
    """
    return f"{key}.{name}" if key else name


def _tuple(hint: Any, value: Json, key: str) -> Any:
    names, items = hint._fields, array(value, key)
    if len(items) != len(names):
        raise WrongKeyError(key, f"must be an array of {' and '.join(names)}")
    return hint(*(parse(float, item, f"{key}[{place}]") for place, item in enumerate(items)))


def _absent(hint: Any, key: str) -> Any:
    """Return what an absent key stands for."""
    origin = get_origin(hint)
    if origin in (list, dict):
        return origin()
    if NoneType in get_args(hint):
        return None
    if hint in (int, bool):
        return hint()
    if hint is str or hint is float or origin is Annotated:
        return parse(hint, None, key)
    return parse(hint, {}, key)
