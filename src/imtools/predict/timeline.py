"""When each class counts as present: from the scores of windows that may overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Float64Array
from ..errors import UsageError
from ..manifest import Prediction

UNDECIDED = 0.5
"""The threshold of a class that has none."""

_DIGITS = 6
"""Digits of a score: those that a net in single precision stands for."""
_NANOSECONDS = 9
"""Digits of a time in seconds: places that differ by less are one."""


@dataclass(frozen=True, slots=True)
class ActiveSpan:
    """A time throughout which a class counts as present.

    Attributes
    ----------
    column : int
        The class.
    start, duration : float
        In seconds.
    score : float
        The mean score over that time.
    """

    column: int
    start: float
    duration: float
    score: float


def active_spans(
    scores: ArrayLike, starts: ArrayLike, durations: ArrayLike, thresholds: ArrayLike
) -> list[ActiveSpan]:
    """Return when each class counts as present.

    Time is cut wherever a window begins or ends, which is every hop where the window is a whole number of
    hops. The score of a piece is the mean of the windows that cover it; pieces that reach the threshold and
    touch each other are joined. Where no window is, there is nothing to say.

    Parameters
    ----------
    scores : array of shape (n, classes)
        Scores of n windows, 0 to 1.
    starts, durations : array of shape (n,)
        Where the windows lie, in seconds, in any order.
    thresholds : array of shape (classes,)
        From which score on each class counts as present.

    Returns
    -------
    list of ActiveSpan
        Sorted by start, then by class.

    Raises
    ------
    UsageError
        If the shapes do not fit each other.
    """
    S, limits = np.asarray(scores, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    begin = np.asarray(starts, dtype=np.float64)
    end = np.round(begin + np.asarray(durations, dtype=np.float64), _NANOSECONDS)
    begin = np.round(begin, _NANOSECONDS)
    if S.ndim != 2 or begin.shape != end.shape or S.shape != (*begin.shape, *limits.shape):
        shapes = f"{S.shape}, {begin.shape}, {end.shape} and {limits.shape}"
        raise UsageError(f"scores, starts, durations and thresholds have shapes {shapes}", "see stretches")
    places = np.unique(np.concatenate([begin, end]))
    if len(places) < 2:
        return []
    means, covered = _pieces(S, np.searchsorted(places, begin), np.searchsorted(places, end), len(places))
    lengths = np.diff(places)
    found = []
    for column in range(S.shape[1]):
        active = covered & (means[:, column] >= limits[column])
        edges = np.flatnonzero(np.diff(active, prepend=False, append=False))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            score = np.average(means[first:last, column], weights=lengths[first:last])
            duration = round(float(places[last] - places[first]), _NANOSECONDS)
            found.append(ActiveSpan(column, float(places[first]), duration, round(float(score), _DIGITS)))
    return sorted(found, key=lambda one: (one.start, one.column))


def _pieces(
    S: Float64Array, first: NDArray[np.intp], last: NDArray[np.intp], places: int
) -> tuple[Float64Array, NDArray[np.bool_]]:
    """Return the mean score of each piece between two places (pieces, classes), and which are covered."""
    steps, counts = np.zeros((places, S.shape[1])), np.zeros(places, dtype=np.int64)
    np.add.at(steps, first, S)
    np.subtract.at(steps, last, S)
    np.add.at(counts, first, 1)
    np.subtract.at(counts, last, 1)
    depth = counts.cumsum()[:-1, None]
    sums = steps.cumsum(axis=0)[:-1]
    means: Float64Array = np.round(sums / np.maximum(depth, 1), _DIGITS)
    return means, depth[:, 0] > 0


@dataclass(frozen=True, slots=True)
class PredictionFilter:
    """What of a model's predictions is given.

    Attributes
    ----------
    timeline : bool
        Stretches instead of windows.
    top : int or None
        How many classes of each item, and of each of its windows; ``None``: all.
    """

    timeline: bool = False
    top: int | None = None

    def of(self, predictions: list[Prediction], thresholds: Mapping[str, float]) -> list[Prediction]:
        """Return the predictions for one item in this shape.

        Parameters
        ----------
        predictions : list of Prediction
            Of a model, and perhaps of its members: for the whole item and for its windows.
        thresholds : mapping of str to float
            Of each class.
        """
        if self.top is None:
            return timeline(predictions, thresholds) if self.timeline else predictions
        if not self.timeline:
            return top_predictions(predictions, self.top)
        whole = top_predictions([one for one in predictions if one.start is None], self.top)
        kept = {(one.model, one.label) for one in whole}
        windows = [one for one in predictions if one.start is not None and (one.model, one.label) in kept]
        return timeline(whole + windows, thresholds)


def timeline(predictions: Iterable[Prediction], thresholds: Mapping[str, float]) -> list[Prediction]:
    """Return predictions with those for windows replaced by the stretches in which a class is present.

    Parameters
    ----------
    predictions : iterable of Prediction
        Of one item; each of a model's windows has the same classes.
    thresholds : mapping of str to float
        Of each class; 0.5 where there is none.

    Returns
    -------
    list of Prediction
        Model by model: those for the whole item as they are, then the stretches.
    """
    models: dict[str, list[Prediction]] = {}
    for one in predictions:
        models.setdefault(one.model, []).append(one)
    made: list[Prediction] = []
    for model, some in models.items():
        made += [one for one in some if one.start is None]
        windows: dict[tuple[float, float], dict[str, float]] = {}
        for one in some:
            if one.start is not None:
                windows.setdefault((one.start, one.duration or 0.0), {})[one.label] = one.score
        if not windows:
            continue
        labels = list(next(iter(windows.values())))
        scores = [[window[label] for label in labels] for window in windows.values()]
        begin, length = zip(*windows, strict=True)
        limits = [thresholds.get(label, UNDECIDED) for label in labels]
        made += [
            Prediction(model, labels[one.column], one.score, one.start, one.duration, True)
            for one in active_spans(scores, begin, length, limits)
        ]
    return made


def top_predictions(predictions: list[Prediction], count: int) -> list[Prediction]:
    """Return the predictions of the classes with the highest scores, in the order in which they came.

    Parameters
    ----------
    predictions : list of Prediction
        Of one item.
    count : int
        How many classes of each model, for the item and for each of its windows; of equal scores the first.
    """
    places: dict[tuple[str, float | None, float | None], list[int]] = {}
    for place, one in enumerate(predictions):
        places.setdefault((one.model, one.start, one.duration), []).append(place)
    kept = [
        place
        for some in places.values()
        for place in sorted(some, key=lambda place: -predictions[place].score)[:count]
    ]
    return [predictions[place] for place in sorted(kept)]
