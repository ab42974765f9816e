"""Checks of the values of a record's keys."""

from __future__ import annotations

import json
import math
from typing import Any

Json = Any
"""A value that JSON can hold."""


def load_json(text: str | bytes) -> Json:
    """Parse JSON strictly.

    Raises
    ------
    ValueError
        If it is not valid; NaN and infinities, which Python accepts, are not.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ValueError(error.msg) from None  # callers name the place
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")


class WrongKeyError(Exception):
    """A fault of one key, raised where the file and the line are unknown."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"key {key!r} {what}")


def number(value: Json, key: str, *, minimum: float | None = None, maximum: float | None = None) -> float:
    """Return a finite number, neither below a minimum nor above a maximum.

    Parameters
    ----------
    value : JSON value
        The value to parse.
    key : str
        Its place in the record, for errors.
    minimum, maximum : float, optional
        The range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongKeyError(key, f"must be a number, not {kind_of(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):  # 1e999 is JSON
        raise WrongKeyError(key, "must be a finite number")
    if minimum is not None and result < minimum:
        raise WrongKeyError(key, f"must be at least {minimum:g}, not {result:g}")
    if maximum is not None and result > maximum:
        raise WrongKeyError(key, f"must be at most {maximum:g}, not {result:g}")
    return result


def integer(value: Json, key: str, *, minimum: int | None = None) -> int:
    """Return an integer, not below a minimum.

    Parameters
    ----------
    value : JSON value
        The value to parse.
    key : str
        Its place in the record, for errors.
    minimum : int, optional
        The minimum.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongKeyError(key, f"must be an integer, not {kind_of(value)}")
    if minimum is not None and value < minimum:
        raise WrongKeyError(key, f"must be at least {minimum}, not {value}")
    return value


def string(value: Json, key: str) -> str:
    """Return a string.

    Parameters
    ----------
    value : JSON value
        The value to parse.
    key : str
        Its place in the record, for errors.
    """
    if not isinstance(value, str):
        raise WrongKeyError(key, f"must be a string, not {kind_of(value)}")
    return value


def boolean(value: Json, key: str) -> bool:
    """Return true or false.

    Parameters
    ----------
    value : JSON value
        The value to parse.
    key : str
        Its place in the record, for errors.
    """
    if not isinstance(value, bool):
        raise WrongKeyError(key, f"must be true or false, not {kind_of(value)}")
    return value


def array(value: Json, key: str) -> list[Json]:
    """Return an array.

    Parameters
    ----------
    value : JSON value
        The value to parse.
    key : str
        Its place in the record, for errors.
    """
    if not isinstance(value, list):
        raise WrongKeyError(key, f"must be an array, not {kind_of(value)}")
    return value


def mapping(value: Json, key: str) -> dict[str, Json]:
    """Return an object.

    Parameters
    ----------
    value : JSON value
        The value to parse.
    key : str
        Its place in the record, for errors.
    """
    if not isinstance(value, dict):
        raise WrongKeyError(key, f"must be an object, not {kind_of(value)}")
    return value


def kind_of(value: Json) -> str:
    """Name the kind of a value, for messages."""
    names = {bool: "a boolean", str: "a string", dict: "an object", list: "an array", type(None): "null"}
    return names.get(type(value), "a number")


def optional(value: Json, key: str, parse: Any) -> Any:
    """Return ``None`` for null, else the value parsed by ``parse``.

    Parameters
    ----------
    value : JSON value
        The value to parse.
    key : str
        Its place in the record, for errors.
    parse : callable
        Parses it if it is not ``None``.
    """
    return None if value is None else parse(value, key)
