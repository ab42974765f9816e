"""Which class is taken for which, where only one is present."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float64Array
from .matrices import checked
from .ranking import best_of_single


def confusion_matrix(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> Float64Array:
    """Count the items with one present class by that class and by the class with the highest score.

    As in `top1` only items with exactly one known positive and at least one known negative count, and of t
    classes that share the highest score each gets 1/t: the trace over the sum is `top1`.

    Returns
    -------
    ndarray of float64, shape (k, k)
        Row: the class that is present. Column: the class with the highest score.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = checked(Y, S, known)
    rows, shares = best_of_single(Y, S, known)
    counts: Float64Array = Y[rows].T.astype(np.float64) @ shares
    return counts
