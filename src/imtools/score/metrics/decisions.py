"""Metrics of decisions: precision, recall, F1 and accuracy of each class, and over all classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import BoolArray, Float64Array, IntArray
from ...errors import UsageError
from .matrices import (
    Ratios,
    checked,
    checked_decisions,
    defined_mean,
    part,
    ratios,
)


@dataclass(frozen=True, slots=True)
class Decisions:
    """How good decisions are.

    Attributes
    ----------
    precision, recall, f1 : ndarray of float64, shape (k,)
        Of each class; NaN where nothing is known of it.
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
        The part of the decisions on each class that is right; NaN where nothing is known of it.
    tp, fp, fn, tn : ndarray of int64, shape (k,)
        Of each class: right yeses, wrong yeses, wrong noes, right noes.
    accuracy : float
        The part of all decisions, one for each class and item, that is right (lumen2023, 3.5); NaN if
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


def decide(S: ArrayLike, threshold: float | ArrayLike = 0.5) -> BoolArray:
    """Call a class present where its score reaches the threshold.

    Parameters
    ----------
    S : array of shape (n, k)
        Scores.
    threshold : float or array of shape (k,)
        One for all classes, or one for each. A score equal to it is a yes.

    Returns
    -------
    ndarray of bool, shape (n, k)

    Raises
    ------
    UsageError
        If there are not as many thresholds as classes.
    """
    scores, limits = np.asarray(S, dtype=np.float64), np.asarray(threshold, dtype=np.float64)
    if limits.shape not in ((), scores.shape[1:]):
        raise UsageError(
            f"{limits.size} thresholds for {scores.shape[-1]} classes", "give one, or one for each class"
        )
    said: BoolArray = np.greater_equal(scores, limits)
    return said


def decision_scores(Y: ArrayLike, said: ArrayLike, known: ArrayLike | None = None) -> Decisions:
    """Return how good decisions are, wherever they come from.

    Parameters
    ----------
    said : array of bool, shape (n, k)
        Which classes were called present.

    Raises
    ------
    UsageError
        If the shapes differ.
    """
    Y, said, known = checked_decisions(Y, said, known)
    total = known.sum(axis=0)
    hits, said_count, support = (Y & said).sum(axis=0), said.sum(axis=0), Y.sum(axis=0)
    right = total - said_count - support + 2 * hits
    heard = total > 0
    precision, recall, f1 = (np.where(heard, x, np.nan) for x in ratios(hits, said_count, support))
    macro = Ratios(defined_mean(precision), defined_mean(recall), defined_mean(f1))
    micro = Ratios(*(float(x) for x in ratios(hits.sum(), said_count.sum(), support.sum())))
    means = macro.precision + macro.recall
    return Decisions(
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        micro=micro,
        macro=macro,
        macro_f1_of_means=2 * macro.precision * macro.recall / means if means else means,
        class_accuracy=part(right, total),
        tp=hits,
        fp=said_count - hits,
        fn=support - hits,
        tn=right - hits,
        accuracy=float(part(right.sum(), total.sum())),
    )


def precision_recall_f1(
    Y: ArrayLike, S: ArrayLike, threshold: float | ArrayLike = 0.5, known: ArrayLike | None = None
) -> Decisions:
    """Return how good it is to call a class present where its score reaches a threshold; see `decide`.

    Raises
    ------
    UsageError
        If the shapes differ, a score is not finite, or there are not as many thresholds as classes.
    """
    Y, S, known = checked(Y, S, known)
    return decision_scores(Y, decide(S, threshold), known)
