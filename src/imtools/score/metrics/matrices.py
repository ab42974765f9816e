"""What all metrics share: checked matrices of one shape with unknown entries, and ratios of counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import BoolArray, Float64Array
from ...errors import UsageError


@dataclass(frozen=True, slots=True)
class Ratios:
    """Precision, recall and F1.

    Attributes
    ----------
    precision, recall, f1 : float
        0 to 1.
    """

    precision: float
    recall: float
    f1: float


def check_scores(
    y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None
) -> tuple[BoolArray, Float64Array, BoolArray]:
    """Return labels, scores and mask with their types, unknown labels cleared.

    Parameters
    ----------
    y_true : array of bool, shape (n, k)
        The labels.
    y_score : array of float, shape (n, k)
        The scores.
    known : array of bool, shape (n, k), or None
        Which labels are known; all if ``None``.

    Returns
    -------
    y_true : ndarray of bool, shape (n, k)
        The labels, false where they are unknown.
    y_score : ndarray of float64, shape (n, k)
        The scores.
    known : ndarray of bool, shape (n, k)
        The mask.

    Raises
    ------
    UsageError
        If the shapes differ, or a score of a known label is not finite.
    """
    scores = np.asarray(y_score, dtype=np.float64)
    present, mask = _labels_and_mask(y_true, scores, known, "scores")
    if not np.isfinite(scores[mask]).all():
        raise UsageError("a score is not a finite number", "check the input of the model")
    return present & mask, scores, mask


def check_decisions(
    y_true: ArrayLike, y_pred: ArrayLike, known: ArrayLike | None
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return labels, decisions and mask with their types, unknown entries of the first two cleared.

    Parameters
    ----------
    y_true, y_pred : array of bool, shape (n, k)
        The labels and the decisions.
    known : array of bool, shape (n, k), or None
        Which labels are known; all if ``None``.

    Returns
    -------
    y_true, y_pred, known : ndarray of bool, shape (n, k)
        The labels and the decisions, false where the label is unknown; and the mask.

    Raises
    ------
    UsageError
        If the shapes differ.
    """
    decisions = np.asarray(y_pred, dtype=np.bool_)
    present, mask = _labels_and_mask(y_true, decisions, known, "decisions")
    return present & mask, decisions & mask, mask


def _labels_and_mask(
    y_true: ArrayLike, other: Float64Array | BoolArray, known: ArrayLike | None, name: str
) -> tuple[BoolArray, BoolArray]:
    present = np.asarray(y_true, dtype=np.bool_)
    mask = np.ones_like(present) if known is None else np.asarray(known, dtype=np.bool_)
    if present.ndim != 2 or not present.shape == other.shape == mask.shape:
        shapes = f"labels {present.shape}, {name} {other.shape}, mask {mask.shape}"
        raise UsageError(f"not matrices of one shape: {shapes}", "give items x classes for each")
    return present, mask


def precision_recall_f1_of_counts(
    tp: ArrayLike, predicted: ArrayLike, support: ArrayLike
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return precision, recall and F1 of counts; 0 where the denominator is 0.

    Parameters
    ----------
    tp, predicted, support : array of int, shapes that broadcast
        The numbers of true positives, of items that are predicted positive, and of positive items.

    Returns
    -------
    precision, recall, f1 : ndarray of float64
        0 to 1.
    """
    tp, predicted, support = (np.asarray(x, dtype=np.float64) for x in (tp, predicted, support))
    precision, recall = ratio_or_zero(tp, predicted), ratio_or_zero(tp, support)
    return precision, recall, ratio_or_zero(2 * tp, predicted + support)


def ratio_or_zero(numerator: Float64Array, denominator: Float64Array) -> Float64Array:
    """Return a ratio, and 0 where the denominator is 0.

    Parameters
    ----------
    numerator, denominator : ndarray of float64
        Not negative; of shapes that broadcast.
    """
    return _ratio(numerator, denominator, 0.0)


def ratio_or_nan(numerator: ArrayLike, denominator: ArrayLike) -> Float64Array:
    """Return a ratio, and NaN where the denominator is 0: a mean over nothing is not defined.

    Parameters
    ----------
    numerator, denominator : array_like of float
        Not negative; of shapes that broadcast.
    """
    return _ratio(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64), np.nan)


def _ratio(numerator: Float64Array, denominator: Float64Array, empty: float) -> Float64Array:
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    quotient: Float64Array = np.divide(numerator, denominator, out=out, where=denominator > 0)
    return quotient


def defined_mean(values: Float64Array) -> float:
    """Return the mean of the values that are not NaN; NaN if there is none."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")
