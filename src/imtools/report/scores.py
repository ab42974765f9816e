"""The report of a scoring, as a page of HTML."""

from __future__ import annotations

import math

from .. import __version__
from ..plot import render_svg
from ..plot.confusion import draw_confusion
from ..plot.polyphony import draw_polyphony
from ..score.names import CLASS_NAMES, FIGURES
from ..score.resample import FEW_GROUPS
from ..score.result import Comparison, Difference, Interval, ScoreReport
from .page import Bar, Page

_WIDTH_CM = 15.0


def scores_page(scores: ScoreReport) -> str:
    """Return scores as one page of HTML, with tables and pictures.

    Parameters
    ----------
    scores : ScoreReport
        The scores to show.

    Returns
    -------
    str
        HTML that loads nothing from elsewhere.
    """
    page = Page(f"Scores of {scores.model}")
    page.text(
        f"{scores.num_items} items in {scores.num_groups} groups that share no recording, "
        f"{len(scores.classes)} classes, {100 * scores.known:.1f} % of the labels known; "
        f"left out: {scores.num_unpredicted} items without predictions, {scores.num_unlabelled} without "
        "labels."
    )
    if scores.degenerate:
        page.text("The model gives every item the same scores: none of this means anything.", kind="warning")
    elif constant := [row.label for row in scores.classes if row.constant]:
        page.text(f"The same score for every item: {', '.join(constant)}.", kind="warning")
    _figures(page, scores)
    _classes(page, scores)
    if len(scores.levels) > 1:
        _levels(page, scores)
    if scores.confusion is not None:
        page.heading("Which class is taken for which")
        figure = draw_confusion(scores, width=_WIDTH_CM)
        page.picture(render_svg(figure), "Items with one class, by the highest score.")
    if scores.baseline is not None:
        _baseline(page, scores.baseline)
    return page.html(f"Made by im-score of imtools {__version__}.")


def _figures(page: Page, scores: ScoreReport) -> None:
    intervals, folds, ones = scores.intervals, scores.folds, scores.all_ones
    floor = {"f1_micro": ones.micro.f1, "f1_macro": ones.macro.f1, "accuracy": ones.accuracy}
    head = ["", "value"]
    if intervals is not None:
        head.append(f"{100 * intervals.confidence:g} % interval")
    if folds is not None:
        head.append("folds, mean ± deviation")
    head.append("all-ones")
    rows: list[list[object]] = []
    for name, value in scores.figures().items():
        row: list[object] = [FIGURES[name], Bar(value)]
        if intervals is not None:
            row.append(_span(intervals.overall[name]))
        if folds is not None:
            mean, deviation = folds.overall[name]
            row.append("–" if math.isnan(mean) else f"{mean:.3f} ± {deviation:.3f}")
        rows.append([*row, floor.get(name, "")])
    page.heading("All classes together")
    page.table(head, rows)
    if intervals is not None:
        few = ", too few: these intervals are too narrow" if intervals.groups < FEW_GROUPS else ""
        page.text(
            f"Intervals: the middle {100 * intervals.confidence:g} % of {intervals.replicates} resamples of "
            f"the {intervals.groups} groups{few}.",
            kind="note",
        )
    if folds is not None:
        which = (
            "of the items, each scored apart" if folds.by == "items" else "members, each alone on all items"
        )
        page.text(f"Folds: {len(folds.folds)} {which}.", kind="note")
    oracle = scores.oracle
    page.heading("Oracle")
    page.text(
        "Scores with thresholds chosen on these very items: a ceiling, and no estimate for other items.",
        kind="note",
    )
    page.table(
        ["thresholds", "F1, micro", "F1, macro"],
        [
            [f"one for all classes ({oracle.threshold:.2f})", oracle.micro_f1, ""],
            ["one for each class", oracle.micro_f1_by_class, oracle.macro_f1],
        ],
    )


def _classes(page: Page, scores: ScoreReport) -> None:
    intervals = scores.intervals
    head = ["class", "support", "threshold", "precision", "recall", "F1"]
    head += ["interval of F1"] if intervals else []
    rows: list[list[object]] = []
    for row in scores.classes:
        interval = [_span(intervals.classes[row.label]["f1"])] if intervals else []
        head_cells: list[object] = [row.label, row.support, row.threshold, row.precision, row.recall]
        rows.append([*head_cells, Bar(row.f1), *interval, row.auc, row.ap, row.accuracy, row.oracle_f1])
    page.heading("Each class")
    page.table([*head, "AUC", "AP", "accuracy", "oracle F1"], rows)
    page.heading("Decisions about each class")
    counts = [[row.label, row.tp, row.fn, row.fp, row.tn] for row in scores.classes]
    page.table(["class", "true positives", "false negatives", "false positives", "true negatives"], counts)


def _levels(page: Page, scores: ScoreReport) -> None:
    page.heading("By polyphony")
    page.table(
        [
            "classes present",
            "items",
            "LRAP",
            "F1, micro",
            "accuracy",
            "intersection over union",
            "exact match",
        ],
        [
            [
                str(level.polyphony),
                level.num_items,
                level.lrap,
                level.f1_micro,
                level.accuracy,
                level.iou,
                level.emr,
            ]
            for level in scores.levels
        ],
    )
    figure = draw_polyphony([scores], width=_WIDTH_CM)
    page.picture(render_svg(figure), "Intersection over union, and exact matches, by the number of classes.")
    page.text("True positive rate of each class:", kind="note")
    page.table(
        ["class", *(str(level.polyphony) for level in scores.levels)],
        [[row.label, *(level.classes[row.label].tpr for level in scores.levels)] for row in scores.classes],
    )


def _baseline(page: Page, other: Comparison) -> None:
    page.heading(f"Against {other.model}")
    page.text(
        f"On {other.num_items} items that both have scored. The star marks intervals that exclude 0; they "
        "come from resamples of the same recordings for both.",
        kind="note",
    )
    head = ["", "baseline", "difference", "interval", ""]
    page.table(head, [[FIGURES[name], *_change(change)] for name, change in other.overall.items()])
    shown = ("f1", "auc", "ap")
    head = ["class", *(cell for name in shown for cell in (CLASS_NAMES[name], "interval", ""))]
    rows = [
        [label, *(cell for name in shown for cell in _change(figures[name])[1:])]
        for label, figures in other.classes.items()
    ]
    page.table(head, rows)


def _change(change: Difference) -> list[object]:
    difference = "–" if math.isnan(change.difference) else f"{change.difference:+.3f}"
    span = _span(Interval(change.low, change.high), signed=True)
    return [change.value, difference, span, "*" if change.clear else ""]


def _span(interval: Interval, *, signed: bool = False) -> str:
    if math.isnan(interval.low):
        return "–"
    sign = "+" if signed else ""
    return f"{interval.low:{sign}.3f} to {interval.high:{sign}.3f}"
