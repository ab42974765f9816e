"""From the scores of windows to the score of the whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Float64Array
from .errors import UsageError

Aggregation = Literal["mean", "top-quarter", "logit-mean", "s2", "max"]
"""How the scores of windows become one; see `aggregate`."""

AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)

_SUREST = 1 - 1e-6
"""What a score of 1 is taken for where its logit is wanted: scores have six digits."""


def aggregate(windows: ArrayLike, aggregation: Aggregation) -> NDArray[np.float64]:
    """Return the scores of the whole from those of its windows.

    Parameters
    ----------
    windows : array of shape (n, classes)
        Scores of n windows, 0 to 1.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}
        The mean of the scores, which is S1 of Han et al. (2017); the mean of the highest quarter of each
        class's scores, for what plays now and then; the sigmoid of the mean of the logits; S2 of Han et al.
        (2017), section II-E: each class's sum over the windows, divided by the largest one, so that the
        surest class gets 1; or the largest score.

    Returns
    -------
    ndarray of float64, shape (classes,)
        0 to 1; with ``"s2"`` all 0 if all windows are.

    Raises
    ------
    UsageError
        If there is no window, or the aggregation is unknown.
    """
    scores = np.asarray(windows, dtype=np.float64)
    if scores.ndim != 2 or not len(scores):
        raise UsageError(f"no windows to aggregate in an array of shape {scores.shape}", "give one at least")
    if aggregation not in _FUNCTIONS:
        raise UsageError(f"unknown aggregation {aggregation!r}", f"choose from {', '.join(AGGREGATIONS)}")
    return _FUNCTIONS[aggregation](scores)


def _mean(scores: Float64Array) -> Float64Array:
    result: Float64Array = scores.mean(axis=0)
    return result


def _top_quarter(scores: Float64Array) -> Float64Array:
    count = math.ceil(len(scores) / 4)
    result: Float64Array = np.partition(scores, len(scores) - count, axis=0)[-count:].mean(axis=0)
    return result


def logits(scores: Float64Array) -> Float64Array:
    """Return the logits of scores; those of 0 and 1 are taken for 1e-6 and 1 - 1e-6."""
    clipped = np.clip(scores, 1 - _SUREST, _SUREST)
    result: Float64Array = np.log(clipped) - np.log1p(-clipped)
    return result


def sigmoid(values: Float64Array) -> Float64Array:
    """Return 1 / (1 + exp(-x))."""
    result: Float64Array = 1 / (1 + np.exp(-values))
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
