"""Threshold-free metrics of one class whose items count several times, as in resamples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arrays import BoolArray, Float64Array
from .matrices import part

_Weights = NDArray[np.int64]
_Places = NDArray[np.intp]

_HELD = 2**16
"""Weights of items held at a time: they are walked through twice and should stay in the cache."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The known items of one class, ranked once, for any number of weightings.

    Only blocks of equal scores that hold a positive are looked at: no other changes the ROC's area or the
    precision at a positive.

    Attributes
    ----------
    groups, positives : ndarray of int
        The groups of the items, from the highest score down; those of the items with the class.
    starts, ends : ndarray of int, shape (b,)
        How many items lie before each block, and before its end.
    counts : ndarray of int, shape (b,)
        How many positives lie before the end of each block.
    mixed : bool
        Whether a block also holds items without the class.
    """

    groups: _Places
    positives: _Places
    starts: _Places
    ends: _Places
    counts: _Places
    mixed: bool

    @classmethod
    def of(cls, y: BoolArray, s: Float64Array, known: BoolArray, group: _Weights) -> Ranking:
        """Rank the items of a class.

        Parameters
        ----------
        y, s, known : ndarray, shape (n,)
            Whether an item has the class, its score, and whether the former is known.
        group : ndarray of int, shape (n,)
            The group of each item, whose weight it will have.
        """
        rows = np.flatnonzero(known)
        rows = rows[np.argsort(-s[rows], kind="stable")]
        scores, present = s[rows], y[rows]
        edges = np.concatenate(([0], np.flatnonzero(scores[1:] != scores[:-1]) + 1, [len(rows)]))
        before = np.concatenate(([0], np.cumsum(present)))[edges]
        held = np.flatnonzero(before[1:] > before[:-1])
        starts, ends, counts = edges[held], edges[held + 1], before[held + 1]
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
            As `roc_auc` and `average_precision` give them for items that are so often repeated; NaN without
            a positive, and for the area without a negative.
        """
        auc, ap = np.empty(len(weights)), np.empty(len(weights))
        step = min(len(weights), max(1, _HELD // max(1, len(self.groups))))
        # Held from step to step: to get such pieces of memory anew takes longer than to fill them.
        above, right = _Running.of(step, self.groups), _Running.of(step, self.positives)
        for start in range(0, len(weights), step):
            some = slice(start, start + step)
            auc[some], ap[some] = self._scores(above.sums(weights[some]), right.sums(weights[some]))
        return auc, ap

    def _scores(self, above: _Weights, right: _Weights) -> tuple[Float64Array, Float64Array]:
        """Return both from the running sums over all items and over the positives."""
        positives = right[:, -1]
        negatives = above[:, -1] - positives
        hits, seen = (np.take(x, at, axis=1) for x, at in ((right, self.counts), (above, self.ends)))
        here = hits.copy()
        here[:, 1:] -= hits[:, :-1]
        wrong = seen - hits
        # Twice the pairs whose negative is higher: a negative in the block of the positive is half so.
        before = np.take(above, self.starts, axis=1) - (hits - here) if self.mixed else wrong
        inverted = np.einsum("rb,rb->r", here, wrong + before)
        pairs = 2 * positives * negatives
        precision = hits / np.maximum(seen, 1)
        return part(pairs - inverted, pairs), part(np.einsum("rb,rb->r", here, precision), positives)


@dataclass(frozen=True, slots=True)
class _Running:
    """Running sums of the weights of some items, in memory that is used again and again."""

    groups: _Places
    taken: _Weights
    summed: _Weights

    @classmethod
    def of(cls, rows: int, groups: _Places) -> _Running:
        """Make room for as many weightings."""
        shape = (rows, len(groups))
        return cls(groups, np.empty(shape, np.int64), np.zeros((rows, len(groups) + 1), np.int64))

    def sums(self, weights: _Weights) -> _Weights:
        """Return the running sums, beginning with 0, shape (r, items + 1): valid until the next call."""
        rows = len(weights)
        # Without mode="clip" numpy takes into a copy, to leave ``out`` alone should an index be wrong.
        np.take(weights, self.groups, axis=1, out=self.taken[:rows], mode="clip")
        np.cumsum(self.taken[:rows], axis=1, out=self.summed[:rows, 1:])
        return self.summed[:rows]
