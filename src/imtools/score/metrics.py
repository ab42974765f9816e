"""Metrics of multi-label classification on matrices that may have unknown entries.

Everywhere ``Y`` is a bool matrix of shape (n items, k classes), ``S`` the real scores of the same shape,
and ``known`` the bool mask of the entries of ``Y`` that are knowledge (``None``: all). Unknown entries
count nowhere; items or classes of which nothing is known are left out. A ratio 0/0 is 0. Without a mask
the numbers are scikit-learn's. Memory grows linearly with ``n * k``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UsageError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def lrap(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> float:
    """Return the label ranking average precision, 0 to 1.

    For each present class of an item: among the classes ranked at least as high, the part that is
    present; averaged over the present classes, then over the items. Equal scores share the lowest rank.

    Returns
    -------
    float
        NaN if nothing is known. An item with no class present scores 1, as in scikit-learn: it has no
        ranking to get wrong. The same holds for one with all its known classes present.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = _checked(Y, S, known)
    rows = known.any(axis=1)
    precision = _mean_precision(Y[rows], S[rows], known[rows])
    return _mean(np.where(np.isnan(precision), 1.0, precision))


def average_precision(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> tuple[Floats, float]:
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
    Y, S, known = _checked(Y, S, known)
    per_class = _mean_precision(Y.T, S.T, known.T)
    return per_class, _mean(per_class)


def roc_auc(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> tuple[Floats, float]:
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
    Y, S, known = _checked(Y, S, known)
    order, first, last = _ranked(S.T, known.T)
    midrank = (first + last) / 2 + 1  # from the highest score down
    positives = Y.sum(axis=0)
    negatives = known.sum(axis=0) - positives
    rank_sum = np.where(np.take_along_axis(Y.T, order, axis=1), midrank, 0).sum(axis=1)
    below = rank_sum - positives * (positives + 1) / 2  # pairs in which the negative scores higher
    per_class = np.full(Y.shape[1], np.nan)
    pairs = positives * negatives
    np.divide(pairs - below, pairs, out=per_class, where=pairs > 0)
    return per_class, _mean(per_class)


@dataclass(frozen=True, slots=True)
class Ratios:
    """Precision, recall and F1, each 0 to 1."""

    precision: float
    recall: float
    f1: float


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
    Y, S, known = _checked(Y, S, known)
    limits = np.asarray(threshold, dtype=np.float64)
    if limits.shape not in ((), (Y.shape[1],)):
        raise UsageError(
            f"{limits.size} thresholds for {Y.shape[1]} classes", "give one, or one for each class"
        )
    said = np.greater_equal(S, limits) & known
    hits, said_count, support = (Y & said).sum(axis=0), said.sum(axis=0), Y.sum(axis=0)
    heard = known.any(axis=0)
    precision, recall, f1 = (np.where(heard, x, np.nan) for x in _ratios(hits, said_count, support))
    macro = Ratios(_mean(precision), _mean(recall), _mean(f1))
    micro = Ratios(*(float(x) for x in _ratios(hits.sum(), said_count.sum(), support.sum())))
    total = macro.precision + macro.recall
    of_means = 2 * macro.precision * macro.recall / total if total else total
    return Decisions(precision, recall, f1, support, micro, macro, of_means)


def top1(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None = None) -> float:
    """Return how often the highest score is that of the one present class.

    Only items with exactly one known positive and at least one known negative count. Of t classes that
    share the highest score each gets 1/t, so that the order of the classes does not matter.

    Returns
    -------
    float
        0 to 1; NaN if there is no such item.

    Raises
    ------
    UsageError
        If the shapes differ, or a score is not finite.
    """
    Y, S, known = _checked(Y, S, known)
    rows = (Y.sum(axis=1) == 1) & (known.sum(axis=1) > 1)
    scores = np.where(known[rows], S[rows], -np.inf)
    best = scores == scores.max(axis=1, keepdims=True, initial=-np.inf)
    return _mean((best & Y[rows]).sum(axis=1) / best.sum(axis=1))


def _checked(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None) -> tuple[Bools, Floats, Bools]:
    """Return the three matrices with their types, unknown entries of ``Y`` cleared."""
    present, scores = np.asarray(Y, dtype=np.bool_), np.asarray(S, dtype=np.float64)
    mask = np.ones_like(present) if known is None else np.asarray(known, dtype=np.bool_)
    if present.ndim != 2 or not present.shape == scores.shape == mask.shape:
        shapes = f"labels {present.shape}, scores {scores.shape}, mask {mask.shape}"
        raise UsageError(f"not matrices of one shape: {shapes}", "give items x classes for each")
    if not np.isfinite(scores[mask]).all():
        raise UsageError("a score is not a finite number", "look for what the model was fed with")
    return present & mask, scores, mask


def _ranked(S: Floats, known: Bools) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
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


def _mean_precision(Y: Bools, S: Floats, known: Bools) -> Floats:
    """Return, for each row, the mean over its positives of the precision at their rank; NaN without any."""
    order, _, last = _ranked(S, known)
    positive = np.take_along_axis(Y, order, axis=1)
    hits = np.take_along_axis(np.cumsum(positive, axis=1), last, axis=1)
    total = np.where(positive, hits / (last + 1), 0.0).sum(axis=1)
    support = positive.sum(axis=1)
    means = np.full(len(Y), np.nan)
    np.divide(total, support, out=means, where=support > 0)
    return means


def _ratios(hits: ArrayLike, said: ArrayLike, support: ArrayLike) -> tuple[Floats, Floats, Floats]:
    hits, said, support = (np.asarray(x, dtype=np.float64) for x in (hits, said, support))
    return _divide(hits, said), _divide(hits, support), _divide(2 * hits, said + support)


def _divide(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _mean(values: Floats) -> float:
    """Return the mean of the values that are not NaN; NaN if there is none."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")
