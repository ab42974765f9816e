"""Metrics of each item by itself: how much of it is right, and whether all of it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float64Array
from .matrices import checked_decisions, part


def intersection_over_union(Y: ArrayLike, said: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Return, for each item, how many classes are present and said, of those that are present or said.

    chen2024 calls the mean over the items accuracy (eq. 3); it is also the mean Jaccard index.

    Parameters
    ----------
    said : array of bool, shape (n, k)
        Which classes were called present.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1; 1 where nothing is present and nothing is said (silence, heard as such); NaN for an item of
        which nothing is known.

    Raises
    ------
    UsageError
        If the shapes differ.
    """
    Y, said, known = checked_decisions(Y, said, known)
    both, either = (Y & said).sum(axis=1), (Y | said).sum(axis=1)
    values = np.where(either > 0, part(both, either), 1.0)
    return np.where(known.any(axis=1), values, np.nan)


def exact_match(Y: ArrayLike, said: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Return, for each item, 1 if all known classes are decided rightly, and otherwise 0.

    The mean over the items is the exact match ratio (chen2024, eq. 4).

    Parameters
    ----------
    said : array of bool, shape (n, k)
        Which classes were called present.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN for an item of which nothing is known.

    Raises
    ------
    UsageError
        If the shapes differ.
    """
    Y, said, known = checked_decisions(Y, said, known)
    return np.where(known.any(axis=1), (said == Y).all(axis=1).astype(np.float64), np.nan)
