"""Uncertainty of the scores: intervals, and paired differences from another model."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import BoolArray, Float64Array
from ..errors import ImtoolsWarning, UsageError
from .bootstrap import bootstrap, interval
from .collect import LabelledScores
from .judge import Threshold, decisions_of, judge
from .result import (
    CLASS_FIGURES,
    Comparison,
    Difference,
    Interval,
    Intervals,
    ScoreReport,
)

FEW_GROUPS = 10
"""With fewer groups, resamples underestimate how much other recordings would differ."""

_Samples = dict[str, Float64Array]


@dataclass(frozen=True, slots=True)
class Resampling:
    """How to draw resamples of the recordings.

    Attributes
    ----------
    replicates : int
        The number of resamples; 0 for no intervals.
    confidence : float
        The fraction of the resamples within an interval, above 0 and below 1.
    seed : int
        Seed of the draws.
    """

    replicates: int = 1000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the confidence."""
        if not 0 < self.confidence < 1:
            raise UsageError(f"a confidence of {self.confidence:g} is not between 0 and 1", "try 0.95")


def with_intervals(
    scores: ScoreReport, data: LabelledScores, threshold: Threshold, resampling: Resampling
) -> tuple[ScoreReport, _Samples | None]:
    """Return scores with bootstrap intervals, and the resamples that these come from.

    Parameters
    ----------
    scores : ScoreReport
        What `judge` returned for ``data`` and ``threshold``.
    data : LabelledScores
        The matrices.
    threshold : float, mapping of str to float, or None
        See `Threshold`.
    resampling : Resampling
        How to draw.

    Returns
    -------
    scores : ScoreReport
        Without intervals, if there is only one recording.
    samples : dict of str to ndarray, or None
        What `bootstrap` returned.

    Warns
    -----
    ImtoolsWarning
        If there is only one recording, or so few that the intervals are too narrow.
    """
    if not resampling.replicates:
        return scores, None
    if scores.num_groups < 2:
        reason = "all items are of one recording, or connected by mixes"
        warnings.warn(ImtoolsWarning(f"no intervals: {reason}"), stacklevel=3)
        return scores, None
    if scores.num_groups < FEW_GROUPS:
        reason = f"only {scores.num_groups} groups of items share no recording, directly or through mixes"
        warnings.warn(ImtoolsWarning(f"the intervals are too narrow: {reason}"), stacklevel=3)
    samples = _drawn(data, decisions_of(data, threshold)[0], resampling)
    overall = {name: _interval(samples[name], resampling) for name in scores.figures()}
    classes = {
        name: {figure: _interval(samples[f"class_{figure}"][:, k], resampling) for figure in CLASS_FIGURES}
        for k, name in enumerate(data.classes)
    }
    drawn = Intervals(resampling.confidence, resampling.replicates, scores.num_groups, overall, classes)
    return replace(scores, intervals=drawn), samples


def compare(
    data: LabelledScores,
    other: LabelledScores,
    thresholds: tuple[Threshold, Threshold],
    resampling: Resampling,
    samples: _Samples | None = None,
) -> Comparison:
    """Return the differences between the scores of two models, on the items that both have scored.

    Parameters
    ----------
    data, other : LabelledScores
        The scores of both, of the same classes.
    thresholds : (Threshold, Threshold)
        The threshold of each.
    resampling : Resampling
        How to draw. A resample has the same recordings for both.
    samples : dict of str to ndarray, optional
        The resampled metrics of ``data``, if they have been computed.

    Returns
    -------
    Comparison
        The scores of ``other``, and what those of ``data`` exceed them by.

    Raises
    ------
    UsageError
        If the models share no item, or the labels of one item differ.

    Warns
    -----
    ImtoolsWarning
        If some items have been scored by only one of them.
    """
    ours, theirs = _matched(data, other)
    if not (np.array_equal(ours.y_true, theirs.y_true) and np.array_equal(ours.known, theirs.known)):
        unlike = np.flatnonzero(((ours.y_true != theirs.y_true) | (ours.known != theirs.known)).any(axis=1))
        hint = "score both models on the same manifest"
        raise UsageError(
            f"item {ours.ids[unlike[0]]} has other labels in the records with the scores of {other.model}",
            hint,
        )
    a, b = judge(ours, thresholds[0]), judge(theirs, thresholds[1])
    drawn: _Samples = {}
    if resampling.replicates and a.num_groups > 1:
        if samples is None or len(ours.ids) < len(data.ids):
            samples = _drawn(ours, decisions_of(ours, thresholds[0])[0], resampling)
        same_draws = replace(theirs, groups=ours.groups)
        others = _drawn(same_draws, decisions_of(theirs, thresholds[1])[0], resampling)
        drawn = {name: samples[name] - others[name] for name in samples}
    own, base = a.figures(), b.figures()
    overall = {name: _difference(own[name], base[name], drawn.get(name), resampling) for name in own}
    classes = {
        name: {
            figure: _difference(
                getattr(a.classes[k], figure),
                getattr(b.classes[k], figure),
                drawn[f"class_{figure}"][:, k] if drawn else None,
                resampling,
            )
            for figure in CLASS_FIGURES
        }
        for k, name in enumerate(ours.classes)
    }
    return Comparison(other.model, len(ours.ids), overall, classes)


def _matched(data: LabelledScores, other: LabelledScores) -> tuple[LabelledScores, LabelledScores]:
    """Return the items that both have, in the order of the first."""
    places = {name: row for row, name in enumerate(other.ids)}
    rows = np.array([row for row, name in enumerate(data.ids) if name in places], dtype=np.int64)
    if not len(rows):
        raise UsageError(
            f"no item has scores of both {data.model} and {other.model}", "score both on the same manifest"
        )
    alone = len(data.ids) - len(rows), len(other.ids) - len(rows)
    if any(alone):
        reason = f"{alone[0]} are scored only by {data.model}, {alone[1]} only by {other.model}"
        message = f"{len(rows)} items are compared: {reason}"
        warnings.warn(ImtoolsWarning(message), stacklevel=4)
    return data.take(rows), other.take(np.array([places[data.ids[row]] for row in rows], dtype=np.int64))


def _drawn(data: LabelledScores, y_pred: BoolArray, resampling: Resampling) -> _Samples:
    return bootstrap(
        data.y_true,
        data.y_score,
        y_pred,
        data.known,
        data.groups,
        replicates=resampling.replicates,
        seed=resampling.seed,
    )


def _interval(samples: Float64Array, resampling: Resampling) -> Interval:
    low, high = interval(samples, resampling.confidence)
    return Interval(float(low), float(high))


def _difference(own: float, base: float, samples: Float64Array | None, resampling: Resampling) -> Difference:
    low, high = (np.nan, np.nan) if samples is None else _interval(samples, resampling)
    return Difference(base, own - base, float(low), float(high))
