"""Counts and ratios at every threshold of a grid, and the best of them (the oracle)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import BoolArray, Float64Array, IntArray
from ..errors import UsageError
from .metrics.matrices import (
    check_scores,
    defined_mean,
    precision_recall_f1_of_counts,
    ratio_or_zero,
)

GRID: Float64Array = np.arange(101) / 100
"""Thresholds 0, 0.01 .. 1 (lumen2023, 3.4), each the double nearest to its decimal number."""
GRID.flags.writeable = False


@dataclass(frozen=True, slots=True)
class GridCounts:
    """The counts of decisions at each of g thresholds, of k classes; only known entries count.

    Attributes
    ----------
    grid : ndarray of float64, shape (g,)
        The thresholds, ascending.
    tp : ndarray of int64, shape (g, k)
        True positives.
    predicted : ndarray of int64, shape (g, k)
        Items predicted to have the class, rightly or not.
    support, negatives : ndarray of int64, shape (k,)
        Items known to have the class, and items known not to have it.
    """

    grid: Float64Array
    tp: IntArray
    predicted: IntArray
    support: IntArray
    negatives: IntArray

    @property
    def has_known(self) -> BoolArray:
        """Which classes have known labels, shape (k,)."""
        return (self.support + self.negatives) > 0

    def precision(self) -> Float64Array:
        """Return the precision of each class at each threshold, shape (g, k); NaN as in `f1`."""
        return self._defined(precision_recall_f1_of_counts(self.tp, self.predicted, self.support)[0])

    def recall(self) -> Float64Array:
        """Return the recall of each class at each threshold, shape (g, k); NaN as in `f1`."""
        return self._defined(precision_recall_f1_of_counts(self.tp, self.predicted, self.support)[1])

    def f1(self) -> Float64Array:
        """Return the F1 of each class at each threshold, shape (g, k); NaN without known labels."""
        return self._defined(precision_recall_f1_of_counts(self.tp, self.predicted, self.support)[2])

    def accuracy(self) -> Float64Array:
        """Return the fraction of right decisions of each class, shape (g, k); NaN as in `f1`."""
        wrong = (self.predicted - self.tp) + (self.support - self.tp)
        total = (self.support + self.negatives).astype(np.float64)
        return self._defined(ratio_or_zero(total - wrong, np.broadcast_to(total, wrong.shape)))

    def micro_precision(self) -> Float64Array:
        """Return the precision over all classes together, shape (g,)."""
        return self._micro()[0]

    def micro_recall(self) -> Float64Array:
        """Return the recall over all classes together, shape (g,)."""
        return self._micro()[1]

    def micro_f1(self) -> Float64Array:
        """Return the F1 over all classes together with one threshold for all, shape (g,)."""
        return self._micro()[2]

    def _micro(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        support = np.full(len(self.grid), self.support.sum())
        return precision_recall_f1_of_counts(self.tp.sum(axis=1), self.predicted.sum(axis=1), support)

    def _defined(self, values: Float64Array) -> Float64Array:
        return np.where(self.has_known, values, np.nan)


def count_on_grid(
    y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None, grid: ArrayLike = GRID
) -> GridCounts:
    """Count the decisions at each threshold of a grid, in one pass over the scores.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.
    grid : array of float, shape (g,)
        The thresholds, ascending. A score equal to a threshold reaches it, as in `decide`.

    Returns
    -------
    GridCounts
        The counts at each threshold.

    Raises
    ------
    UsageError
        If the shapes differ, a score is not finite, or the grid is empty or does not ascend.

    Examples
    --------
    >>> counts = count_on_grid([[1], [0], [1]], [[0.9], [0.6], [0.4]], grid=[0.3, 0.5, 0.7])
    >>> counts.predicted[:, 0].tolist(), counts.tp[:, 0].tolist()
    ([3, 2, 1], [2, 1, 1])
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    limits = np.asarray(grid, dtype=np.float64)
    if limits.ndim != 1 or not limits.size or not (np.diff(limits) > 0).all():
        raise UsageError("the thresholds do not ascend", "give a grid such as 0, 0.01 .. 1")
    shape = (len(limits), y_true.shape[1])
    tp, predicted = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for column in range(y_true.shape[1]):
        # How many thresholds each score reaches: those before its place.
        reached = np.searchsorted(limits, y_score[:, column], side="right")
        tp[:, column] = _at_least(reached[y_true[:, column]], len(limits))
        predicted[:, column] = _at_least(reached[known[:, column]], len(limits))
    support = y_true.sum(axis=0)
    return GridCounts(limits, tp, predicted, support, known.sum(axis=0) - support)


def _at_least(reached: IntArray, size: int) -> IntArray:
    """Return, for each threshold, how many scores reach it."""
    counts = np.bincount(reached, minlength=size + 1)
    return np.cumsum(counts[::-1])[::-1][1:]


def plateau_middle(values: ArrayLike) -> int:
    """Return the index in the middle of the longest run of best values.

    Between two scores of the data a threshold may move without changing a decision; in the middle it leaves
    the widest margin for new scores. Of several runs of one length the first is taken, of two middles the
    lower. NaN is never the best; if all values are NaN, the middle of all is taken.

    Parameters
    ----------
    values : array of shape (g,)
        The value of each threshold; larger is better. Not empty.
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = np.where(np.isnan(numbers), -np.inf, numbers)
    best = np.concatenate(([False], numbers == numbers.max(), [False]))
    edges = np.flatnonzero(best[1:] != best[:-1])
    first, after = edges[::2], edges[1::2]
    run = int(np.argmax(after - first))
    return int(first[run] + after[run] - 1) // 2


@dataclass(frozen=True, slots=True)
class Oracle:
    """The best F1 that thresholds reach when they are chosen on the same items that are scored.

    This is no estimate for other items: the common threshold's micro F1 and the classes' F1s are upper
    bounds for thresholds chosen elsewhere.

    Attributes
    ----------
    common_threshold : float
        The threshold with the best micro F1, if all classes have the same.
    common_micro_f1 : float
        The micro F1 there.
    thresholds : ndarray of float64, shape (k,)
        For each class the one with its best F1.
    f1 : ndarray of float64, shape (k,)
        The F1 of each class there; NaN without known labels.
    macro_f1 : float
        Their mean; NaN if nothing is known.
    micro_f1 : float
        The micro F1 at the thresholds of the classes. The best over all choices of k thresholds may be
        higher: the threshold with the best F1 of a class need not be the best for the micro F1.
    """

    common_threshold: float
    common_micro_f1: float
    thresholds: Float64Array
    f1: Float64Array
    macro_f1: float
    micro_f1: float


def oracle(counts: GridCounts) -> Oracle:
    """Return the best thresholds of a grid and their F1.

    Where several thresholds are equally good, `plateau_middle` chooses.
    """
    micro, f1 = counts.micro_f1(), counts.f1()
    common = plateau_middle(micro)
    places = np.array([plateau_middle(column) for column in f1.T], dtype=np.int64)
    columns = np.arange(len(places))
    own = f1[places, columns]
    tp, predicted = counts.tp[places, columns].sum(), counts.predicted[places, columns].sum()
    return Oracle(
        common_threshold=float(counts.grid[common]),
        common_micro_f1=float(micro[common]),
        thresholds=counts.grid[places],
        f1=own,
        macro_f1=defined_mean(own),
        micro_f1=float(precision_recall_f1_of_counts(tp, predicted, counts.support.sum())[2]),
    )
