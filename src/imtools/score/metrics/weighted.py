"""Threshold-free metrics of one class whose items count several times, as in resamples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arrays import BoolArray, Float64Array
from .matrices import ratio_or_nan

_Weights = NDArray[np.int64]
_Positions = NDArray[np.intp]

_WEIGHTS_PER_CHUNK = 2**16
"""Weights of items in memory at a time: they are read twice and should stay in the cache."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The known items of one class, ranked once, for any number of weightings.

    Only blocks of equal scores with a positive are considered: no other changes the area under the ROC
    curve or the precision at a positive.

    Attributes
    ----------
    groups, positives : ndarray of int
        The groups of the items, from the highest score down; the groups of the items with the class.
    starts, ends : ndarray of int, shape (b,)
        How many items lie before each block, and before its end.
    counts : ndarray of int, shape (b,)
        How many positives lie before the end of each block.
    mixed : bool
        Whether a block also holds items without the class.
    """

    groups: _Positions
    positives: _Positions
    starts: _Positions
    ends: _Positions
    counts: _Positions
    mixed: bool

    @classmethod
    def from_scores(
        cls, y_true: BoolArray, y_score: Float64Array, known: BoolArray, group: _Weights
    ) -> Ranking:
        """Rank the items of a class.

        Parameters
        ----------
        y_true : ndarray of bool, shape (n,)
            Which items have the class.
        y_score : ndarray of float64, shape (n,)
            The scores.
        known : ndarray of bool, shape (n,)
            Which labels are known.
        group : ndarray of int, shape (n,)
            The group of each item: an item counts as often as its group.

        Returns
        -------
        Ranking
            The known items in order.
        """
        rows = np.flatnonzero(known)
        rows = rows[np.argsort(-y_score[rows], kind="stable")]
        scores, present = y_score[rows], y_true[rows]
        edges = np.concatenate(([0], np.flatnonzero(scores[1:] != scores[:-1]) + 1, [len(rows)]))
        before = np.concatenate(([0], np.cumsum(present)))[edges]
        with_positives = np.flatnonzero(before[1:] > before[:-1])
        starts, ends, counts = edges[with_positives], edges[with_positives + 1], before[with_positives + 1]
        mixed = bool((ends - starts > np.diff(counts, prepend=0)).any())
        return cls(group[rows], group[rows[present]], starts, ends, counts, mixed)

    def scores(self, weights: _Weights) -> tuple[Float64Array, Float64Array]:
        """Return the area under the ROC curve and the average precision, for each weighting.

        Parameters
        ----------
        weights : ndarray of int64, shape (r, g)
            How often each group counts.

        Returns
        -------
        auc, ap : ndarray of float64, shape (r,)
            As `roc_auc` and `average_precision` return them for items repeated that often; NaN without a
            positive, and the area also without a negative.
        """
        auc, ap = np.empty(len(weights)), np.empty(len(weights))
        step = min(len(weights), max(1, _WEIGHTS_PER_CHUNK // max(1, len(self.groups))))
        # Kept from step to step: allocating this memory takes longer than filling it.
        above, correct = (
            _RunningSums.with_rows(step, self.groups),
            _RunningSums.with_rows(step, self.positives),
        )
        for start in range(0, len(weights), step):
            some = slice(start, start + step)
            auc[some], ap[some] = self._scores(above.sums(weights[some]), correct.sums(weights[some]))
        return auc, ap

    def _scores(self, above: _Weights, correct: _Weights) -> tuple[Float64Array, Float64Array]:
        """Return both from the running sums over all items and over the positives."""
        positives = correct[:, -1]
        negatives = above[:, -1] - positives
        hits, seen = (np.take(x, at, axis=1) for x, at in ((correct, self.counts), (above, self.ends)))
        here = hits.copy()
        here[:, 1:] -= hits[:, :-1]
        wrong = seen - hits
        # Twice the number of pairs whose negative is higher: one in the block of the positive counts half.
        before = np.take(above, self.starts, axis=1) - (hits - here) if self.mixed else wrong
        inverted = np.einsum("rb,rb->r", here, wrong + before)
        pairs = 2 * positives * negatives
        precision = hits / np.maximum(seen, 1)
        return ratio_or_nan(pairs - inverted, pairs), ratio_or_nan(
            np.einsum("rb,rb->r", here, precision), positives
        )


@dataclass(frozen=True, slots=True)
class _RunningSums:
    """Running sums of the weights of some items, in memory that is reused."""

    groups: _Positions
    taken: _Weights
    summed: _Weights

    @classmethod
    def with_rows(cls, rows: int, groups: _Positions) -> _RunningSums:
        """Allocate memory for a number of weightings."""
        shape = (rows, len(groups))
        return cls(groups, np.empty(shape, np.int64), np.zeros((rows, len(groups) + 1), np.int64))

    def sums(self, weights: _Weights) -> _Weights:
        """Return the running sums, beginning with 0, shape (r, items + 1): valid until the next call."""
        rows = len(weights)
        # Without mode="clip" numpy works on a copy, to leave ``out`` unchanged should an index be wrong.
        np.take(weights, self.groups, axis=1, out=self.taken[:rows], mode="clip")
        np.cumsum(self.taken[:rows], axis=1, out=self.summed[:rows, 1:])
        return self.summed[:rows]
