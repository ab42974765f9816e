"""Choosing thresholds on labelled predictions."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..arrays import Float64Array, IntArray
from ..errors import ImtoolsWarning, UsageError
from ..score.collect import LabelledScores
from ..score.grid import count_on_grid, plateau_middle
from .file import Thresholds
from .sketch import Seen, Sketch

Objective = Literal["f1", "f0.5", "f2", "accuracy", "youden", "prevalence", "precision"]
"""What thresholds are to be best for; see `fit`."""

OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

DEFAULT_THRESHOLD = 0.5
"""The threshold of a class of which the items say nothing."""

_BETA = {"f1": 1.0, "f0.5": 0.5, "f2": 2.0}


@dataclass(frozen=True, slots=True)
class _Column:
    """The counts of one class, or of all together, at each threshold of the grid."""

    tp: IntArray
    said: IntArray
    support: int
    negatives: int


def fit(
    data: LabelledScores,
    objective: Objective = "f1",
    *,
    common: bool = False,
    target: float = 0.9,
    groups: Iterable[str] = (),
) -> Thresholds:
    """Choose the thresholds that are best for the given items, on a grid from 0 to 1 in steps of 0.01.

    Parameters
    ----------
    data : LabelledScores
        One model's scores, and what is known of the items.
    objective : {"f1", "f0.5", "f2", "accuracy", "youden", "prevalence", "precision"}
        The best F1 (lumen2023, 3.4), which weighs precision and recall alike; F0.5, which cares more for
        precision; F2, more for recall; the most right decisions; the best difference of true and false
        positive rate (Youden's J); as many yeses as there are positives; or the lowest threshold with a
        precision of at least `target`.
    common : bool
        Choose one threshold for all classes, by the counts of all together, instead of one for each.
    target : float
        The precision to reach, above 0 and at most 1.
    groups : iterable of str
        The recordings of the items, to be remembered.

    Returns
    -------
    Thresholds
        With two decimals. Where neighbouring thresholds are equally good, the middle of the longest run.

    Raises
    ------
    UsageError
        If the objective is unknown or the target is out of range.

    Warns
    -----
    ImtoolsWarning
        If a class has no item that is known to have it, or none that is known not to: it keeps 0.5. If a
        precision is not to be had: the threshold with the highest one is chosen.
    """
    if objective not in OBJECTIVES:
        raise UsageError(f"unknown objective {objective!r}", f"choose from {', '.join(OBJECTIVES)}")
    if not 0 < target <= 1:
        raise UsageError(f"a precision of {target:g} is no target", "give one above 0 and at most 1")
    counts = count_on_grid(data.Y, data.S, data.known)
    names = ["all classes together"] if common else data.classes
    if common:
        columns = [
            _Column(
                counts.tp.sum(axis=1),
                counts.said.sum(axis=1),
                int(counts.support.sum()),
                int(counts.negatives.sum()),
            )
        ]
    else:
        columns = [
            _Column(counts.tp[:, k], counts.said[:, k], int(counts.support[k]), int(counts.negatives[k]))
            for k in range(len(names))
        ]
    told = [one.support > 0 and one.negatives > 0 for one in columns]
    _warn_untold([name for name, known in zip(names, told, strict=True) if not known], data.model)
    limits, short = [], []
    for name, column, known in zip(names, columns, told, strict=True):
        if not known:
            limits.append(DEFAULT_THRESHOLD)
            continue
        limits.append(round(float(counts.grid[_best(column, objective, target)]), 2))
        if objective == "precision" and _precision(column).max() < target:
            short.append(name)
    if short:
        what = f"model {data.model} reaches no precision of {target:g} for {', '.join(short)}"
        _warn(f"{what}; the threshold with the highest one is chosen")
    return Thresholds(
        data.model,
        dict(zip(data.classes, limits * len(data.classes) if common else limits, strict=True)),
        objective,
        len(data.ids),
        Seen(Sketch.of(data.ids), Sketch.of(groups)),
        common,
        target if objective == "precision" else None,
    )


def _best(column: _Column, objective: Objective, target: float) -> int:
    """Return the place of the best threshold in the grid."""
    if objective == "precision":
        precision = _precision(column)
        reached = np.flatnonzero(precision >= target)
        return int(reached[0]) if len(reached) else plateau_middle(precision)
    return plateau_middle(_values(column, objective))


def _values(column: _Column, objective: Objective) -> Float64Array:
    """Return what each threshold is worth; a class has positives and negatives here."""
    tp, fp = column.tp.astype(np.float64), (column.said - column.tp).astype(np.float64)
    values: Float64Array
    if objective in _BETA:
        squared = _BETA[objective] ** 2
        # tp, fp and fn weigh 1 + b^2, 1 and b^2: the denominator is theirs, written by what is counted.
        values = (1 + squared) * tp / (squared * column.support + column.said)
    elif objective == "accuracy":
        values = tp + (column.negatives - fp)
    elif objective == "youden":
        # TPR - FPR times both numbers of items: integers, so that equal values are equal.
        values = tp * column.negatives - fp * column.support
    else:
        values = -np.abs(column.said - column.support).astype(np.float64)
    return values


def _precision(column: _Column) -> Float64Array:
    """Return the precision at each threshold; -1 where nothing is said."""
    return np.where(column.said > 0, column.tp / np.maximum(column.said, 1), -1.0)


def _warn_untold(names: list[str], model: str) -> None:
    if names:
        what = f"{', '.join(names)}: not both known positives and known negatives to fit model {model} on"
        _warn(f"{what}; the threshold stays {DEFAULT_THRESHOLD:g}")


def _warn(message: str) -> None:
    warnings.warn(ImtoolsWarning(message), stacklevel=3)
