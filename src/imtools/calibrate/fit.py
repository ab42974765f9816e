"""Whether scores can be read as probabilities, and how to make them so.

Of all items that a calibrated model gives a score of 0.7 for a class, seven in ten have it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..aggregation import logits as logits_of
from ..aggregation import sigmoid
from ..arrays import BoolArray, Float64Array
from ..errors import ImtoolsWarning, UsageError

BINS = 10
"""Bins of equal width from 0 to 1, as is usual."""

LEAST_EXAMPLES = 5
"""Positives, and negatives, from which on a class is fitted by itself."""

LEAST_SLOPE = 0.01
"""A class that is told no better than by chance keeps the order of its scores, hardly their differences."""


@dataclass(frozen=True)
class Reliability:
    """Scores beside what came true, in bins of equal width from 0 to 1.

    Attributes
    ----------
    count : ndarray of int64, shape (bins,)
        How many scores lie in each bin.
    score, rate : ndarray of float64, shape (bins,)
        Their mean, and the part of them that are of classes that are present; NaN in empty bins.
    brier : float
        Mean squared difference of score and truth (Brier 1950); 0 is best, and 0.25 is always saying 0.5.
    """

    count: NDArray[np.int64]
    score: Float64Array
    rate: Float64Array
    brier: float

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al. 2015): mean distance of score and rate, over scores."""
        filled = self.count > 0
        distance = np.abs(self.score[filled] - self.rate[filled])
        return float(np.average(distance, weights=self.count[filled]))


def reliability(Y: ArrayLike, S: ArrayLike, known: ArrayLike, bins: int = BINS) -> Reliability:
    """Count how often what has a score is true.

    Parameters
    ----------
    Y, S, known : array of the same shape
        Truth, scores from 0 to 1, and which of them to count.
    bins : int
        How many.

    Raises
    ------
    UsageError
        If nothing is known.
    """
    sure = np.asarray(known, dtype=np.bool_)
    truth, scores = np.asarray(Y, dtype=np.float64)[sure], np.asarray(S, dtype=np.float64)[sure]
    if not len(scores):
        raise UsageError("nothing is known that scores could be held against", "give labelled records")
    places = np.clip((scores * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        score, rate = (np.bincount(places, values, bins) / count for values in (scores, truth))
    return Reliability(count, score, rate, float(np.mean((scores - truth) ** 2)))


@dataclass(frozen=True)
class Calibration:
    """How logits are changed: by a slope and an offset for each class (Platt 1999).

    Attributes
    ----------
    classes : list of str
        The classes.
    slopes, offsets : ndarray of float64, shape (classes,)
        A slope of 1 and an offset of 0 change nothing.
    fitted : list of str
        The classes that were fitted by themselves.
    """

    classes: list[str]
    slopes: Float64Array
    offsets: Float64Array
    fitted: list[str]

    def apply(self, S: ArrayLike) -> Float64Array:
        """Return scores (n, classes) as they become."""
        return sigmoid(self.slopes * logits_of(np.asarray(S, dtype=np.float64)) + self.offsets)


def fit(classes: Sequence[str], Y: BoolArray, S: Float64Array, known: BoolArray) -> Calibration:
    """Find the slope and the offset with which the scores of each class explain best what is known.

    It is the logistic regression of the truth on the logit, with truths that are drawn a little from 0 and 1
    as Platt does, so that a class that is told without fault keeps finite scores. Classes with fewer than
    `LEAST_EXAMPLES` positives or negatives get what fits all classes together. No slope is below
    `LEAST_SLOPE`.

    Parameters
    ----------
    classes : sequence of str
        Names of the k columns.
    Y, known : ndarray of bool, shape (n, k)
        What is present, and of what that is known.
    S : ndarray of float64, shape (n, k)
        Scores from 0 to 1.

    Raises
    ------
    UsageError
        If all classes together have fewer.

    Warns
    -----
    ImtoolsWarning
        If classes are told no better than by chance.
    """
    logits = logits_of(S)
    if min(int((Y & known).sum()), int((~Y & known).sum())) < LEAST_EXAMPLES:
        what = f"fewer than {LEAST_EXAMPLES} positives or negatives are known: too few to calibrate with"
        raise UsageError(what, "give more records, or pass --unlisted absent")
    slope, offset = _platt(Y[known], logits[known])
    slopes, offsets, fitted = np.full(len(classes), slope), np.full(len(classes), offset), []
    for column, label in enumerate(classes):
        sure = known[:, column]
        truth = Y[sure, column]
        if min(int(truth.sum()), int((~truth).sum())) < LEAST_EXAMPLES:
            continue
        slopes[column], offsets[column] = _platt(truth, logits[sure, column])
        fitted.append(label)
    if lost := [label for label, own in zip(classes, slopes, strict=True) if own <= LEAST_SLOPE]:
        what = f"{', '.join(lost)}: told no better than by chance, all scores become nearly the same"
        warnings.warn(ImtoolsWarning(what), stacklevel=2)
    return Calibration(list(classes), slopes, offsets, fitted)


def _platt(truth: BoolArray, logits: Float64Array) -> tuple[float, float]:
    from scipy.optimize import minimize

    positives, negatives = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: Float64Array) -> tuple[float, Float64Array]:
        answer = parameters[0] * logits + parameters[1]
        wrong = sigmoid(answer) - target
        total = float(np.sum(np.logaddexp(0, answer) - target * answer))
        return total / len(logits), np.array([wrong @ logits, wrong.sum()]) / len(logits)

    prior = np.log((positives + 1) / (negatives + 1))
    start, bounds = np.array([1.0, min(prior, 0.0) / 2]), [(LEAST_SLOPE, None), (None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12})
    return float(found.x[0]), float(found.x[1])
