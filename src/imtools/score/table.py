"""Scores as tables of plain text, at most 100 columns wide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from .names import CLASS_NAMES, FIGURES, RANKING
from .result import Comparison, Overall, ScoreReport

_NAME_WIDTH = 28
_MODEL_WIDTH = 88


def format_table(scores: ScoreReport) -> str:
    """Return the scores as aligned plain text, without a newline at the end.

    Longer names are cut, and unprintable characters are escaped; an undefined number is a dash. The
    thresholds have a column of their own where they differ.
    """
    blocks = [_head(scores), _figures(scores, RANKING, "ranking, without a threshold")]
    decided = [name for name in FIGURES if name not in RANKING]
    blocks += [_figures(scores, decided, f"decisions, {_threshold(scores)}"), _oracle(scores)]
    blocks += [_classes(scores), *([_levels(scores)] if len(scores.levels) > 1 else [])]
    if scores.baseline is not None:
        blocks += [_baseline(scores.baseline), _class_differences(scores.baseline)]
    return "\n\n".join("\n".join(block) for block in blocks)


def _head(scores: ScoreReport) -> list[str]:
    left = scores.num_unpredicted, scores.num_unlabelled
    lines = [
        f"model   {_cut(scores.model, _MODEL_WIDTH)}",
        f"items   {scores.num_items} scored, in {scores.num_groups} groups that share no recording",
        f"        left out: {left[0]} without predictions, {left[1]} without labels",
        f"labels  {len(scores.classes)} classes, {100 * scores.known:.1f} % of the entries known",
    ]
    if scores.folds is not None:
        what = "folds of the items" if scores.folds.by == "items" else "members of the model, each alone"
        lines.append(f"folds   mean and deviation over {len(scores.folds.folds)} {what}")
    if scores.degenerate:
        lines.append("NOTE    the model says the same for every item: none of this means anything")
    elif constant := [row.label for row in scores.classes if row.constant]:
        lines.append(f"NOTE    the same score for every item: {_cut(', '.join(constant), 60)}")
    return lines


def _threshold(scores: ScoreReport) -> str:
    thresholds = [row.threshold for row in scores.classes]
    if all(map(math.isnan, thresholds)):
        return "as the predictions say"
    if any(map(math.isnan, thresholds)):
        return "as the predictions say, of other classes at threshold 0.5"
    return f"threshold {thresholds[0]:g}" if len(set(thresholds)) == 1 else "one threshold for each class"


def _figures(scores: ScoreReport, names: Sequence[str], title: str) -> list[str]:
    """Return a line for each metric: value, interval, spread over folds, and the floor."""
    floor = {} if tuple(names) == RANKING else _floor(scores.all_ones)
    head, rows = ["", "value"], []
    if scores.intervals is not None:
        head.append(f"{100 * scores.intervals.confidence:g} % interval")
    if scores.folds is not None:
        head.append("folds")
    if floor:
        head.append("all-ones")
    figures = scores.figures()
    for name in names:
        cells = [FIGURES[name], _cell(figures[name])]
        if scores.intervals is not None:
            cells.append(_span(*scores.intervals.overall[name]))
        if scores.folds is not None:
            spread = scores.folds.overall[name]
            cells.append("-" if math.isnan(spread.mean) else f"{spread.mean:.3f} ± {spread.deviation:.3f}")
        if floor:
            cells.append(_cell(floor[name]) if name in floor else "")
        rows.append(cells)
    return [title, *_aligned([head, *rows])]


def _floor(ones: Overall) -> dict[str, float]:
    """Return the scores of predicting every class everywhere, where they are informative."""
    return {
        "f1_micro": ones.micro.f1,
        "f1_macro": ones.macro.f1,
        "macro_f1_of_means": ones.macro_f1_of_means,
        "accuracy": ones.accuracy,
    }


def _oracle(scores: ScoreReport) -> list[str]:
    best = scores.oracle
    rows = [
        [f"F1, micro, one threshold ({best.threshold:.2f})", _cell(best.micro_f1)],
        ["F1, micro, a threshold for each class", _cell(best.micro_f1_by_class)],
        ["F1, macro, a threshold for each class", _cell(best.macro_f1)],
    ]
    return ["oracle: thresholds chosen on these very items, no estimate for others", *_aligned(rows)]


def _classes(scores: ScoreReport) -> list[str]:
    thresholds = {row.threshold for row in scores.classes}
    common = len(thresholds) == 1 or any(map(math.isnan, thresholds))
    drawn = scores.intervals
    head = ["class", "support", "precision", "recall", "F1"]
    head += ["interval"] if drawn else []
    head += ["AUC", "AP", "accuracy", *([] if common else ["threshold"]), "oracle F1"]
    rows = [head]
    for row in scores.classes:
        cells = [_cut(row.label, _NAME_WIDTH if len(head) < 10 else 20), str(row.support)]
        cells += [_cell(value) for value in (row.precision, row.recall, row.f1)]
        cells += [_span(*drawn.classes[row.label]["f1"])] if drawn else []
        values = (row.auc, row.ap, row.accuracy, *([] if common else [row.threshold]), row.oracle_f1)
        rows.append([*cells, *map(_cell, values)])
    return _aligned(rows)


def _levels(scores: ScoreReport) -> list[str]:
    rows = [["polyphony", "items", "LRAP", "F1, micro", "accuracy", "IoU", "exact match"]]
    for level in scores.levels:
        values = (level.lrap, level.f1_micro, level.accuracy, level.iou, level.emr)
        rows.append([str(level.polyphony), str(level.num_items), *map(_cell, values)])
    return _aligned(rows)


def _baseline(other: Comparison) -> list[str]:
    title = f"against {_cut(other.model, 60)}, on {other.num_items} items (*: the interval leaves 0 out)"
    rows = [["", "baseline", "difference", "interval", ""]]
    for name, label in FIGURES.items():
        change = other.overall[name]
        cells = [_cell(change.value), _signed(change.difference)]
        cells.append(_span(change.low, change.high, signed=True))
        rows.append([label, *cells, "*" if change.clear else ""])
    return [title, *_aligned(rows)]


def _class_differences(other: Comparison) -> list[str]:
    head = ["class", "F1 of baseline", "difference", "interval", ""]
    for name in ("auc", "ap"):
        head += [f"{CLASS_NAMES[name]} difference", ""]
    rows = [head]
    for label, figures in other.classes.items():
        f1 = figures["f1"]
        cells = [_cut(label, _NAME_WIDTH), _cell(f1.value), _signed(f1.difference)]
        cells += [_span(f1.low, f1.high, signed=True), "*" if f1.clear else ""]
        for name in ("auc", "ap"):
            cells += [_signed(figures[name].difference), "*" if figures[name].clear else ""]
        rows.append(cells)
    return _aligned(rows)


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _signed(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.3f}"


def _span(low: float, high: float, *, signed: bool = False) -> str:
    if math.isnan(low):
        return "-"
    return f"{low:+.3f} {high:+.3f}" if signed else f"{low:.3f} {high:.3f}"


def _cut(name: str, width: int) -> str:
    """Return a name cut to a width in columns, with unprintable characters escaped."""
    text = "".join(c if c.isprintable() or combining(c) else repr(c)[1:-1] for c in name)
    if _width(text) <= width:
        return text
    while _width(text) > width - 3:
        text = text[:-1]
    return f"{text}..."


def _width(text: str) -> int:
    """Return the width of a text in columns of a terminal: East Asian characters take two, accents none."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first column aligned left and the others right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        gaps = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [row[0] + gaps[0], *(gap + cell for gap, cell in zip(gaps[1:], row[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines
