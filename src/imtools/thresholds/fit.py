"""Fitting thresholds to the labelled scores of one model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..arrays import Float64Array, IntArray
from ..choices import OBJECTIVES, Objective
from ..errors import ImtoolsWarning, UsageError
from ..score.collect import LabelledScores
from ..score.grid import count_on_grid, plateau_middle
from .file import Thresholds
from .sketch import Seen, Sketch

DEFAULT_THRESHOLD = 0.5
"""The threshold of a class without known positives or negatives."""

_BETA = {"f1": 1.0, "f0.5": 0.5, "f2": 2.0}


@dataclass(frozen=True, slots=True)
class _Column:
    """The counts of one class, or of all together, at each threshold of the grid."""

    tp: IntArray
    predicted: IntArray
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
    """Find the best thresholds for the given items, on a grid from 0 to 1 in steps of 0.01.

    Parameters
    ----------
    data : LabelledScores
        One model's scores, and the labels.
    objective : {"f1", "f0.5", "f2", "accuracy", "youden", "prevalence", "precision"}
        What to maximize: ``"f1"`` (lumen2023, 3.4) weights precision and recall equally, ``"f0.5"`` favours
        precision and ``"f2"`` recall; ``"accuracy"`` is the number of right decisions, ``"youden"`` the true
        minus the false positive rate (Youden's J). ``"prevalence"`` gives as many predicted positives as
        there are positives, ``"precision"`` the lowest threshold with a precision of at least `target`.
    common : bool
        Fit one threshold for all classes, by the counts of all together, instead of one for each.
    target : float
        The precision to reach, above 0 and at most 1.
    groups : iterable of str
        The recordings of the items, to detect later whether the thresholds are applied to them.

    Returns
    -------
    Thresholds
        With two decimals. If neighbouring thresholds are equally good, the middle of the longest run.

    Raises
    ------
    UsageError
        If the objective is unknown or the target is out of range.

    Warns
    -----
    ImtoolsWarning
        If a class has no known positives or no known negatives: its threshold is 0.5. If the target
        precision cannot be reached: the threshold with the highest precision is chosen.
    """
    if objective not in OBJECTIVES:
        raise UsageError(f"unknown objective {objective!r}", f"choose from {', '.join(OBJECTIVES)}")
    if not 0 < target <= 1:
        raise UsageError(f"a precision of {target:g} is no target", "give one above 0 and at most 1")
    counts = count_on_grid(data.y_true, data.y_score, data.known)
    names = ["all classes together"] if common else data.classes
    if common:
        columns = [
            _Column(
                counts.tp.sum(axis=1),
                counts.predicted.sum(axis=1),
                int(counts.support.sum()),
                int(counts.negatives.sum()),
            )
        ]
    else:
        columns = [
            _Column(counts.tp[:, k], counts.predicted[:, k], int(counts.support[k]), int(counts.negatives[k]))
            for k in range(len(names))
        ]
    fittable = [column.support > 0 and column.negatives > 0 for column in columns]
    _warn_unfitted([name for name, fits in zip(names, fittable, strict=True) if not fits], data.model)
    limits, short = [], []
    for name, column, fits in zip(names, columns, fittable, strict=True):
        if not fits:
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
        Seen(Sketch.from_names(data.ids), Sketch.from_names(groups)),
        common,
        target if objective == "precision" else None,
    )


def _best(column: _Column, objective: Objective, target: float) -> int:
    """Return the index of the best threshold in the grid."""
    if objective == "precision":
        precision = _precision(column)
        reached = np.flatnonzero(precision >= target)
        return int(reached[0]) if len(reached) else plateau_middle(precision)
    return plateau_middle(_values(column, objective))


def _values(column: _Column, objective: Objective) -> Float64Array:
    """Return the value of the objective at each threshold, for a class with positives and negatives."""
    tp, fp = column.tp.astype(np.float64), (column.predicted - column.tp).astype(np.float64)
    values: Float64Array
    if objective in _BETA:
        squared = _BETA[objective] ** 2
        # The denominator is (1 + b^2) tp + fp + b^2 fn, in terms of what is counted.
        values = (1 + squared) * tp / (squared * column.support + column.predicted)
    elif objective == "accuracy":
        values = tp + (column.negatives - fp)
    elif objective == "youden":
        # TPR - FPR times both numbers of items: integers, so that equal values are equal.
        values = tp * column.negatives - fp * column.support
    else:
        values = -np.abs(column.predicted - column.support).astype(np.float64)
    return values


def _precision(column: _Column) -> Float64Array:
    """Return the precision at each threshold; -1 where nothing is predicted positive."""
    return np.where(column.predicted > 0, column.tp / np.maximum(column.predicted, 1), -1.0)


def _warn_unfitted(names: list[str], model: str) -> None:
    if names:
        what = f"{', '.join(names)}: no known positives or no known negatives to fit model {model} to"
        _warn(f"{what}; the threshold stays {DEFAULT_THRESHOLD:g}")


def _warn(message: str) -> None:
    warnings.warn(ImtoolsWarning(message), stacklevel=3)
