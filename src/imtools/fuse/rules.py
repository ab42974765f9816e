"""The rules by which the scores of several models become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ..aggregation import logits, sigmoid
from ..arrays import BoolArray, Float64Array
from ..errors import UsageError

Rule = Literal["mean", "logit-mean", "max", "vote", "all"]
"""How scores are fused; see `fuse_scores`."""

RULES: tuple[Rule, ...] = get_args(Rule)

WEIGHTED: tuple[Rule, ...] = ("mean", "logit-mean")
"""The rules that can give one model more weight than another."""

DECIDING: tuple[Rule, ...] = ("vote", "all")
"""The rules that need thresholds, and decide what is present."""

_NOT_QUITE = 0.499999
"""The highest score of a class that not all models find: scores have six digits."""


@dataclass(frozen=True, slots=True)
class Fused:
    """What several models say together.

    Attributes
    ----------
    scores : ndarray of float64, shape (k,)
        0 to 1; NaN for a class that no model knows.
    present : ndarray of bool, shape (k,), or None
        What counts as a yes, from the rules that decide it.
    """

    scores: Float64Array
    present: BoolArray | None = None


def fuse_scores(
    scores: ArrayLike, rule: Rule, *, weights: ArrayLike | None = None, limits: ArrayLike | None = None
) -> Fused:
    """Fuse the scores of m models for k classes of one item.

    Parameters
    ----------
    scores : array of shape (m, k)
        0 to 1; NaN where a model has no say, which leaves the word to the others.
    rule : {"mean", "logit-mean", "max", "vote", "all"}
        The mean of the scores, as kratimenos2020 (section V) averages models of one fold; the sigmoid of the
        mean of their logits; the highest score; the part of the models whose score reaches its threshold,
        present if that is more than half; or present only if every model exceeds its threshold (lumen2023,
        Table 7). The score of the last is the smallest of the models' margins: ``0.5 s / t`` where the
        score ``s`` does not exceed the threshold ``t`` (below 0.5 also where they are equal), and ``0.5 +
        0.5 (s - t) / (1 - t)`` above it. So 0.5 divides it as the rule does, and items still have an order.
    weights : array of shape (m,), optional
        Of the models, above 0, for the first two rules; all the same if not given.
    limits : array of shape (m, k), optional
        Thresholds of the models, 0 to 1, for the last two rules; 0.5 if not given.

    Raises
    ------
    UsageError
        If the rule is unknown, or weights or thresholds do not go with it or with the scores.
    """
    if rule not in RULES:
        raise UsageError(f"unknown rule {rule!r}", f"choose from {', '.join(RULES)}")
    S = np.asarray(scores, dtype=np.float64)
    if S.ndim != 2 or not len(S):
        raise UsageError(
            f"no scores to fuse in an array of shape {S.shape}", "give those of one model at least"
        )
    if weights is not None and rule not in WEIGHTED:
        raise UsageError(f"rule {rule!r} knows no weights", f"they are for {' and '.join(WEIGHTED)}")
    if limits is not None and rule not in DECIDING:
        raise UsageError(f"rule {rule!r} knows no thresholds", f"they are for {' and '.join(DECIDING)}")
    known = ~np.isnan(S)
    W = np.ones(len(S)) if weights is None else np.asarray(weights, dtype=np.float64)
    T = np.full(S.shape, 0.5) if limits is None else np.asarray(limits, dtype=np.float64)
    if W.shape != S.shape[:1] or not (W > 0).all() or T.shape != S.shape:
        raise UsageError("weights or thresholds do not fit the scores", "give a weight above 0 a model")
    fused = _fused(S, rule, known, W, T)
    return Fused(np.where(known.any(axis=0), fused.scores, np.nan), fused.present)


def _fused(S: Float64Array, rule: Rule, known: BoolArray, W: Float64Array, T: Float64Array) -> Fused:
    if rule == "mean":
        return Fused(_mean(S, known, W))
    if rule == "logit-mean":
        return Fused(sigmoid(_mean(logits(S), known, W)))
    if rule == "max":
        return Fused(np.where(known, S, -1.0).max(axis=0))
    asked = known.sum(axis=0)
    if rule == "vote":
        yes = (S >= T).sum(axis=0)
        return Fused(yes / np.maximum(asked, 1), 2 * yes > asked)
    over = S > T
    present: BoolArray = (over | ~known).all(axis=0) & (asked > 0)
    return Fused(np.where(known, _margins(S, T, over), 1.0).min(axis=0), present)


def _mean(values: Float64Array, known: BoolArray, W: Float64Array) -> Float64Array:
    """Return the weighted mean of each column over its known values; 0 where there is none."""
    weights = np.where(known, W[:, None], 0.0)
    total: Float64Array = (np.where(known, values, 0.0) * weights).sum(axis=0)
    mean: Float64Array = total / np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    return mean


def _margins(S: Float64Array, T: Float64Array, over: BoolArray) -> Float64Array:
    """Return how far each score is from its threshold, which lies at 0.5."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(T > 0, 0.5 * S / T, 0.5)  # nothing lies below a threshold of 0
        above = 0.5 + 0.5 * (S - T) / (1 - T)  # nothing above one of 1, where this is not taken
    return np.where(over, above, np.minimum(below, _NOT_QUITE))
