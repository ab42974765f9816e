"""From the matrices of a model to its score report."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..arrays import BoolArray, Float64Array
from ..errors import UsageError
from .collect import UNDECIDED, LabelledScores
from .grid import count_on_grid, oracle
from .metrics import (
    DecisionScores,
    PolyphonyScores,
    average_precision,
    confusion_matrix,
    decide,
    decision_scores,
    exact_match,
    intersection_over_union,
    lrap,
    roc_auc,
    scores_by_polyphony,
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
"""One threshold for all classes, or one for each. ``None``: the decisions in the predictions, and 0.5 where
there are none."""

_DEFAULT_THRESHOLD = 0.5


def decisions_of(data: LabelledScores, threshold: Threshold = None) -> tuple[BoolArray, Float64Array]:
    """Return the decisions, and the thresholds.

    Parameters
    ----------
    data : LabelledScores
        The scores, and the decisions in the predictions.
    threshold : float, mapping of str to float, or None
        See `Threshold`.

    Returns
    -------
    y_pred : ndarray of bool, shape (n, k)
        The decisions.
    thresholds : ndarray of float64, shape (k,)
        The threshold of each class; NaN where the decisions are those in the predictions.

    Raises
    ------
    UsageError
        If a class has no threshold.
    """
    if isinstance(threshold, Mapping):
        if missing := [name for name in data.classes if name not in threshold]:
            hint = "give one for each class, or score only the classes that have one"
            raise UsageError(f"no threshold for {', '.join(missing)}", hint)
        thresholds = np.array([float(threshold[name]) for name in data.classes])
    else:
        common = _DEFAULT_THRESHOLD if threshold is None else float(threshold)
        thresholds = np.full(len(data.classes), common)
    y_pred = decide(data.y_score, thresholds)
    if threshold is None and data.decisions is not None:
        decided = data.decisions != UNDECIDED
        y_pred = np.where(decided, data.decisions == 1, y_pred)
        thresholds = np.where(decided.any(axis=0), np.nan, thresholds)
    return y_pred, thresholds


def judge(data: LabelledScores, threshold: Threshold = None) -> ScoreReport:
    """Score the predictions of a model.

    Parameters
    ----------
    data : LabelledScores
        Its scores, and the labels.
    threshold : float, mapping of str to float, or None
        See `Threshold`.

    Returns
    -------
    ScoreReport
        Everything but intervals, baseline and folds.

    Raises
    ------
    UsageError
        If a class has no threshold, or a score is not finite.
    """
    y_true, y_score, known = data.y_true, data.y_score, data.known
    y_pred, thresholds = decisions_of(data, threshold)
    decided = decision_scores(y_true, y_pred, known)
    all_ones = decision_scores(y_true, np.ones_like(y_true), known)
    best = oracle(count_on_grid(y_true, y_score, known))
    aucs, auc = roc_auc(y_true, y_score, known)
    aps, mean_ap = average_precision(y_true, y_score, known)
    columns = (
        decided.support, thresholds, decided.precision, decided.recall, decided.f1, aucs, aps,
        decided.class_accuracy, decided.tp, decided.fp, decided.fn, decided.tn, data.constant,
        best.thresholds, best.f1,
    )  # fmt: skip
    rows = zip(data.classes, *(column.tolist() for column in columns), strict=True)
    return ScoreReport(
        model=data.model,
        num_items=len(y_true),
        num_groups=len(np.unique(data.groups)),
        num_unpredicted=data.num_unpredicted,
        num_unlabelled=data.num_unlabelled,
        known=float(known.mean()),
        degenerate=bool(data.constant.all()),
        lrap=lrap(y_true, y_score, known),
        auc=auc,
        mean_ap=mean_ap,
        top1=top1(y_true, y_score, known),
        decisions=_overall(decided),
        iou=defined_mean(intersection_over_union(y_true, y_pred, known)),
        emr=defined_mean(exact_match(y_true, y_pred, known)),
        all_ones=_overall(all_ones),
        oracle=OracleScores(best.common_threshold, best.common_micro_f1, best.macro_f1, best.micro_f1),
        classes=[ClassScores(*row) for row in rows],
        levels=[_level(level, data.classes) for level in scores_by_polyphony(y_true, y_score, y_pred, known)],
        confusion=_confusion(data),
    )


def _overall(decided: DecisionScores) -> Overall:
    return Overall(decided.micro, decided.macro, decided.macro_f1_of_means, decided.accuracy)


def _level(level: PolyphonyScores, classes: list[str]) -> LevelScores:
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
    counts = confusion_matrix(data.y_true, data.y_score, data.known)
    if not math.fsum(counts.flat):
        return None
    return Confusion(data.classes, counts.tolist())
