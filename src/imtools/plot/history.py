"""Reading what a training left behind: losses and metrics by epoch, and the epochs that were kept."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float64Array
from ..errors import ModelError
from ..manifest.values import (
    Json,
    WrongKeyError,
    array,
    integer,
    load_json,
    mapping,
    number,
    optional,
    string,
)

HISTORY_NAME, DESCRIPTION_NAME = "history.jsonl", "model.json"
HINT = "give a model directory of im-train, or its history.jsonl"


@dataclass(frozen=True)
class Course:
    """One net, epoch by epoch.

    Attributes
    ----------
    epochs : ndarray of int, shape (n,)
        From 0.
    values : dict of str to ndarray of float64, shape (n,)
        ``"train_loss"``, ``"validation_loss"`` and metrics; NaN where there is no value.
    chosen : int or None
        The epoch whose weights were kept, as far as known.
    """

    epochs: NDArray[np.int64]
    values: dict[str, Float64Array]
    chosen: int | None


@dataclass(frozen=True)
class History:
    """One model: a net for each fold (one-vs-all: for each fold and class)."""

    name: str
    courses: list[Course]


def read_history(path: str) -> History:
    """Return the history in a model directory, or in a ``history.jsonl``.

    Raises
    ------
    ModelError
        If there is none, or a line is wrong: named as ``file:line``.
    """
    file = Path(path, HISTORY_NAME) if os.path.isdir(path) else Path(path)
    rows: dict[tuple[int | None, str | None], list[dict[str, Json]]] = {}
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror})", HINT) from None
    for count, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = mapping(load_json(line), "line")
            key = (optional(data.get("fold"), "fold", integer), optional(data.get("label"), "label", string))
            rows.setdefault(key, []).append(_epoch(data))
        except (ValueError, WrongKeyError) as error:
            raise ModelError(f"{file}:{count}: is no epoch ({error})", HINT) from None
    if not rows:
        raise ModelError(f"{file}: holds no epoch", "train for at least one")
    chosen = _chosen(file.parent / DESCRIPTION_NAME)
    return History(
        file.absolute().parent.name, [_course(epochs, chosen.get(key)) for key, epochs in rows.items()]
    )


def _epoch(data: Mapping[str, Json]) -> dict[str, Json]:
    losses = {name: number(data.get(name), name) for name in ("train_loss", "validation_loss")}
    metrics = mapping(data.get("metrics", {}), "metrics")
    others = {name: optional(value, f"metrics.{name}", number) for name, value in metrics.items()}
    return {"epoch": integer(data.get("epoch"), "epoch", minimum=0)} | others | losses


def _course(epochs: list[dict[str, Json]], chosen: int | None) -> Course:
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch if name != "epoch"))
    values = {
        name: np.array([math.nan if epoch.get(name) is None else epoch[name] for epoch in epochs])
        for name in names
    }
    return Course(np.array([epoch["epoch"] for epoch in epochs]), values, chosen)


def _chosen(path: Path) -> dict[tuple[int | None, str | None], int]:
    """Return the epochs that a model has kept; none where there is only a history."""
    try:
        members = array(mapping(load_json(path.read_bytes()), "model").get("members"), "members")
        found = [mapping(member, "members") for member in members]
        return {(one.get("fold"), one.get("label")): integer(one.get("epoch"), "epoch") for one in found}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, WrongKeyError) as error:
        raise ModelError(f"{path}: is no description of a model ({error})", HINT) from None
