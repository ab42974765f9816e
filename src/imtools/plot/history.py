"""Reading the history of a training: losses and metrics by epoch, and the epochs that were kept."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Float64Array, IntArray
from ..errors import ModelError
from ..manifest.values import WrongKeyError, array, integer, load_json, mapping
from ..train.loop.history import HISTORY_NAME, Epoch

DESCRIPTION_NAME = "model.json"
HINT = "give a model directory of im-train, or its history.jsonl"


@dataclass(frozen=True)
class NetHistory:
    """The training of one net, epoch by epoch.

    Attributes
    ----------
    epochs : ndarray of int, shape (n,)
        From 0.
    values : dict of str to ndarray of float64, shape (n,)
        ``"train_loss"``, ``"validation_loss"`` and metrics; NaN where there is no value.
    kept : int or None
        The epoch whose weights were kept; ``None`` where that is not known.
    """

    epochs: IntArray
    values: dict[str, Float64Array]
    kept: int | None


@dataclass(frozen=True)
class ModelHistory:
    """The training of one model: a net for each fold (one-vs-all: for each fold and class)."""

    name: str
    nets: list[NetHistory]


def read_history(path: str) -> ModelHistory:
    """Return the history in a model directory, or in a ``history.jsonl``.

    Parameters
    ----------
    path : str
        The directory or the file.

    Returns
    -------
    ModelHistory
        Named after the directory; the epochs kept are those of the ``model.json`` beside the history.

    Raises
    ------
    ModelError
        If there is no history, or a line is wrong: named as ``file:line``.
    """
    file = Path(path, HISTORY_NAME) if os.path.isdir(path) else Path(path)
    nets: dict[tuple[int | None, str | None], list[Epoch]] = {}
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror})", HINT) from None
    for count, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            epoch = Epoch.from_json(load_json(line))
        except (ValueError, WrongKeyError) as error:
            raise ModelError(f"{file}:{count}: is not an epoch ({error})", HINT) from None
        nets.setdefault((epoch.fold, epoch.label), []).append(epoch)
    if not nets:
        raise ModelError(f"{file}: holds no epochs", "train for at least one")
    kept = _kept_epochs(file.parent / DESCRIPTION_NAME)
    name = file.absolute().parent.name
    return ModelHistory(name, [_net_history(epochs, kept.get(key)) for key, epochs in nets.items()])


def _net_history(epochs: Sequence[Epoch], kept: int | None) -> NetHistory:
    rows = [
        epoch.metrics | {"train_loss": epoch.train_loss, "validation_loss": epoch.validation_loss}
        for epoch in epochs
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = {
        name: np.array([math.nan if (value := row.get(name)) is None else value for row in rows])
        for name in names
    }
    return NetHistory(np.array([epoch.epoch for epoch in epochs]), values, kept)


def _kept_epochs(path: Path) -> dict[tuple[int | None, str | None], int]:
    """Return the epoch that was kept of each net; none if there is only a history."""
    try:
        members = array(mapping(load_json(path.read_bytes()), "model").get("members"), "members")
        found = [mapping(member, "members") for member in members]
        return {
            (member.get("fold"), member.get("label")): integer(member.get("epoch"), "epoch")
            for member in found
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, WrongKeyError) as error:
        raise ModelError(f"{path}: is not a description of a model ({error})", HINT) from None
