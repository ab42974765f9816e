"""What all metrics stand on: matrices of one shape with unknown entries, and ratios of counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import BoolArray, Float64Array
from ...errors import UsageError


@dataclass(frozen=True, slots=True)
class Ratios:
    """Precision, recall and F1, each 0 to 1."""

    precision: float
    recall: float
    f1: float


def checked(Y: ArrayLike, S: ArrayLike, known: ArrayLike | None) -> tuple[BoolArray, Float64Array, BoolArray]:
    """Return the three matrices with their types, unknown entries of ``Y`` cleared."""
    scores = np.asarray(S, dtype=np.float64)
    present, mask = _fitting(Y, scores, known, "scores")
    if not np.isfinite(scores[mask]).all():
        raise UsageError("a score is not a finite number", "look for what the model was fed with")
    return present & mask, scores, mask


def checked_decisions(
    Y: ArrayLike, said: ArrayLike, known: ArrayLike | None
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return the three matrices with their types, unknown entries of the first two cleared."""
    decisions = np.asarray(said, dtype=np.bool_)
    present, mask = _fitting(Y, decisions, known, "decisions")
    return present & mask, decisions & mask, mask


def _fitting(
    Y: ArrayLike, other: Float64Array | BoolArray, known: ArrayLike | None, what: str
) -> tuple[BoolArray, BoolArray]:
    present = np.asarray(Y, dtype=np.bool_)
    mask = np.ones_like(present) if known is None else np.asarray(known, dtype=np.bool_)
    if present.ndim != 2 or not present.shape == other.shape == mask.shape:
        shapes = f"labels {present.shape}, {what} {other.shape}, mask {mask.shape}"
        raise UsageError(f"not matrices of one shape: {shapes}", "give items x classes for each")
    return present, mask


def ratios(
    hits: ArrayLike, said: ArrayLike, support: ArrayLike
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return precision, recall and F1 from the counts of hits, of yeses, and of what is there."""
    hits, said, support = (np.asarray(x, dtype=np.float64) for x in (hits, said, support))
    return divide(hits, said), divide(hits, support), divide(2 * hits, said + support)


def divide(a: Float64Array, b: Float64Array) -> Float64Array:
    """Return a / b, and 0 where b is 0."""
    quotient: Float64Array = np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b > 0)
    return quotient


def part(a: ArrayLike, b: ArrayLike) -> Float64Array:
    """Return a / b, and NaN where b is 0: a mean over nothing is not defined."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    shape = np.broadcast_shapes(a.shape, b.shape)
    quotient: Float64Array = np.divide(a, b, out=np.full(shape, np.nan), where=b > 0)
    return quotient


def defined_mean(values: Float64Array) -> float:
    """Return the mean of the values that are not NaN; NaN if there is none."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")
