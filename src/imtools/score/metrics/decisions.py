"""Metrics of decisions: precision, recall, F1 and accuracy of each class, and over all classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import BoolArray, Float64Array, IntArray
from ...errors import UsageError
from .matrices import (
    Ratios,
    check_decisions,
    check_scores,
    defined_mean,
    precision_recall_f1_of_counts,
    ratio_or_nan,
)


@dataclass(frozen=True, slots=True)
class DecisionScores:
    """How good decisions are.

    Attributes
    ----------
    precision, recall, f1 : ndarray of float64, shape (k,)
        Of each class; NaN for a class without known labels.
    support : ndarray of int64, shape (k,)
        How many items are known to have the class.
    micro : Ratios
        From the counts of all classes together.
    macro : Ratios
        The means over the classes; the F1 is the mean of the classes' F1.
    macro_f1_of_means : float
        The other "macro F1": the harmonic mean of macro precision and macro recall; it is never below the
        mean of the F1s (by Jensen's inequality).
    class_accuracy : ndarray of float64, shape (k,)
        The fraction of the decisions on each class that are right; NaN for a class without known labels.
    tp, fp, fn, tn : ndarray of int64, shape (k,)
        Of each class: true positives, false positives, false negatives, true negatives.
    accuracy : float
        The fraction of all decisions, one for each class and item, that are right (lumen2023, 3.5); NaN if
        nothing is known.
    """

    precision: Float64Array
    recall: Float64Array
    f1: Float64Array
    support: IntArray
    micro: Ratios
    macro: Ratios
    macro_f1_of_means: float
    class_accuracy: Float64Array
    tp: IntArray
    fp: IntArray
    fn: IntArray
    tn: IntArray
    accuracy: float


def decide(y_score: ArrayLike, thresholds: float | ArrayLike = 0.5) -> BoolArray:
    """Decide that a class is present where its score reaches the threshold.

    Parameters
    ----------
    y_score : array of float, shape (n, k)
        The scores.
    thresholds : float or array of float, shape (k,)
        One for all classes, or one for each. A score equal to its threshold counts as present.

    Returns
    -------
    ndarray of bool, shape (n, k)
        The decisions.

    Raises
    ------
    UsageError
        If there are not as many thresholds as classes.

    Examples
    --------
    >>> decide([[0.5, 0.2], [0.4, 0.3]], thresholds=[0.5, 0.3]).tolist()
    [[True, False], [False, True]]
    """
    scores, limits = np.asarray(y_score, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    if limits.shape not in ((), scores.shape[1:]):
        raise UsageError(
            f"{limits.size} thresholds for {scores.shape[-1]} classes", "give one, or one for each class"
        )
    y_pred: BoolArray = np.greater_equal(scores, limits)
    return y_pred


def decision_scores(y_true: ArrayLike, y_pred: ArrayLike, known: ArrayLike | None = None) -> DecisionScores:
    """Score decisions, however they were made.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_pred : array of bool, shape (n, k)
        The decisions.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    DecisionScores
        Precision, recall, F1, accuracy and counts.

    Raises
    ------
    UsageError
        If the shapes differ.

    Examples
    --------
    >>> made = decision_scores([[1, 0], [1, 1]], [[1, 1], [0, 1]])
    >>> made.precision.tolist(), made.recall.tolist()
    ([1.0, 0.5], [0.5, 1.0])
    >>> made.accuracy
    0.5
    """
    y_true, y_pred, known = check_decisions(y_true, y_pred, known)
    total = known.sum(axis=0)
    tp, predicted, support = (y_true & y_pred).sum(axis=0), y_pred.sum(axis=0), y_true.sum(axis=0)
    right = total - predicted - support + 2 * tp
    has_known = total > 0
    by_class = precision_recall_f1_of_counts(tp, predicted, support)
    precision, recall, f1 = (np.where(has_known, values, np.nan) for values in by_class)
    macro = Ratios(defined_mean(precision), defined_mean(recall), defined_mean(f1))
    overall = precision_recall_f1_of_counts(tp.sum(), predicted.sum(), support.sum())
    micro = Ratios(*(float(value) for value in overall))
    means = macro.precision + macro.recall
    return DecisionScores(
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        micro=micro,
        macro=macro,
        macro_f1_of_means=2 * macro.precision * macro.recall / means if means else means,
        class_accuracy=ratio_or_nan(right, total),
        tp=tp,
        fp=predicted - tp,
        fn=support - tp,
        tn=right - tp,
        accuracy=float(ratio_or_nan(right.sum(), total.sum())),
    )


def precision_recall_f1(
    y_true: ArrayLike,
    y_score: ArrayLike,
    known: ArrayLike | None = None,
    *,
    threshold: float | ArrayLike = 0.5,
) -> DecisionScores:
    """Score the decisions that a threshold makes of scores: `decision_scores` after `decide`.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.
    threshold : float or array of float, shape (k,)
        See `decide`.

    Returns
    -------
    DecisionScores
        Precision, recall, F1, accuracy and counts.

    Raises
    ------
    UsageError
        If the shapes differ, a score is not finite, or there are not as many thresholds as classes.

    Examples
    --------
    >>> made = precision_recall_f1([[1, 0], [1, 1]], [[0.9, 0.6], [0.2, 0.7]], threshold=[0.2, 0.7])
    >>> made.f1.tolist()
    [1.0, 1.0]
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    return decision_scores(y_true, decide(y_score, threshold), known)
