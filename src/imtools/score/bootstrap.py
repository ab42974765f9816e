"""How much the metrics would change with other recordings: the bootstrap over groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import BoolArray, Float64Array, IntArray
from ..errors import UsageError
from .metrics.items import exact_match, intersection_over_union
from .metrics.matrices import checked, checked_decisions, part, ratios
from .metrics.ranking import lrap_items, top1_items
from .metrics.weighted import Ranking

_DRAWN = 2**19
"""Weights held at a time by a thread: replicates of one round times groups."""

_MOST_THREADS = 8
_OF_ITEMS = ("lrap", "top1", "iou", "emr")
_MACRO = {"precision_macro": "class_precision", "recall_macro": "class_recall", "f1_macro": "class_f1"}
_MEANS = {**_MACRO, "auc": "class_auc", "mean_ap": "class_ap"}


def bootstrap(
    Y: ArrayLike,
    S: ArrayLike,
    said: ArrayLike,
    known: ArrayLike | None,
    groups: ArrayLike,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Float64Array]:
    """Return the metrics of resamples of the recordings.

    Each replicate draws as many groups as there are, with replacement, and takes all items of each as often
    as it is drawn: items of one recording are no independent observations. Every number is what the metric
    makes of the rows so repeated. The draws depend on the groups and the seed alone, so the results for two
    models on the same items are pairs, whose difference may be taken replicate by replicate.

    Parameters
    ----------
    Y, known : array of bool, shape (n, k)
        Which classes are present, and of which that is known (``None``: of all).
    S : array of shape (n, k)
        The scores.
    said : array of bool, shape (n, k)
        Which classes were called present.
    groups : array of shape (n,)
        The original recording of each item.
    replicates : int
        How many resamples.
    seed : int
        Of the draws, from 0.

    Returns
    -------
    dict of str to ndarray of float64
        Of shape (replicates,): lrap, auc, mean_ap, top1, precision_micro, recall_micro, f1_micro,
        precision_macro, recall_macro, f1_macro, macro_f1_of_means, accuracy, iou, emr. Of shape
        (replicates, k): class_precision, class_recall, class_f1, class_auc, class_ap, class_accuracy. NaN
        where a resample leaves a metric undefined.

    Raises
    ------
    UsageError
        If the shapes differ, a score is not finite, there are fewer than two groups or no replicate.
    """
    Y, S, known = checked(Y, S, known)
    said = checked_decisions(Y, said, known)[1]
    names = np.asarray(groups)
    if names.shape != (len(Y),):
        raise UsageError(f"{names.size} groups for {len(Y)} items", "give the group of each item")
    unique, group = np.unique(names, return_inverse=True)
    if len(unique) < 2:
        hint = "there are no intervals from one recording: name the recordings in `groups`"
        raise UsageError(f"{len(unique)} groups to draw from", hint)
    if replicates < 1:
        raise UsageError(f"{replicates} replicates", "draw at least 1; 1000 are usual")
    return _Resampler.of(Y, S, said, known, group, len(unique)).run(replicates, seed)


def interval(samples: ArrayLike, confidence: float = 0.95) -> tuple[Float64Array, Float64Array]:
    """Return the percentiles between which the middle part of the replicates lies.

    They do not correct for bias: the average precision of a class with few positives comes out higher in
    resamples, where positives are repeated, so that its interval lies high and need not even hold the value.

    Parameters
    ----------
    samples : array of shape (replicates, ...)
        What `bootstrap` returns for a metric, or the difference of two such; NaN is ignored.
    confidence : float
        The part of the replicates that lies between, above 0 and below 1.

    Returns
    -------
    low, high : ndarray of float64, shape (...)
        NaN where no replicate is defined.

    Raises
    ------
    UsageError
        If the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence:g}", "choose one between 0 and 1, such as 0.95")
    values = np.asarray(samples, dtype=np.float64)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    columns = values.reshape(len(values), -1).T
    found = np.full((2, len(columns)), np.nan)
    for place, column in enumerate(columns):
        defined = column[~np.isnan(column)]
        if defined.size:
            found[:, place] = np.quantile(defined, ends)
    low, high = found.reshape(2, *values.shape[1:])
    return low, high


