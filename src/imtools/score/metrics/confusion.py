"""Which class is taken for which, in items with a single class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float64Array
from .matrices import check_scores
from .ranking import highest_of_single_label


def confusion_matrix(y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Count the items with one present class by that class and by the class with the highest score.

    As in `top1`, only items with exactly one known positive and at least one known negative count, and each
    of t classes that share the highest score gets 1/t: the trace divided by the sum is `top1`.

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
    ndarray of float64, shape (k, k)
        Row: the class that is present. Column: the class with the highest score.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.

    Examples
    --------
    >>> confusion_matrix([[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.6], [0.3, 0.8]]).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    y_true, y_score, known = check_scores(y_true, y_score, known)
    rows, shares = highest_of_single_label(y_true, y_score, known)
    counts: Float64Array = y_true[rows].T.astype(np.float64) @ shares
    return counts
