"""Scores as CSV in long form: one line for each metric, as statistics programs expect it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from .result import CLASS_FIGURES, Difference, Interval, ScoreReport

_NOT_DIFFERENT = Difference(math.nan, math.nan, math.nan, math.nan)
_NO_INTERVAL = Interval(math.nan, math.nan)

COLUMNS = (
    "model", "label", "polyphony", "figure", "value", "low", "high", "fold_mean", "fold_deviation",
    "baseline", "difference", "difference_low", "difference_high",
)  # fmt: skip


def to_csv(scores: ScoreReport) -> str:
    """Return scores as CSV with a header, one line for each metric.

    ``label`` is empty for all classes together, ``polyphony`` for all levels; an undefined number is
    empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for label, polyphony, figure, *numbers in _lines(scores):
        cells = ["" if isinstance(n, float) and math.isnan(n) else n for n in numbers]
        blanks = [""] * (len(COLUMNS) - 4 - len(cells))
        writer.writerow([scores.model, label, polyphony, figure, *cells, *blanks])
    return text.getvalue()


def _lines(scores: ScoreReport) -> Iterator[tuple[object, ...]]:
    drawn, other, folds = scores.intervals, scores.baseline, scores.folds
    yield "", "", "num_items", scores.num_items
    for name, value in scores.figures().items():
        low, high = drawn.overall[name] if drawn else _NO_INTERVAL
        mean, deviation = folds.overall[name] if folds else _NO_INTERVAL
        against = other.overall[name] if other else _NOT_DIFFERENT
        yield "", "", name, value, low, high, mean, deviation, *_numbers(against)
    ones, best = scores.all_ones, scores.oracle
    yield "", "", "all_ones_f1_micro", ones.micro.f1
    yield "", "", "all_ones_f1_macro", ones.macro.f1
    yield "", "", "oracle_f1_micro", best.micro_f1
    yield "", "", "oracle_f1_macro", best.macro_f1
    for row in scores.classes:
        for name in CLASS_FIGURES:
            low, high = drawn.classes[row.label][name] if drawn else _NO_INTERVAL
            against = other.classes[row.label][name] if other else _NOT_DIFFERENT
            yield row.label, "", name, getattr(row, name), low, high, math.nan, math.nan, *_numbers(against)
        for name in ("support", "threshold", "tp", "fp", "fn", "tn", "oracle_threshold", "oracle_f1"):
            yield row.label, "", name, getattr(row, name)
    for level in scores.levels:
        for name in ("num_items", "lrap", "f1_micro", "accuracy", "iou", "emr"):
            yield "", level.polyphony, name, getattr(level, name)
        for label, at_level in level.classes.items():
            for name in ("tpr", "accuracy", "tp", "fp", "fn", "tn"):
                yield label, level.polyphony, name, getattr(at_level, name)


def _numbers(other: Difference) -> tuple[float, float, float, float]:
    return other.value, other.difference, other.low, other.high
