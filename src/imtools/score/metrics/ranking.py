"""Metrics of scores as they are, without a threshold: LRAP, average precision, ROC AUC, top-1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import BoolArray, Float64Array
from .matrices import check_scores, defined_mean


def lrap(y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None) -> float:
    """Return the label ranking average precision, 0 to 1: the mean of `lrap_items`.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    float
        NaN if nothing is known.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.

    Examples
    --------
    >>> lrap([[1, 0, 1], [0, 1, 0]], [[0.9, 0.8, 0.1], [0.2, 0.7, 0.3]])
    0.9166666666666666
    """
    return defined_mean(lrap_items(y_true, y_score, known))


def lrap_items(y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Return the label ranking average precision of each item.

    For each present class of an item: among the classes ranked at least as high, the fraction that
    is present; averaged over the present classes. Equal scores share the lowest rank.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1; NaN for an item without known labels. An item without a present class scores 1, as in
        scikit-learn: there is no ranking to get wrong. So does one whose known classes are all present.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.

    Examples
    --------
    >>> lrap_items([[1, 0, 0], [0, 1, 0]], [[0.9, 0.8, 0.1], [0.7, 0.6, 0.3]]).tolist()
    [1.0, 0.5]
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    precision = _mean_precision(y_true, y_score, known)
    return np.where(known.any(axis=1), np.where(np.isnan(precision), 1.0, precision), np.nan)


def average_precision(
    y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None
) -> tuple[Float64Array, float]:
    """Return the average precision of each class, and its mean (mAP).

    The area under the stepwise precision-recall curve, without interpolation.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

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

    Examples
    --------
    >>> per_class, mean = average_precision([[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.6, 0.2], [0.4, 0.3]])
    >>> per_class.round(4).tolist(), round(mean, 4)
    ([0.8333, nan], 0.8333)
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    per_class = _mean_precision(y_true.T, y_score.T, known.T)
    return per_class, defined_mean(per_class)


def roc_auc(
    y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None
) -> tuple[Float64Array, float]:
    """Return the area under each class's ROC curve, and its mean.

    The probability that an item with the class scores higher than one without (equal scores: half), from
    the sum of midranks (Mann-Whitney U).

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

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

    Examples
    --------
    >>> per_class, mean = roc_auc([[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.6, 0.2], [0.4, 0.3]])
    >>> per_class.tolist(), mean
    ([0.5, nan], 0.5)
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    order, first, last = _ranked(y_score.T, known.T)
    midrank = (first + last) / 2 + 1  # from the highest score down
    positives = y_true.sum(axis=0)
    negatives = known.sum(axis=0) - positives
    rank_sum = np.where(np.take_along_axis(y_true.T, order, axis=1), midrank, 0).sum(axis=1)
    below = rank_sum - positives * (positives + 1) / 2  # pairs in which the negative scores higher
    per_class = np.full(y_true.shape[1], np.nan)
    pairs = positives * negatives
    np.divide(pairs - below, pairs, out=per_class, where=pairs > 0)
    return per_class, defined_mean(per_class)


def top1(y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None) -> float:
    """Return how often the highest score is that of the only present class: the mean of `top1_items`.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    float
        0 to 1; NaN if there is no item with exactly one known positive and at least one known negative.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.

    Examples
    --------
    >>> top1([[1, 0, 0], [0, 0, 1], [1, 1, 0]], [[0.9, 0.8, 0.1], [0.7, 0.6, 0.3], [0.1, 0.2, 0.3]])
    0.5
    """
    return defined_mean(top1_items(y_true, y_score, known))


def top1_items(y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Return, for each item, whether the highest score is that of its only present class.

    Only items with exactly one known positive and at least one known negative count. Each of t classes
    that share the highest score gets 1/t, so that the order of the classes does not matter.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    ndarray of float64, shape (n,)
        1, 1/t or 0; NaN for the other items.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.

    Examples
    --------
    >>> y_score = [[0.9, 0.9, 0.1], [0.7, 0.6, 0.3], [0.1, 0.2, 0.3]]
    >>> top1_items([[1, 0, 0], [0, 0, 1], [1, 1, 0]], y_score).tolist()
    [0.5, 0.0, nan]
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    rows, shares = highest_of_single_label(y_true, y_score, known)
    values = np.full(len(y_true), np.nan)
    values[rows] = np.where(y_true[rows], shares, 0.0).sum(axis=1)
    return values


def highest_of_single_label(
    y_true: BoolArray, y_score: Float64Array, known: BoolArray
) -> tuple[NDArray[np.intp], Float64Array]:
    """Return the items with one known positive and a known negative, and their highest-scoring classes.

    Parameters
    ----------
    y_true : ndarray of bool, shape (n, k)
        The labels, false where they are unknown.
    y_score : ndarray of float64, shape (n, k)
        The scores.
    known : ndarray of bool, shape (n, k)
        Which labels are known.

    Returns
    -------
    rows : ndarray of int, shape (m,)
        The items.
    shares : ndarray of float64, shape (m, k)
        1/t for the t classes with the highest score of the item, otherwise 0.
    """
    rows = np.flatnonzero((y_true.sum(axis=1) == 1) & (known.sum(axis=1) > 1))
    scores = np.where(known[rows], y_score[rows], -np.inf)
    best = scores == scores.max(axis=1, keepdims=True, initial=-np.inf)
    return rows, best / best.sum(axis=1, keepdims=True)


def _ranked(
    y_score: Float64Array, known: BoolArray
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Rank each row from its highest score down, the unknown entries last.

    Returns
    -------
    order : ndarray of int, shape (m, n)
        Indices that sort the row.
    first, last : ndarray of int, shape (m, n)
        For each position of the sorted row, the first and last position with the same score.
    """
    keys = np.where(known, -y_score, np.inf)
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


def _mean_precision(y_true: BoolArray, y_score: Float64Array, known: BoolArray) -> Float64Array:
    """Return, for each row, the mean over its positives of the precision at their rank; NaN without any."""
    order, _, last = _ranked(y_score, known)
    positive = np.take_along_axis(y_true, order, axis=1)
    hits = np.take_along_axis(np.cumsum(positive, axis=1), last, axis=1)
    total = np.where(positive, hits / (last + 1), 0.0).sum(axis=1)
    support = positive.sum(axis=1)
    means = np.full(len(y_true), np.nan)
    np.divide(total, support, out=means, where=support > 0)
    return means
