"""From the scores of windows to the scores of a whole item."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Float64Array
from .choices import AGGREGATIONS, Aggregation
from .errors import UsageError

__all__ = ["AGGREGATIONS", "Aggregation", "aggregate", "logits", "sigmoid"]

_LOGIT_CLIP = 1e-6
"""The distance from 0 and 1 at which scores are clipped for their logit: scores have six digits."""


def aggregate(windows: ArrayLike, aggregation: Aggregation) -> Float64Array:
    """Return the scores of an item from those of its windows.

    Parameters
    ----------
    windows : array of float, shape (n, classes)
        Scores of n windows, 0 to 1.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}
        ``"mean"``: the mean of the scores, which is S1 of Han et al. (2017). ``"top-quarter"``: the mean of
        the highest quarter of each class's scores, for instruments that play only now and then.
        ``"logit-mean"``: the sigmoid of the mean of the logits. ``"s2"``: S2 of Han et al. (2017), section
        II-E, each class's sum over the windows divided by the largest of these sums, so that the class with
        the highest sum gets 1. ``"max"``: the highest score.

    Returns
    -------
    ndarray of float64, shape (classes,)
        0 to 1; with ``"s2"`` all 0 if all windows are.

    Raises
    ------
    UsageError
        If there is no window, or the aggregation is unknown.

    Examples
    --------
    >>> windows = [[0.2, 0.5, 0.0], [0.6, 0.5, 1.0]]
    >>> aggregate(windows, "mean").tolist()
    [0.4, 0.5, 0.5]
    >>> aggregate(windows, "s2").tolist()
    [0.8, 1.0, 1.0]
    """
    scores = np.asarray(windows, dtype=np.float64)
    if scores.ndim != 2 or not len(scores):
        raise UsageError(f"no windows to aggregate in an array of shape {scores.shape}", "give at least one")
    if aggregation not in _FUNCTIONS:
        raise UsageError(f"unknown aggregation {aggregation!r}", f"choose from {', '.join(AGGREGATIONS)}")
    return _FUNCTIONS[aggregation](scores)


def logits(scores: Float64Array) -> Float64Array:
    """Return the logits of scores, which are clipped to 1e-6 and 1 - 1e-6."""
    upper = 1 - _LOGIT_CLIP
    clipped = np.clip(scores, 1 - upper, upper)
    result: Float64Array = np.log(clipped) - np.log1p(-clipped)
    return result


def sigmoid(values: Float64Array) -> Float64Array:
    """Return 1 / (1 + exp(-x))."""
    result: Float64Array = 1 / (1 + np.exp(-values))
    return result


def _mean(scores: Float64Array) -> Float64Array:
    result: Float64Array = scores.mean(axis=0)
    return result


def _top_quarter(scores: Float64Array) -> Float64Array:
    count = math.ceil(len(scores) / 4)
    result: Float64Array = np.partition(scores, len(scores) - count, axis=0)[-count:].mean(axis=0)
    return result


def _logit_mean(scores: Float64Array) -> Float64Array:
    return sigmoid(logits(scores).mean(axis=0))


def _s2(scores: Float64Array) -> Float64Array:
    total: Float64Array = scores.sum(axis=0)
    return total / max(float(total.max()), 1e-30)


def _max(scores: Float64Array) -> Float64Array:
    result: Float64Array = scores.max(axis=0)
    return result


_FUNCTIONS: dict[str, Callable[[Float64Array], Float64Array]] = {
    "mean": _mean,
    "top-quarter": _top_quarter,
    "logit-mean": _logit_mean,
    "s2": _s2,
    "max": _max,
}
