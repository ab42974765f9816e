"""Measuring whether scores are probabilities, and making them so.

Of all items with a score of 0.7 for a class from a calibrated model, seven in ten have the class.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..aggregation import logits as logits_of
from ..aggregation import sigmoid
from ..arrays import BoolArray, Float64Array, IntArray
from ..errors import ImtoolsWarning, UsageError

BINS = 10
"""Number of bins, of equal width from 0 to 1: the usual one."""

MIN_EXAMPLES = 5
"""The number of positives, and of negatives, from which a class is fitted by itself."""

MIN_SLOPE = 0.01
"""Minimum slope: scores no better than chance keep their order, but become nearly equal."""


@dataclass(frozen=True)
class Reliability:
    """Scores and the frequency of present classes, in bins of equal width from 0 to 1.

    Attributes
    ----------
    count : ndarray of int64, shape (bins,)
        How many scores lie in each bin.
    score, rate : ndarray of float64, shape (bins,)
        Their mean, and the fraction of them whose class is present; NaN in empty bins.
    brier : float
        Mean squared difference of score and label (Brier 1950); 0 is best, and a constant 0.5 gets 0.25.
    """

    count: IntArray
    score: Float64Array
    rate: Float64Array
    brier: float

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al. 2015): mean distance of score and rate, over scores."""
        filled = self.count > 0
        distance = np.abs(self.score[filled] - self.rate[filled])
        return float(np.average(distance, weights=self.count[filled]))


def reliability(
    y_true: ArrayLike, y_score: ArrayLike, known: ArrayLike | None = None, *, bins: int = BINS
) -> Reliability:
    """Count how often a class is present, by its score.

    Parameters
    ----------
    y_true : array of bool, any shape
        The labels.
    y_score : array of float, the same shape
        Scores from 0 to 1.
    known : array of bool, the same shape, optional
        Which labels are known; all if not given.
    bins : int
        The number of bins.

    Returns
    -------
    Reliability
        The counts.

    Raises
    ------
    UsageError
        If no label is known.

    Examples
    --------
    >>> found = reliability([0, 0, 1, 1], [0.1, 0.3, 0.8, 0.9], bins=2)
    >>> found.count.tolist(), found.rate.tolist(), round(found.error, 3)
    ([2, 2], [0.0, 1.0], 0.175)
    """
    labels, scores = np.asarray(y_true, dtype=np.float64), np.asarray(y_score, dtype=np.float64)
    mask = np.ones(labels.shape, np.bool_) if known is None else np.asarray(known, dtype=np.bool_)
    labels, scores = labels[mask], scores[mask]
    if not len(scores):
        raise UsageError("no label is known to compare scores with", "give labelled records")
    places = np.clip((scores * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        score, rate = (np.bincount(places, values, bins) / count for values in (scores, labels))
    return Reliability(count, score, rate, float(np.mean((scores - labels) ** 2)))


@dataclass(frozen=True)
class Calibration:
    """A slope and an offset of the logits for each class (Platt 1999).

    Attributes
    ----------
    classes : list of str
        The classes.
    slopes, offsets : ndarray of float64, shape (classes,)
        The new logit is ``slope * logit + offset``: a slope of 1 and an offset of 0 change nothing.
    fitted : list of str
        The classes that were fitted by themselves.
    """

    classes: list[str]
    slopes: Float64Array
    offsets: Float64Array
    fitted: list[str]

    def apply(self, y_score: ArrayLike) -> Float64Array:
        """Return calibrated scores, shape (n, classes)."""
        return sigmoid(self.slopes * logits_of(np.asarray(y_score, dtype=np.float64)) + self.offsets)


def fit(classes: Sequence[str], y_true: BoolArray, y_score: Float64Array, known: BoolArray) -> Calibration:
    """Find the slope and the offset with which the scores of each class best explain its known labels.

    This is the logistic regression of the label on the logit, with Platt's targets, which are slightly inside
    0 and 1, so that perfectly separated classes keep finite scores. Classes with fewer than `MIN_EXAMPLES`
    known positives or negatives get the slope and the offset that fit all classes together. No slope is
    below `MIN_SLOPE`.

    Parameters
    ----------
    classes : sequence of str
        Names of the k columns.
    y_true : ndarray of bool, shape (n, k)
        The labels.
    y_score : ndarray of float64, shape (n, k)
        Scores from 0 to 1.
    known : ndarray of bool, shape (n, k)
        Which labels are known.

    Returns
    -------
    Calibration
        Slopes and offsets.

    Raises
    ------
    UsageError
        If all classes together have fewer than `MIN_EXAMPLES` known positives or negatives.

    Warns
    -----
    ImtoolsWarning
        If the scores of a class are no better than chance.
    """
    logits = logits_of(y_score)
    if min(int((y_true & known).sum()), int((~y_true & known).sum())) < MIN_EXAMPLES:
        what = f"fewer than {MIN_EXAMPLES} positives or negatives are known: too few to calibrate"
        raise UsageError(what, "give more records, or pass `unlisted=absent`")
    slope, offset = _platt(y_true[known], logits[known])
    slopes, offsets, fitted = np.full(len(classes), slope), np.full(len(classes), offset), []
    for column, label in enumerate(classes):
        rows = known[:, column]
        present = y_true[rows, column]
        if min(int(present.sum()), int((~present).sum())) < MIN_EXAMPLES:
            continue
        slopes[column], offsets[column] = _platt(present, logits[rows, column])
        fitted.append(label)
    if lost := [label for label, own in zip(classes, slopes, strict=True) if own <= MIN_SLOPE]:
        what = f"{', '.join(lost)}: scores no better than chance, they all become nearly the same"
        warnings.warn(ImtoolsWarning(what), stacklevel=2)
    return Calibration(list(classes), slopes, offsets, fitted)


def _platt(present: BoolArray, logits: Float64Array) -> tuple[float, float]:
    from scipy.optimize import minimize

    positives, negatives = int(present.sum()), int((~present).sum())
    target = np.where(present, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: Float64Array) -> tuple[float, Float64Array]:
        changed = parameters[0] * logits + parameters[1]
        error = sigmoid(changed) - target
        total = float(np.sum(np.logaddexp(0, changed) - target * changed))
        return total / len(logits), np.array([error @ logits, error.sum()]) / len(logits)

    prior = np.log((positives + 1) / (negatives + 1))
    start, bounds = np.array([1.0, min(prior, 0.0) / 2]), [(MIN_SLOPE, None), (None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12})
    return float(found.x[0]), float(found.x[1])