@dataclass(frozen=True, slots=True)
class _Resampler:
    """What the replicates are made from.

    Attributes
    ----------
    sums : ndarray of float64, shape (4 k + 8, g)
        Of each group: for each class the hits, yeses, positives and known entries; for each metric of items
        the sum and the number of items that have a value.
    rankings : list of Ranking
        One for each class.
    """

    sums: Float64Array
    rankings: list[Ranking]

    @classmethod
    def of(
        cls, Y: BoolArray, S: Float64Array, said: BoolArray, known: BoolArray, group: IntArray, size: int
    ) -> _Resampler:
        """Reduce the matrices; ``group`` numbers the groups from 0."""
        counted = [column for matrix in (Y & said, said, Y, known) for column in matrix.T]
        values = [
            lrap_items(Y, S, known),
            top1_items(Y, S, known),
            intersection_over_union(Y, said, known),
            exact_match(Y, said, known),
        ]
        summed = [column for one in values for column in (np.nan_to_num(one), ~np.isnan(one))]
        columns = [*counted, *summed]
        sums = [np.bincount(group, weights=column, minlength=size) for column in columns]
        rankings = [Ranking.of(y, s, heard, group) for y, s, heard in zip(Y.T, S.T, known.T, strict=True)]
        return cls(np.array(sums, dtype=np.float64), rankings)

    def run(self, replicates: int, seed: int) -> dict[str, Float64Array]:
        """Return all metrics of all replicates, computed some at a time by some threads."""
        classes = len(self.rankings)
        parts, size = self.sums.shape
        totals = np.empty((replicates, parts))
        auc, ap = np.empty((replicates, classes)), np.empty((replicates, classes))

        def fill(some: range) -> None:
            weights = np.stack([_drawn(size, seed, replicate) for replicate in some])
            rows = slice(some.start, some.stop)
            # Not a product of matrices: BLAS brings threads of its own, which spin where processors are busy,
            # and the order in which it adds depends on them.
            totals[rows] = np.einsum("rg,mg->rm", weights.astype(np.float64), self.sums)
            for place, ranking in enumerate(self.rankings):
                auc[rows, place], ap[rows, place] = ranking.scores(weights)

        rounds = list(_rounds(replicates, max(1, min(64, _DRAWN // size))))
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
            list(pool.map(fill, rounds))
        return _named(totals, classes) | _averaged({"class_auc": auc, "class_ap": ap})


def _rounds(count: int, size: int) -> Iterator[range]:
    for start in range(0, count, size):
        yield range(start, min(start + size, count))


def _drawn(size: int, seed: int, replicate: int) -> NDArray[np.int64]:
    """Return how often each group is drawn, shape (size,)."""
    drawn = np.random.default_rng((seed, replicate)).integers(size, size=size)
    return np.bincount(drawn, minlength=size)


def _named(totals: Float64Array, classes: int) -> dict[str, Float64Array]:
    """Return the metrics that are made of sums."""
    hits, said, support, heard = np.split(totals[:, : 4 * classes], 4, axis=1)
    of_classes = [np.where(heard > 0, one, np.nan) for one in ratios(hits, said, support)]
    made = dict(zip(("class_precision", "class_recall", "class_f1"), of_classes, strict=True))
    right = heard - said - support + 2 * hits
    made["class_accuracy"] = part(right, heard)
    made = _averaged(made)
    p, r = made["precision_macro"], made["recall_macro"]
    made["macro_f1_of_means"] = np.where(p + r == 0, 0.0, part(2 * p * r, p + r))
    micro = ratios(hits.sum(axis=1), said.sum(axis=1), support.sum(axis=1))
    made |= zip(("precision_micro", "recall_micro", "f1_micro"), micro, strict=True)
    made["accuracy"] = part(right.sum(axis=1), heard.sum(axis=1))
    for place, name in enumerate(_OF_ITEMS):
        total, count = totals[:, 4 * classes + 2 * place : 4 * classes + 2 * place + 2].T
        made[name] = part(total, count)
    return made


def _averaged(made: dict[str, Float64Array]) -> dict[str, Float64Array]:
    """Add the means over the classes that are defined."""
    means = {}
    for name, source in _MEANS.items():
        if source in made:
            values = made[source]
            means[name] = part(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1))
    return made | means
