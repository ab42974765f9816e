"""The rules that combine the scores of several models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..aggregation import logits, sigmoid
from ..arrays import BoolArray, Float64Array
from ..choices import RULES, Rule
from ..errors import UsageError

WEIGHTED: tuple[Rule, ...] = ("mean", "logit-mean")
"""The rules with weights for the models."""

DECIDING: tuple[Rule, ...] = ("vote", "all")
"""The rules with thresholds, which decide whether a class is present."""

_JUST_BELOW_HALF = 0.499999
"""The highest score by ``"all"`` of a class that some model rejects: scores have six digits."""


@dataclass(frozen=True, slots=True)
class Fused:
    """The combined scores of several models.

    Attributes
    ----------
    scores : ndarray of float64, shape (k,)
        0 to 1; NaN for a class without any score.
    present : ndarray of bool, shape (k,), or None
        The decisions, from the rules that decide.
    """

    scores: Float64Array
    present: BoolArray | None = None


def fuse_scores(
    scores: ArrayLike, rule: Rule, *, weights: ArrayLike | None = None, thresholds: ArrayLike | None = None
) -> Fused:
    """Fuse the scores of m models for k classes of one item.

    Parameters
    ----------
    scores : array of shape (m, k)
        0 to 1; NaN where a model has no score: the others are combined then.
    rule : {"mean", "logit-mean", "max", "vote", "all"}
        ``"mean"``: the mean of the scores, as kratimenos2020 (section V) averages models of one fold.
        ``"logit-mean"``: the sigmoid of the mean of their logits. ``"max"``: the highest score. ``"vote"``:
        the fraction of the models whose score reaches its threshold; present if that is more than half.
        ``"all"``: present only if every model exceeds its threshold (lumen2023, Table 7); the score is the
        smallest of the models' margins, ``0.5 s / t`` where the score ``s`` does not exceed the threshold
        ``t`` (below 0.5 also where they are equal), and ``0.5 + 0.5 (s - t) / (1 - t)`` above it. A
        threshold of 0.5 on it makes the decisions of the rule, and items can still be ranked.
    weights : array of shape (m,), optional
        Weights of the models, above 0, for ``"mean"`` and ``"logit-mean"``; equal if not given.
    thresholds : array of shape (m, k), optional
        Thresholds of the models, 0 to 1, for ``"vote"`` and ``"all"``; 0.5 if not given.

    Returns
    -------
    Fused
        The combined scores, and the decisions of ``"vote"`` and ``"all"``.

    Raises
    ------
    UsageError
        If the rule is unknown, or weights or thresholds do not go with it or do not fit the scores.

    Examples
    --------
    >>> fuse_scores([[0.2, 0.9], [0.6, 0.7]], "mean").scores.round(3).tolist()
    [0.4, 0.8]
    >>> fused = fuse_scores([[0.2, 0.9], [0.6, 0.7], [0.1, 0.4]], "vote")
    >>> fused.scores.round(3).tolist(), fused.present.tolist()
    ([0.333, 0.667], [False, True])
    """
    if rule not in RULES:
        raise UsageError(f"unknown rule {rule!r}", f"choose from {', '.join(RULES)}")
    S = np.asarray(scores, dtype=np.float64)
    if S.ndim != 2 or not len(S):
        raise UsageError(
            f"no scores to fuse in an array of shape {S.shape}", "give those of at least one model"
        )
    if weights is not None and rule not in WEIGHTED:
        raise UsageError(f"rule {rule!r} has no weights", f"they are for {' and '.join(WEIGHTED)}")
    if thresholds is not None and rule not in DECIDING:
        raise UsageError(f"rule {rule!r} has no thresholds", f"they are for {' and '.join(DECIDING)}")
    known = ~np.isnan(S)
    W = np.ones(len(S)) if weights is None else np.asarray(weights, dtype=np.float64)
    T = np.full(S.shape, 0.5) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    if W.shape != S.shape[:1] or not (W > 0).all() or T.shape != S.shape:
        raise UsageError("weights or thresholds do not fit the scores", "give each model a weight above 0")
    fused = _fused(S, rule, known, W, T)
    return Fused(np.where(known.any(axis=0), fused.scores, np.nan), fused.present)


def _fused(S: Float64Array, rule: Rule, known: BoolArray, W: Float64Array, T: Float64Array) -> Fused:
    if rule == "mean":
        return Fused(_mean(S, known, W))
    if rule == "logit-mean":
        return Fused(sigmoid(_mean(logits(S), known, W)))
    if rule == "max":
        return Fused(np.where(known, S, -1.0).max(axis=0))
    voters = known.sum(axis=0)
    if rule == "vote":
        votes = (S >= T).sum(axis=0)
        return Fused(votes / np.maximum(voters, 1), 2 * votes > voters)
    over = S > T
    present: BoolArray = (over | ~known).all(axis=0) & (voters > 0)
    return Fused(np.where(known, _margins(S, T, over), 1.0).min(axis=0), present)


def _mean(values: Float64Array, known: BoolArray, W: Float64Array) -> Float64Array:
    """Return the weighted mean of each column over its known values; 0 where there is none."""
    weights = np.where(known, W[:, None], 0.0)
    total: Float64Array = (np.where(known, values, 0.0) * weights).sum(axis=0)
    mean: Float64Array = total / np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    return mean


def _margins(S: Float64Array, T: Float64Array, over: BoolArray) -> Float64Array:
    """Return each score rescaled such that its threshold is at 0.5."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(T > 0, 0.5 * S / T, 0.5)  # nothing lies below a threshold of 0
        above = 0.5 + 0.5 * (S - T) / (1 - T)  # nothing above a threshold of 1, where this branch is not used
    return np.where(over, above, np.minimum(below, _JUST_BELOW_HALF))
