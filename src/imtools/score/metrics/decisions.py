"""Metrics of decisions: precision, recall and F1 of each class, and over all classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import UsageError
from .matrices import Floats, Ratios, checked, defined_mean, ratios


@dataclass(frozen=True, slots=True)
class Decisions:
    """How good the decisions at a threshold are.

    Attributes
    ----------
    precision, recall, f1 : ndarray of float64, shape (k,)
        Of each class; NaN where nothing is known of it.
    support : ndarray of int64, shape (k,)
        How many items are known to have the class.
    micro : Ratios
        From the counts of all classes together.
    macro : Ratios
        The means over the classes; the F1 is the mean of the classes' F1.
    macro_f1_of_means : float
        The other "macro F1": the harmonic mean of macro precision and macro recall; it is never below the
        mean of the F1s (by Jensen's inequality).
    """

    precision: Floats
    recall: Floats
    f1: Floats
    support: NDArray[np.int64]
    micro: Ratios
    macro: Ratios
    macro_f1_of_means: float


def precision_recall_f1(
    Y: ArrayLike, S: ArrayLike, threshold: float | ArrayLike = 0.5, known: ArrayLike | None = None
) -> Decisions:
    """Return precision, recall and F1 of calling a class present where its score reaches a threshold.

    Parameters
    ----------
    threshold : float or array of shape (k,)
        One for all classes, or one for each. A score equal to it is a yes.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = checked(Y, S, known)
    limits = np.asarray(threshold, dtype=np.float64)
    if limits.shape not in ((), (Y.shape[1],)):
        raise UsageError(
            f"{limits.size} thresholds for {Y.shape[1]} classes", "give one, or one for each class"
        )
    said = np.greater_equal(S, limits) & known
    hits, said_count, support = (Y & said).sum(axis=0), said.sum(axis=0), Y.sum(axis=0)
    heard = known.any(axis=0)
    precision, recall, f1 = (np.where(heard, x, np.nan) for x in ratios(hits, said_count, support))
    macro = Ratios(defined_mean(precision), defined_mean(recall), defined_mean(f1))
    micro = Ratios(*(float(x) for x in ratios(hits.sum(), said_count.sum(), support.sum())))
    total = macro.precision + macro.recall
    of_means = 2 * macro.precision * macro.recall / total if total else total
    return Decisions(precision, recall, f1, support, micro, macro, of_means)
