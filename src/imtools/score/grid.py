"""What every threshold of a grid gives: counts and ratios at each, and the best of them (the oracle)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import BoolArray, Float64Array, IntArray
from ..errors import UsageError
from .metrics.matrices import checked, defined_mean, divide, ratios

GRID: Float64Array = np.arange(101) / 100
"""Thresholds 0, 0.01 .. 1 (lumen2023, 3.4), each the double next to its decimal number."""
GRID.flags.writeable = False


@dataclass(frozen=True, slots=True)
class GridCounts:
    """The counts of decisions at each of g thresholds, of k classes; only known entries count.

    Attributes
    ----------
    grid : ndarray of float64, shape (g,)
        The thresholds, ascending.
    tp : ndarray of int64, shape (g, k)
        Yeses that are right.
    said : ndarray of int64, shape (g, k)
        All yeses.
    support, negatives : ndarray of int64, shape (k,)
        Items known to have the class, and known not to have it.
    """

    grid: Float64Array
    tp: IntArray
    said: IntArray
    support: IntArray
    negatives: IntArray

    @property
    def heard(self) -> BoolArray:
        """Of which classes anything is known, shape (k,)."""
        return (self.support + self.negatives) > 0

    def precision(self) -> Float64Array:
        """Return the precision of each class at each threshold, shape (g, k); NaN as in `f1`."""
        return self._defined(ratios(self.tp, self.said, self.support)[0])

    def recall(self) -> Float64Array:
        """Return the recall of each class at each threshold, shape (g, k); NaN as in `f1`."""
        return self._defined(ratios(self.tp, self.said, self.support)[1])

    def f1(self) -> Float64Array:
        """Return the F1 of each class at each threshold, shape (g, k); NaN where nothing is known of it."""
        return self._defined(ratios(self.tp, self.said, self.support)[2])

    def accuracy(self) -> Float64Array:
        """Return the part of right decisions of each class, shape (g, k); NaN as in `f1`."""
        wrong = (self.said - self.tp) + (self.support - self.tp)
        total = (self.support + self.negatives).astype(np.float64)
        return self._defined(divide(total - wrong, np.broadcast_to(total, wrong.shape)))

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
        return ratios(self.tp.sum(axis=1), self.said.sum(axis=1), support)

    def _defined(self, values: Float64Array) -> Float64Array:
        return np.where(self.heard, values, np.nan)


def count_on_grid(
    Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None, grid: ArrayLike = GRID
) -> GridCounts:
    """Count the decisions at each threshold of a grid, in one pass over the scores.

    Parameters
    ----------
    grid : array of shape (g,)
        The thresholds, ascending. A score equal to one is a yes, by the same comparison as in `decide`.

    Raises
    ------
    UsageError
        If the shapes differ, a score is not finite, or the grid is empty or does not ascend.
    """
    Y, S, known = checked(Y, S, known)
    limits = np.asarray(grid, dtype=np.float64)
    if limits.ndim != 1 or not limits.size or not (np.diff(limits) > 0).all():
        raise UsageError("the thresholds do not ascend", "give a grid such as 0, 0.01 .. 1")
    shape = (len(limits), Y.shape[1])
    tp, said = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for column in range(Y.shape[1]):
        # The number of thresholds at which a score is a yes: those before its place.
        reached = np.searchsorted(limits, S[:, column], side="right")
        tp[:, column] = _at_least(reached[Y[:, column]], len(limits))
        said[:, column] = _at_least(reached[known[:, column]], len(limits))
    support = Y.sum(axis=0)
    return GridCounts(limits, tp, said, support, known.sum(axis=0) - support)


def _at_least(reached: IntArray, size: int) -> IntArray:
    """Return for each threshold how many scores reach it."""
    counts = np.bincount(reached, minlength=size + 1)
    return np.cumsum(counts[::-1])[::-1][1:]


def plateau_middle(values: ArrayLike) -> int:
    """Return the place in the middle of the longest run of best values.

    Between two scores of the data a threshold may move without changing a decision; the middle is the
    place from which new scores may stray most. Of runs of one length the first counts, of two middles the
    lower. NaN is never the best; if all values are NaN the middle of them all is taken.

    Parameters
    ----------
    values : array of shape (g,)
        What the thresholds give; larger is better. Not empty.
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
    """The best F1 that thresholds reach when they are chosen on the very items that are scored.

    No estimate for other items: the common threshold's micro F1 and the classes' F1s are bounds that
    thresholds chosen elsewhere cannot pass here.

    Attributes
    ----------
    common_threshold : float
        The one threshold for all classes with the best micro F1.
    common_micro_f1 : float
        The micro F1 there.
    thresholds : ndarray of float64, shape (k,)
        For each class that with its best F1.
    f1 : ndarray of float64, shape (k,)
        The F1 of each class there; NaN where nothing is known of it.
    macro_f1 : float
        Their mean; NaN if nothing is known.
    micro_f1 : float
        The micro F1 at the thresholds of the classes. The best over all choices of k thresholds may be
        higher: a class's own best F1 need not be what the micro F1 wants of it.
    """

    common_threshold: float
    common_micro_f1: float
    thresholds: Float64Array
    f1: Float64Array
    macro_f1: float
    micro_f1: float


def oracle(counts: GridCounts) -> Oracle:
    """Return the best thresholds of a grid and what they give.

    Where several thresholds are best, the one that `plateau_middle` names.
    """
    micro, f1 = counts.micro_f1(), counts.f1()
    common = plateau_middle(micro)
    places = np.array([plateau_middle(column) for column in f1.T], dtype=np.int64)
    columns = np.arange(len(places))
    own = f1[places, columns]
    tp, said = counts.tp[places, columns].sum(), counts.said[places, columns].sum()
    return Oracle(
        common_threshold=float(counts.grid[common]),
        common_micro_f1=float(micro[common]),
        thresholds=counts.grid[places],
        f1=own,
        macro_f1=defined_mean(own),
        micro_f1=float(ratios(tp, said, counts.support.sum())[2]),
    )
