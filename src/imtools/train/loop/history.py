"""Losses and metrics of each epoch: the lines of ``history.jsonl``."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...arrays import BoolArray, Float32Array
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
        The fold that is validated on.
    label : str or None
        The class of a net for one class (one-vs-all); ``None``: all.
    epoch : int
        From 0.
    learning_rate : float
        That of its last batch.
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


def validation_metrics(present: BoolArray, scores: Float32Array, known: BoolArray) -> dict[str, float | None]:
    """Return LRAP, F1 micro and macro (at threshold 0.5), and top-1 accuracy.

    Parameters
    ----------
    present : ndarray of bool, shape (n, classes)
        Which classes are present.
    scores : ndarray of float32, shape (n, classes)
        0 to 1.
    known : ndarray of bool, shape (n, classes)
        Which labels are known.

    Returns
    -------
    dict of str to float or None
        ``None`` for a metric without a value; a single class has neither LRAP nor top-1.
    """
    at_half = precision_recall_f1(present, scores, known=known)
    values = {
        "lrap": lrap(present, scores, known) if present.shape[1] > 1 else math.nan,
        "f1_micro": at_half.micro.f1,
        "f1_macro": at_half.macro.f1,
        "top1": top1(present, scores, known) if present.shape[1] > 1 else math.nan,
    }
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def class_metrics(present: BoolArray, scores: Float32Array, known: BoolArray) -> dict[str, float | None]:
    """Return precision, recall, F1 and accuracy of one class, at threshold 0.5.

    Parameters
    ----------
    present, scores, known : ndarray, shape (n,)
        One column each of what `validation_metrics` takes.

    Returns
    -------
    dict of str to float or None
        ``None`` for a metric without a value.
    """
    one = precision_recall_f1(present[:, None], scores[:, None], known[:, None]).micro
    right = ((scores >= 0.5) == present)[known]
    values = {
        "precision": one.precision,
        "recall": one.recall,
        "f1": one.f1,
        "accuracy": float(right.mean()) if len(right) else math.nan,
    }
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def write_history(folder: str | os.PathLike[str], epochs: Iterable[Epoch]) -> None:
    """Write ``history.jsonl`` atomically: one line for each epoch of each net.

    Parameters
    ----------
    folder : path
        The model directory.
    epochs : iterable of Epoch
        In the order of the lines.
    """
    lines = (json.dumps(epoch.to_json(), allow_nan=False) + "\n" for epoch in epochs)
    write_text(Path(folder) / HISTORY_NAME, "".join(lines))
