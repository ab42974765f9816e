"""Names of models in predictions: ``"net@1f3a"``, and ``"net@1f3a#fold2"`` for the member of one fold."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import UsageError

_MEMBER = re.compile(r"(.+)#fold(\d+)", re.DOTALL)


def member_of(model: str) -> tuple[str, int | None]:
    """Split a name into model and fold: ``("net@1f3a", 2)`` for ``"net@1f3a#fold2"``, else no fold."""
    match = _MEMBER.fullmatch(model)
    return (match[1], int(match[2])) if match else (model, None)


def base_name(model: str) -> str:
    """Return the name of a model without the hash of its weights."""
    return model.partition("@")[0]


def named(name: str, models: Sequence[str]) -> str:
    """Return the model with a full name, or the only one with that name before ``@``.

    Parameters
    ----------
    name : str
        ``"net@1f3a"`` or ``"net"``.
    models : sequence of str
        Full names to choose from.

    Returns
    -------
    str
        One of ``models``.

    Raises
    ------
    UsageError
        If there is none, or there are several.
    """
    if name in models:
        return name
    alike = [model for model in models if base_name(model) == name]
    if len(alike) == 1:
        return alike[0]
    what = f"{name!r} can be {', '.join(alike)}" if alike else f"no predictions of model {name!r}"
    raise UsageError(what, f"there are those of {', '.join(models)}")
