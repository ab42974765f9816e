"""Metrics of each item by itself: how much of it is right, and whether all of it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float64Array
from .matrices import check_decisions, ratio_or_nan


def intersection_over_union(
    y_true: ArrayLike, y_pred: ArrayLike, known: ArrayLike | None = None
) -> Float64Array:
    """Return, for each item, how many classes are both present and predicted, over those that are either.

    The Jaccard index of each item. chen2024 calls its mean over the items accuracy (eq. 3).

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_pred : array of bool, shape (n, k)
        The decisions.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1; 1 where no class is present and none is predicted; NaN for an item without known labels.

    Raises
    ------
    UsageError
        If the shapes differ.

    Examples
    --------
    >>> intersection_over_union([[1, 1, 0], [0, 0, 0]], [[1, 0, 0], [0, 0, 0]]).tolist()
    [0.5, 1.0]
    """
    y_true, y_pred, known = check_decisions(y_true, y_pred, known)
    both, either = (y_true & y_pred).sum(axis=1), (y_true | y_pred).sum(axis=1)
    values = np.where(either > 0, ratio_or_nan(both, either), 1.0)
    return np.where(known.any(axis=1), values, np.nan)


def exact_match(y_true: ArrayLike, y_pred: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Return, for each item, 1 if the decisions on all known classes are right, and 0 otherwise.

    The mean over the items is the exact match ratio (chen2024, eq. 4), which scikit-learn calls subset
    accuracy.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_pred : array of bool, shape (n, k)
        The decisions.
    known : array of bool, shape (n, k), optional
        Which labels are known; all if not given.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 or 1; NaN for an item without known labels.

    Raises
    ------
    UsageError
        If the shapes differ.

    Examples
    --------
    >>> exact_match([[1, 1, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0]]).tolist()
    [0.0, 1.0]
    """
    y_true, y_pred, known = check_decisions(y_true, y_pred, known)
    return np.where(known.any(axis=1), (y_pred == y_true).all(axis=1).astype(np.float64), np.nan)
