"""What each epoch gave: the lines of ``history.jsonl``."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...atomic import write_text
from ...manifest.values import Json, integer, mapping, number, optional, string
from ...score.metrics import lrap, precision_recall_f1, top1

HISTORY_NAME = "history.jsonl"


@dataclass(frozen=True)
class Epoch:
    """One epoch of one net. It holds no times, so that a resumed training gives the same lines.

    Attributes
    ----------
    fold : int or None
        The fold that validates.
    label : str or None
        The class that the net is for (one-vs-all); ``None``: all.
    epoch : int
        From 0.
    learning_rate : float
        In its last batch.
    train_loss, validation_loss : float
        Mean over the known labels, or over the examples where exactly one class is present.
    metrics : dict of str to float or None
        On the validation records, at threshold 0.5; ``None`` where a metric has no value.
    """

    fold: int | None
    label: str | None
    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    metrics: dict[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Json, key: str = "line") -> Epoch:
        """Return the epoch that a JSON object stands for.

        Parameters
        ----------
        value : Json
            What `to_json` gives; of an older version without its learning rate, which is NaN then.
        key : str
            How errors name the object if it is none.

        Raises
        ------
        WrongKeyError
            If a key is missing, or its value is of a wrong type.
        """
        data = mapping(value, key)
        fold = optional(data.get("fold"), "fold", integer)
        label = optional(data.get("label"), "label", string)
        train_loss = number(data.get("train_loss"), "train_loss")
        validation_loss = number(data.get("validation_loss"), "validation_loss")
        metrics = mapping(data.get("metrics", {}), "metrics")
        checked = {name: optional(score, f"metrics.{name}", number) for name, score in metrics.items()}
        rate = optional(data.get("learning_rate"), "learning_rate", number)
        epoch = integer(data.get("epoch"), "epoch", minimum=0)
        rate = math.nan if rate is None else rate
        return cls(fold, label, epoch, rate, train_loss, validation_loss, checked)

    def validation(self) -> dict[str, float | None]:
        """Return loss and metrics on the validation records."""
        return {"loss": self.validation_loss, **self.metrics}


def validation_metrics(
    present: NDArray[np.bool_], scores: NDArray[np.float32], known: NDArray[np.bool_]
) -> dict[str, float | None]:
    """Return LRAP, F1 micro and macro (at 0.5), and top-1; ``None`` for what has no value.

    A single class cannot be ranked: it has neither LRAP nor top-1.
    """
    decisions = precision_recall_f1(present, scores, 0.5, known)
    values = {
        "lrap": lrap(present, scores, known) if present.shape[1] > 1 else math.nan,
        "f1_micro": decisions.micro.f1,
        "f1_macro": decisions.macro.f1,
        "top1": top1(present, scores, known) if present.shape[1] > 1 else math.nan,
    }
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def class_metrics(
    present: NDArray[np.bool_], scores: NDArray[np.float32], known: NDArray[np.bool_]
) -> dict[str, float | None]:
    """Return precision, recall, F1 and accuracy of one class at 0.5; ``None`` for what has no value.

    Parameters
    ----------
    present, scores, known : ndarray, shape (n,)
        As the columns of the matrices elsewhere.
    """
    one = precision_recall_f1(present[:, None], scores[:, None], 0.5, known[:, None]).micro
    right = ((scores >= 0.5) == present)[known]
    values = {
        "precision": one.precision,
        "recall": one.recall,
        "f1": one.f1,
        "accuracy": float(right.mean()) if len(right) else math.nan,
    }
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def write_history(folder: str | os.PathLike[str], epochs: Iterable[Epoch]) -> None:
    """Write ``history.jsonl``, atomically: one line an epoch."""
    lines = (json.dumps(epoch.to_json(), allow_nan=False) + "\n" for epoch in epochs)
    write_text(Path(folder) / HISTORY_NAME, "".join(lines))
