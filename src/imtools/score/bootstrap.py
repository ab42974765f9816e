"""How much the metrics would vary with other recordings: the bootstrap over groups."""

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
from .metrics.matrices import (
    check_decisions,
    check_scores,
    precision_recall_f1_of_counts,
    ratio_or_nan,
)
from .metrics.ranking import lrap_items, top1_items
from .metrics.weighted import Ranking

_WEIGHTS_PER_CHUNK = 2**19
"""Weights in the memory of a thread at a time: replicates of one round times groups."""

_MAX_THREADS = 8
_ITEM_METRICS = ("lrap", "top1", "iou", "emr")
_MACRO = {"precision_macro": "class_precision", "recall_macro": "class_recall", "f1_macro": "class_f1"}
_MEANS_OVER_CLASSES = {**_MACRO, "auc": "class_auc", "mean_ap": "class_ap"}


def bootstrap(
    y_true: ArrayLike,
    y_score: ArrayLike,
    y_pred: ArrayLike,
    known: ArrayLike | None,
    groups: ArrayLike,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Float64Array]:
    """Return the metrics of resampled recordings.

    Each replicate draws as many groups as there are, with replacement, and repeats all items of a group as
    often as it is drawn: items of one recording are not independent observations. Every number is the metric
    of the repeated rows. The draws depend only on the groups and the seed, so the results for two models on
    the same items are paired, and their difference may be taken replicate by replicate.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    y_pred : array of bool, shape (n, k)
        The decisions.
    known : array of bool, shape (n, k), or None
        Which labels are known; all if ``None``.
    groups : array of shape (n,)
        The original recording of each item.
    replicates : int
        The number of resamples.
    seed : int
        Seed of the draws, from 0.

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
    y_true, y_score, known = check_scores(y_true, y_score, known)
    y_pred = check_decisions(y_true, y_pred, known)[1]
    names = np.asarray(groups)
    if names.shape != (len(y_true),):
        raise UsageError(f"{names.size} groups for {len(y_true)} items", "give the group of each item")
    unique, group = np.unique(names, return_inverse=True)
    if len(unique) < 2:
        hint = "there are no intervals from one recording: name the recordings in `groups`"
        raise UsageError(f"{len(unique)} groups to draw from", hint)
    if replicates < 1:
        raise UsageError(f"{replicates} replicates", "draw at least 1; 1000 are usual")
    return _Resampler.from_matrices(y_true, y_score, y_pred, known, group, len(unique)).run(replicates, seed)


def interval(samples: ArrayLike, confidence: float = 0.95) -> tuple[Float64Array, Float64Array]:
    """Return the percentile interval: the limits of the middle part of the replicates.

    There is no correction for bias: the average precision of a class with few positives is higher in
    resamples, where positives are repeated, so that its interval lies high and may not contain the value.

    Parameters
    ----------
    samples : array of shape (replicates, ...)
        What `bootstrap` returns for a metric, or the difference of two of these; NaN is ignored.
    confidence : float
        The fraction of the replicates within the interval, above 0 and below 1.

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
        Of each group: for each class the true positives, predicted positives, positives and known labels;
        for each metric of items the sum and the number of items that have a value.
    rankings : list of Ranking
        One for each class.
    """

    sums: Float64Array
    rankings: list[Ranking]

    @classmethod
    def from_matrices(
        cls,
        y_true: BoolArray,
        y_score: Float64Array,
        y_pred: BoolArray,
        known: BoolArray,
        group: IntArray,
        size: int,
    ) -> _Resampler:
        """Reduce the matrices; ``group`` numbers the ``size`` groups from 0."""
        counted = [column for matrix in (y_true & y_pred, y_pred, y_true, known) for column in matrix.T]
        item_values = [
            lrap_items(y_true, y_score, known),
            top1_items(y_true, y_score, known),
            intersection_over_union(y_true, y_pred, known),
            exact_match(y_true, y_pred, known),
        ]
        summed = [column for values in item_values for column in (np.nan_to_num(values), ~np.isnan(values))]
        columns = [*counted, *summed]
        sums = [np.bincount(group, weights=column, minlength=size) for column in columns]
        columns_of_classes = zip(y_true.T, y_score.T, known.T, strict=True)
        rankings = [Ranking.from_scores(*class_columns, group) for class_columns in columns_of_classes]
        return cls(np.array(sums, dtype=np.float64), rankings)

    def run(self, replicates: int, seed: int) -> dict[str, Float64Array]:
        """Return all metrics of all replicates, computed in rounds by several threads."""
        classes = len(self.rankings)
        parts, size = self.sums.shape
        totals = np.empty((replicates, parts))
        auc, ap = np.empty((replicates, classes)), np.empty((replicates, classes))

        def fill(part: range) -> None:
            weights = np.stack([_drawn(size, seed, replicate) for replicate in part])
            rows = slice(part.start, part.stop)
            # Not a matrix product: BLAS has its own threads, which spin while processors are busy, and the
            # order of its additions depends on them.
            totals[rows] = np.einsum("rg,mg->rm", weights.astype(np.float64), self.sums)
            for k, ranking in enumerate(self.rankings):
                auc[rows, k], ap[rows, k] = ranking.scores(weights)

        rounds = list(_rounds(replicates, max(1, min(64, _WEIGHTS_PER_CHUNK // size))))
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS)) as pool:
            list(pool.map(fill, rounds))
        return _metrics_of_sums(totals, classes) | _with_means({"class_auc": auc, "class_ap": ap})


def _rounds(count: int, size: int) -> Iterator[range]:
    for start in range(0, count, size):
        yield range(start, min(start + size, count))


def _drawn(size: int, seed: int, replicate: int) -> NDArray[np.int64]:
    """Return how often each group is drawn, shape (size,)."""
    drawn = np.random.default_rng((seed, replicate)).integers(size, size=size)
    return np.bincount(drawn, minlength=size)


def _metrics_of_sums(totals: Float64Array, classes: int) -> dict[str, Float64Array]:
    """Return the metrics that are computed from sums over groups."""
    tp, predicted, support, total = np.split(totals[:, : 4 * classes], 4, axis=1)
    by_class = precision_recall_f1_of_counts(tp, predicted, support)
    of_classes = [np.where(total > 0, values, np.nan) for values in by_class]
    made = dict(zip(("class_precision", "class_recall", "class_f1"), of_classes, strict=True))
    right = total - predicted - support + 2 * tp
    made["class_accuracy"] = ratio_or_nan(right, total)
    made = _with_means(made)
    p, r = made["precision_macro"], made["recall_macro"]
    made["macro_f1_of_means"] = np.where(p + r == 0, 0.0, ratio_or_nan(2 * p * r, p + r))
    micro = precision_recall_f1_of_counts(tp.sum(axis=1), predicted.sum(axis=1), support.sum(axis=1))
    made |= zip(("precision_micro", "recall_micro", "f1_micro"), micro, strict=True)
    made["accuracy"] = ratio_or_nan(right.sum(axis=1), total.sum(axis=1))
    for place, name in enumerate(_ITEM_METRICS):
        summed, count = totals[:, 4 * classes + 2 * place : 4 * classes + 2 * place + 2].T
        made[name] = ratio_or_nan(summed, count)
    return made


def _with_means(made: dict[str, Float64Array]) -> dict[str, Float64Array]:
    """Add the means over the classes that are defined."""
    means = {}
    for name, source in _MEANS_OVER_CLASSES.items():
        if source in made:
            values = made[source]
            means[name] = ratio_or_nan(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1))
    return made | means
