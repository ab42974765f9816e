"""How a model does with 0, 1, 2 .. classes present at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float64Array, IntArray
from .decisions import decision_scores
from .items import exact_match, intersection_over_union
from .matrices import checked, checked_decisions, defined_mean, part
from .ranking import lrap_items


@dataclass(frozen=True, slots=True)
class Level:
    """The scores of the items with one number of present classes (chen2024, Fig. 6-14).

    Attributes
    ----------
    polyphony : int
        How many classes are known to be present in each of the items.
    num_items : int
        Items.
    lrap : float
        Label ranking average precision; 1 for items without a present class.
    f1_micro : float
        F1 from the counts of all classes together.
    accuracy : float
        The part of all decisions, one for each class and item, that is right.
    iou, emr : float
        Means of intersection over union (chen2024, eq. 3) and of exact match (eq. 4).
    tpr : ndarray of float64, shape (k,)
        Of the items with the class the part that is called so; NaN where no item has it.
    class_accuracy : ndarray of float64, shape (k,)
        The part of the decisions on each class that is right; NaN where nothing is known of it.
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


def levels(Y: ArrayLike, S: ArrayLike, said: ArrayLike, known: ArrayLike | None = None) -> list[Level]:
    """Return the scores by the number of present classes, for each number that occurs, ascending.

    Only known classes are counted: an item whose labels are incomplete may have more of them than its
    level says. Items of which nothing is known are in no level.

    Parameters
    ----------
    said : array of bool, shape (n, k)
        Which classes were called present.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = checked(Y, S, known)
    said = checked_decisions(Y, said, known)[1]
    polyphony = np.where(known.any(axis=1), Y.sum(axis=1), -1)
    return [
        _level(int(number), *(matrix[polyphony == number] for matrix in (Y, S, said, known)))
        for number in np.unique(polyphony[polyphony >= 0])
    ]


def _level(polyphony: int, Y: ArrayLike, S: ArrayLike, said: ArrayLike, known: ArrayLike) -> Level:
    made = decision_scores(Y, said, known)
    return Level(
        polyphony=polyphony,
        num_items=len(np.asarray(Y)),
        lrap=defined_mean(lrap_items(Y, S, known)),
        f1_micro=made.micro.f1,
        accuracy=made.accuracy,
        iou=defined_mean(intersection_over_union(Y, said, known)),
        emr=defined_mean(exact_match(Y, said, known)),
        tpr=part(made.tp, made.support),
        class_accuracy=made.class_accuracy,
        tp=made.tp,
        fp=made.fp,
        fn=made.fn,
        tn=made.tn,
    )
