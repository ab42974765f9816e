"""Scores of items with 0, 1, 2 .. classes present at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import BoolArray, Float64Array, IntArray
from .decisions import decision_scores
from .items import exact_match, intersection_over_union
from .matrices import check_decisions, check_scores, defined_mean, ratio_or_nan
from .ranking import lrap_items


@dataclass(frozen=True, slots=True)
class PolyphonyScores:
    """The scores of the items with one number of present classes (chen2024, Fig. 6-14).

    Attributes
    ----------
    polyphony : int
        How many classes are known to be present in each of the items.
    num_items : int
        How many items these are.
    lrap : float
        Label ranking average precision; 1 for items without a present class.
    f1_micro : float
        F1 from the counts of all classes together.
    accuracy : float
        The fraction of all decisions, one for each class and item, that are right.
    iou, emr : float
        Means of `intersection_over_union` (chen2024, eq. 3) and of `exact_match` (eq. 4).
    tpr : ndarray of float64, shape (k,)
        True positive rate of each class; NaN where no item has it.
    class_accuracy : ndarray of float64, shape (k,)
        The fraction of the decisions on each class that are right; NaN for a class without known labels.
    tp, fp, fn, tn : ndarray of int64, shape (k,)
        The 2 x 2 matrix of each class against all others (chen2024, Fig. 9-14).
    """

    polyphony: int
    num_items: int
    lrap: float
    f1_micro: float
    accuracy: float
    iou: float
    emr: float
    tpr: Float64Array
    class_accuracy: Float64Array
    tp: IntArray
    fp: IntArray
    fn: IntArray
    tn: IntArray


def scores_by_polyphony(
    y_true: ArrayLike, y_score: ArrayLike, y_pred: ArrayLike, known: ArrayLike | None = None
) -> list[PolyphonyScores]:
    """Return the scores by the number of present classes, for each number that occurs, ascending.

    Only known classes are counted: an item with incomplete labels may have more of them than its polyphony
    here. Items without known labels are left out.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    y_pred : array of bool, shape (n, k)
        The decisions.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    list of PolyphonyScores
        One for each number of present classes.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.

    Examples
    --------
    >>> y_true, y_score = [[1, 0], [1, 1], [0, 1]], [[0.9, 0.2], [0.7, 0.4], [0.6, 0.3]]
    >>> y_pred = [[1, 0], [1, 0], [1, 0]]
    >>> solos, duos = scores_by_polyphony(y_true, y_score, y_pred)
    >>> (solos.polyphony, solos.num_items, solos.lrap), (duos.polyphony, duos.num_items, duos.iou)
    ((1, 2, 0.75), (2, 1, 0.5))
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    y_pred = check_decisions(y_true, y_pred, known)[1]
    polyphony = np.where(known.any(axis=1), y_true.sum(axis=1), -1)
    return [
        _scores(int(number), y_true[rows], y_score[rows], y_pred[rows], known[rows])
        for number in np.unique(polyphony[polyphony >= 0])
        for rows in [polyphony == number]
    ]


def _scores(
    polyphony: int, y_true: BoolArray, y_score: Float64Array, y_pred: BoolArray, known: BoolArray
) -> PolyphonyScores:
    decided = decision_scores(y_true, y_pred, known)
    return PolyphonyScores(
        polyphony=polyphony,
        num_items=len(y_true),
        lrap=defined_mean(lrap_items(y_true, y_score, known)),
        f1_micro=decided.micro.f1,
        accuracy=decided.accuracy,
        iou=defined_mean(intersection_over_union(y_true, y_pred, known)),
        emr=defined_mean(exact_match(y_true, y_pred, known)),
        tpr=ratio_or_nan(decided.tp, decided.support),
        class_accuracy=decided.class_accuracy,
        tp=decided.tp,
        fp=decided.fp,
        fn=decided.fn,
        tn=decided.tn,
    )
