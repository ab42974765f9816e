"""Timelines: when each class is present, from the scores of windows that may overlap.

Scores are float64 arrays of shape (n_windows, n_classes); times are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import BoolArray, Float64Array
from ..errors import UsageError
from ..manifest import Prediction

DEFAULT_THRESHOLD = 0.5
"""The threshold of a class that has none of its own."""

_SCORE_DIGITS = 6
"""Decimals of a score: the precision of a net in float32."""
_TIME_DIGITS = 9
"""Decimals of a time in seconds: times that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class ActiveSpan:
    """A time span throughout which a class is present.

    Attributes
    ----------
    column : int
        Index of the class.
    start, duration : float
        In seconds.
    score : float
        Mean score over the span, 0 to 1.
    """

    column: int
    start: float
    duration: float
    score: float


def active_spans(
    scores: ArrayLike, starts: ArrayLike, durations: ArrayLike, thresholds: ArrayLike
) -> list[ActiveSpan]:
    """Return the time spans in which each class is present.

    Time is divided wherever a window begins or ends (every hop, if the window is a multiple of the hop). The
    score of each piece is the mean over the windows that cover it; adjacent pieces that reach the threshold
    are joined. Pieces without any window belong to no span.

    Parameters
    ----------
    scores : array_like, shape (n_windows, n_classes)
        Scores of the windows, 0 to 1.
    starts, durations : array_like, shape (n_windows,)
        Position of each window in seconds, in any order.
    thresholds : array_like, shape (n_classes,)
        Lowest score at which each class is present.

    Returns
    -------
    list of ActiveSpan
        Sorted by start, then by class.

    Raises
    ------
    UsageError
        If the shapes do not match.

    Examples
    --------
    >>> active_spans([[0.9], [0.7], [0.1]], [0, 1, 2], [1, 1, 1], [0.5])
    [ActiveSpan(column=0, start=0.0, duration=2.0, score=0.8)]
    """
    score, limits = np.asarray(scores, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    begin = np.asarray(starts, dtype=np.float64)
    end = np.round(begin + np.asarray(durations, dtype=np.float64), _TIME_DIGITS)
    begin = np.round(begin, _TIME_DIGITS)
    if score.ndim != 2 or begin.shape != end.shape or score.shape != (*begin.shape, *limits.shape):
        shapes = f"{score.shape}, {begin.shape}, {end.shape} and {limits.shape}"
        raise UsageError(
            f"scores, starts, durations and thresholds have shapes {shapes}",
            "give (n_windows, n_classes), (n_windows,), (n_windows,) and (n_classes,)",
        )
    edges = np.unique(np.concatenate([begin, end]))
    if len(edges) < 2:
        return []
    first, last = np.searchsorted(edges, begin), np.searchsorted(edges, end)
    means, covered = _piecewise_means(score, first, last, len(edges))
    lengths = np.diff(edges)
    spans = []
    for column in range(score.shape[1]):
        active = covered & (means[:, column] >= limits[column])
        changes = np.flatnonzero(np.diff(active, prepend=False, append=False))
        for on, off in zip(changes[::2], changes[1::2], strict=True):
            mean = np.average(means[on:off, column], weights=lengths[on:off])
            duration = round(float(edges[off] - edges[on]), _TIME_DIGITS)
            spans.append(ActiveSpan(column, float(edges[on]), duration, round(float(mean), _SCORE_DIGITS)))
    return sorted(spans, key=lambda span: (span.start, span.column))


def _piecewise_means(
    scores: Float64Array, first: NDArray[np.intp], last: NDArray[np.intp], edges: int
) -> tuple[Float64Array, BoolArray]:
    """Return the mean score between adjacent edges (edges - 1, classes), and which pieces have a window."""
    steps, counts = np.zeros((edges, scores.shape[1])), np.zeros(edges, dtype=np.int64)
    np.add.at(steps, first, scores)
    np.subtract.at(steps, last, scores)
    np.add.at(counts, first, 1)
    np.subtract.at(counts, last, 1)
    depth = counts.cumsum()[:-1, None]
    sums = steps.cumsum(axis=0)[:-1]
    means: Float64Array = np.round(sums / np.maximum(depth, 1), _SCORE_DIGITS)
    return means, depth[:, 0] > 0


def timeline(predictions: Iterable[Prediction], thresholds: Mapping[str, float]) -> list[Prediction]:
    """Replace the predictions of windows by the time spans in which each class is present.

    Parameters
    ----------
    predictions : iterable of Prediction
        Of one record; all windows of a model have the same classes.
    thresholds : mapping of str to float
        Threshold of each class; classes without one have 0.5.

    Returns
    -------
    list of Prediction
        Model by model: the predictions of the whole record unchanged, then the spans.
    """
    by_model: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        by_model.setdefault(prediction.model, []).append(prediction)
    result: list[Prediction] = []
    for model, own in by_model.items():
        result += [prediction for prediction in own if prediction.start is None]
        windows: dict[tuple[float, float], dict[str, float]] = {}
        for prediction in own:
            if prediction.start is not None:
                window = windows.setdefault((prediction.start, prediction.duration or 0.0), {})
                window[prediction.label] = prediction.score
        if not windows:
            continue
        labels = list(next(iter(windows.values())))
        scores = [[window[label] for label in labels] for window in windows.values()]
        starts, durations = zip(*windows, strict=True)
        limits = [thresholds.get(label, DEFAULT_THRESHOLD) for label in labels]
        result += [
            Prediction(model, labels[span.column], span.score, span.start, span.duration, True)
            for span in active_spans(scores, starts, durations, limits)
        ]
    return result


def top_predictions(predictions: list[Prediction], count: int) -> list[Prediction]:
    """Return the predictions of the classes with the highest scores, in their original order.

    Parameters
    ----------
    predictions : list of Prediction
        Of one record.
    count : int
        How many classes to keep for each model, for the record and for each of its windows; of equal scores
        the first are kept.

    Returns
    -------
    list of Prediction
    """
    groups: dict[tuple[str, float | None, float | None], list[int]] = {}
    for index, prediction in enumerate(predictions):
        groups.setdefault((prediction.model, prediction.start, prediction.duration), []).append(index)
    kept = [
        index
        for group in groups.values()
        for index in sorted(group, key=lambda index: -predictions[index].score)[:count]
    ]
    return [predictions[index] for index in sorted(kept)]


def selected_predictions(
    predictions: list[Prediction],
    thresholds: Mapping[str, float],
    *,
    spans: bool = False,
    top: int | None = None,
) -> list[Prediction]:
    """Return the predictions of one record to output.

    Parameters
    ----------
    predictions : list of Prediction
        Of a model, and possibly of its members: for the whole record and for its windows.
    thresholds : mapping of str to float
        Threshold of each class.
    spans : bool
        Whether windows become time spans; see `timeline`. With `top`, those of the classes that have the
        highest scores in the whole record.
    top : int, optional
        How many classes to keep for the record, and for each of its windows; by default all.

    Returns
    -------
    list of Prediction
    """
    if top is None:
        return timeline(predictions, thresholds) if spans else predictions
    if not spans:
        return top_predictions(predictions, top)
    whole = top_predictions([one for one in predictions if one.start is None], top)
    kept = {(prediction.model, prediction.label) for prediction in whole}
    windows = [one for one in predictions if one.start is not None and (one.model, one.label) in kept]
    return timeline(whole + windows, thresholds)
