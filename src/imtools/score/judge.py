"""From the matrices of a model to its scores."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..arrays import BoolArray, Float64Array
from ..errors import UsageError
from .collect import UNDECIDED, LabelledScores
from .grid import count_on_grid, oracle
from .metrics import (
    Decisions,
    Level,
    average_precision,
    confusion_matrix,
    decide,
    decision_scores,
    exact_match,
    intersection_over_union,
    levels,
    lrap,
    roc_auc,
    top1,
)
from .metrics.matrices import defined_mean
from .result import (
    ClassAtLevel,
    ClassScores,
    Confusion,
    LevelScores,
    OracleScores,
    Overall,
    ScoreReport,
)

Threshold = float | Mapping[str, float] | None
"""One threshold for all classes, or one for each. ``None``: what the predictions themselves say is present,
0.5 where they do not say it."""

_DEFAULT_THRESHOLD = 0.5


def decisions_of(data: LabelledScores, threshold: Threshold = None) -> tuple[BoolArray, Float64Array]:
    """Return what counts as a yes, and the thresholds.

    Returns
    -------
    said : ndarray of bool, shape (n, k)
        The decisions.
    limits : ndarray of float64, shape (k,)
        The threshold of each class; NaN where predictions themselves say what is present.

    Raises
    ------
    UsageError
        If a class has no threshold.
    """
    if isinstance(threshold, Mapping):
        if missing := [name for name in data.classes if name not in threshold]:
            hint = "give one for each class, or score only the classes that have one"
            raise UsageError(f"no threshold for {', '.join(missing)}", hint)
        limits = np.array([float(threshold[name]) for name in data.classes])
    else:
        limits = np.full(len(data.classes), _DEFAULT_THRESHOLD if threshold is None else float(threshold))
    said = decide(data.S, limits)
    if threshold is None and data.decided is not None:
        told = data.decided != UNDECIDED
        said, limits = np.where(told, data.decided == 1, said), np.where(told.any(axis=0), np.nan, limits)
    return said, limits


def judge(data: LabelledScores, threshold: Threshold = None) -> ScoreReport:
    """Score a model on matrices.

    Parameters
    ----------
    data : LabelledScores
        What it says and what is known.
    threshold : float, mapping of str to float, or None
        See `Threshold`.

    Returns
    -------
    ScoreReport
        Without intervals, baseline and folds.

    Raises
    ------
    UsageError
        If a class has no threshold, or a score is not finite.
    """
    Y, S, known = data.Y, data.S, data.known
    said, limits = decisions_of(data, threshold)
    made, ones = decision_scores(Y, said, known), decision_scores(Y, np.ones_like(Y), known)
    best = oracle(count_on_grid(Y, S, known))
    aucs, auc = roc_auc(Y, S, known)
    aps, mean_ap = average_precision(Y, S, known)
    columns = (
        made.support, limits, made.precision, made.recall, made.f1, aucs, aps, made.class_accuracy,
        made.tp, made.fp, made.fn, made.tn, data.constant, best.thresholds, best.f1,
    )  # fmt: skip
    rows = zip(data.classes, *(column.tolist() for column in columns), strict=True)
    return ScoreReport(
        model=data.model,
        num_items=len(Y),
        num_groups=len(np.unique(data.groups)),
        num_unpredicted=data.num_unpredicted,
        num_unlabelled=data.num_unlabelled,
        known=float(known.mean()),
        degenerate=bool(data.constant.all()),
        lrap=lrap(Y, S, known),
        auc=auc,
        mean_ap=mean_ap,
        top1=top1(Y, S, known),
        decisions=_overall(made),
        iou=defined_mean(intersection_over_union(Y, said, known)),
        emr=defined_mean(exact_match(Y, said, known)),
        all_ones=_overall(ones),
        oracle=OracleScores(best.common_threshold, best.common_micro_f1, best.macro_f1, best.micro_f1),
        classes=[ClassScores(*row) for row in rows],
        levels=[_level(one, data.classes) for one in levels(Y, S, said, known)],
        confusion=_confusion(data),
    )


def _overall(made: Decisions) -> Overall:
    return Overall(made.micro, made.macro, made.macro_f1_of_means, made.accuracy)


def _level(level: Level, classes: list[str]) -> LevelScores:
    columns = (level.tpr, level.class_accuracy, level.tp, level.fp, level.fn, level.tn)
    rows = zip(classes, *(column.tolist() for column in columns), strict=True)
    return LevelScores(
        level.polyphony,
        level.num_items,
        level.lrap,
        level.f1_micro,
        level.accuracy,
        level.iou,
        level.emr,
        {name: ClassAtLevel(*row) for name, *row in rows},
    )


def _confusion(data: LabelledScores) -> Confusion | None:
    counts = confusion_matrix(data.Y, data.S, data.known)
    if not math.fsum(counts.flat):
        return None
    return Confusion(data.classes, counts.tolist())
