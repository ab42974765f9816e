"""Metrics of scores as they are, without a threshold: LRAP, average precision, ROC AUC, top-1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import BoolArray, Float64Array
from .matrices import checked, defined_mean


def lrap(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> float:
    """Return the label ranking average precision, 0 to 1: the mean of `lrap_items`.

    Returns
    -------
    float
        NaN if nothing is known.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    return defined_mean(lrap_items(Y, S, known))


def lrap_items(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Return the label ranking average precision of each item.

    For each present class of an item: among the classes ranked at least as high, the part that is
    present; averaged over the present classes. Equal scores share the lowest rank.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1; NaN for an item of which nothing is known. One with no class present scores 1, as in
        scikit-learn: it has no ranking to get wrong. The same holds for one with all its known classes
        present.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = checked(Y, S, known)
    precision = _mean_precision(Y, S, known)
    return np.where(known.any(axis=1), np.where(np.isnan(precision), 1.0, precision), np.nan)


def average_precision(
    Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None
) -> tuple[Float64Array, float]:
    """Return the average precision of each class, and its mean (mAP).

    The area below the precision-recall steps, without interpolation.

    Returns
    -------
    per_class : ndarray of float64, shape (k,)
        0 to 1; NaN for a class that no item is known to have.
    mean : float
        Over the classes that have a value; NaN if none has.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = checked(Y, S, known)
    per_class = _mean_precision(Y.T, S.T, known.T)
    return per_class, defined_mean(per_class)


def roc_auc(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> tuple[Float64Array, float]:
    """Return the area under each class's ROC curve, and its mean.

    The probability that an item with the class scores higher than one without (equal scores: half), from
    the sum of midranks (Mann-Whitney U).

    Returns
    -------
    per_class : ndarray of float64, shape (k,)
        0 to 1; NaN for a class without both a known positive and a known negative.
    mean : float
        Over the classes that have a value; NaN if none has.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = checked(Y, S, known)
    order, first, last = _ranked(S.T, known.T)
    midrank = (first + last) / 2 + 1  # from the highest score down
    positives = Y.sum(axis=0)
    negatives = known.sum(axis=0) - positives
    rank_sum = np.where(np.take_along_axis(Y.T, order, axis=1), midrank, 0).sum(axis=1)
    below = rank_sum - positives * (positives + 1) / 2  # pairs in which the negative scores higher
    per_class = np.full(Y.shape[1], np.nan)
    pairs = positives * negatives
    np.divide(pairs - below, pairs, out=per_class, where=pairs > 0)
    return per_class, defined_mean(per_class)


def top1(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> float:
    """Return how often the highest score is that of the one present class: the mean of `top1_items`.

    Returns
    -------
    float
        0 to 1; NaN if there is no item with exactly one known positive and at least one known negative.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    return defined_mean(top1_items(Y, S, known))


def top1_items(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Return, for each item, whether the highest score is that of the one present class.

    Only items with exactly one known positive and at least one known negative count. Of t classes that
    share the highest score each gets 1/t, so that the order of the classes does not matter.

    Returns
    -------
    ndarray of float64, shape (n,)
        1, 1/t or 0; NaN for the other items.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = checked(Y, S, known)
    rows, shares = best_of_single(Y, S, known)
    values = np.full(len(Y), np.nan)
    values[rows] = np.where(Y[rows], shares, 0.0).sum(axis=1)
    return values


def best_of_single(Y: BoolArray, S: Float64Array, known: BoolArray) -> tuple[NDArray[np.intp], Float64Array]:
    """Return the items with one known positive and a known negative, and who has the highest score there.

    Returns
    -------
    rows : ndarray of int, shape (m,)
        The items.
    shares : ndarray of float64, shape (m, k)
        1/t for the t classes with the highest score of the item, otherwise 0.
    """
    rows = np.flatnonzero((Y.sum(axis=1) == 1) & (known.sum(axis=1) > 1))
    scores = np.where(known[rows], S[rows], -np.inf)
    best = scores == scores.max(axis=1, keepdims=True, initial=-np.inf)
    return rows, best / best.sum(axis=1, keepdims=True)


def _ranked(S: Float64Array, known: BoolArray) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Rank each row from its highest score down, the unknown entries last.

    Returns
    -------
    order : ndarray of int, shape (m, n)
        Indices that sort the row.
    first, last : ndarray of int, shape (m, n)
        For each place of the sorted row, the first and last place with the same score.
    """
    keys = np.where(known, -S, np.inf)
    order = np.argsort(keys, axis=1, kind="stable")
    keys = np.take_along_axis(keys, order, axis=1)
    places = np.arange(keys.shape[1])
    starts = np.ones(keys.shape, dtype=np.bool_)
    starts[:, 1:] = keys[:, 1:] != keys[:, :-1]
    ends = np.ones_like(starts)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, places, 0), axis=1)
    reverse = np.where(ends, places, keys.shape[1])[:, ::-1]
    last = np.minimum.accumulate(reverse, axis=1)[:, ::-1]
    return order, first, last


def _mean_precision(Y: BoolArray, S: Float64Array, known: BoolArray) -> Float64Array:
    """Return, for each row, the mean over its positives of the precision at their rank; NaN without any."""
    order, _, last = _ranked(S, known)
    positive = np.take_along_axis(Y, order, axis=1)
    hits = np.take_along_axis(np.cumsum(positive, axis=1), last, axis=1)
    total = np.where(positive, hits / (last + 1), 0.0).sum(axis=1)
    support = positive.sum(axis=1)
    means = np.full(len(Y), np.nan)
    np.divide(total, support, out=means, where=support > 0)
    return means
