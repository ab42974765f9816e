"""Scores against the number of instruments present: Chen et al. (2024), Fig. 6 to 8."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..choices import ClassRatio
from ..errors import UsageError
from ..score.result import LevelScores, ScoreReport
from .style import (
    characters,
    letters,
    look,
    new_figure,
    set_legend,
    short_names,
    shortened,
    spread,
    styled,
)

_RATIOS: dict[ClassRatio, str] = {"tpr": "true positive rate", "accuracy": "accuracy"}
_HINT = "make it by im-score with `fmt=jsonl` from records with several labels"
_LABEL = 0.3
"""Height of a label beside a line, in centimetres."""
_LEADER: dict[str, Any] = {
    "arrowstyle": "-",
    "linewidth": 0.4,
    "relpos": (0, 0.5),
    "shrinkA": 0,
    "shrinkB": 2,
}


@styled
def draw_polyphony(reports: Sequence[ScoreReport], *, width: float, title: str | None = None) -> Figure:
    """Draw intersection over union and exact match ratio against polyphony, a line for each model.

    Parameters
    ----------
    reports : sequence of ScoreReport
        At least one.
    width : float
        In centimetres.
    title : str, optional
        Above both panels.

    Returns
    -------
    Figure
        To be rendered with `imtools.plot.render.render`.

    Raises
    ------
    UsageError
        If there are no levels of polyphony.
    """
    _check(reports)
    side_by_side = width >= 11
    figure = new_figure(width, 5.5 if side_by_side else 8.5, title)
    panels = figure.subplots(*((1, 2) if side_by_side else (2, 1)), sharex=True, squeeze=False)
    quantities = (("IoU accuracy", "iou"), ("exact match ratio", "emr"))
    for ax, (name, key) in zip(panels.flat, quantities, strict=True):
        for number, report in enumerate(reports):
            style = look(number)
            levels = [level.polyphony for level in _levels(report)]
            values = [getattr(level, key) for level in _levels(report)]
            ax.plot(levels, values, color=style.colour, linestyle=style.stroke, marker=style.marker)
        _axes(ax, reports, name, width / (2 if side_by_side else 1) - 1.5, counted=len(reports) == 1)
    if not side_by_side:
        panels[0, 0].set_xlabel("")
        panels[0, 0].tick_params(labelbottom=False)
    if len(reports) > 1:
        names = short_names([report.model for report in reports], characters(width - 2))
        set_legend(figure, panels[0, 0].lines, names, width)
    return figure


@styled
def draw_polyphony_by_class(
    reports: Sequence[ScoreReport], *, ratio: ClassRatio, width: float, title: str | None = None
) -> Figure:
    """Draw a ratio of each class against polyphony, a line for each class and a panel for each model.

    Parameters
    ----------
    reports : sequence of ScoreReport
        At least one.
    ratio : {"tpr", "accuracy"}
        True positive rate, or the fraction of correct decisions.
    width : float
        In centimetres.
    title : str, optional
        Above all panels.

    Returns
    -------
    Figure
        To be rendered with `imtools.plot.render.render`.

    Raises
    ------
    UsageError
        If there are no levels of polyphony, or no classes in them.
    """
    _check(reports)
    classes = list(
        dict.fromkeys(name for report in reports for level in _levels(report) for name in level.classes)
    )
    if not classes:
        raise UsageError(f"{reports[0].model} has no classes at its levels of polyphony", _HINT)
    columns = max(1, min(len(reports), int(width / 8)))
    rows = math.ceil(len(reports) / columns)
    height = max(5.5, _LABEL * len(classes) + 1.8)
    figure = new_figure(width, rows * height, title)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in panels[len(reports) :]:
        ax.remove()
    fits = characters(width / columns)
    for ax, report, letter in zip(panels, reports, letters(len(reports)), strict=False):
        _axes(ax, [report], _RATIOS[ratio], 0.7 * width / columns - 1.5, counted=True)
        _lines(ax, report, classes, ratio, least=_LABEL / (height - 2.2), most=fits // 4)
        if len(reports) > 1:
            ax.set_title(letter + shortened(report.model, fits), loc="left")
    return figure


def _check(reports: Sequence[ScoreReport]) -> None:
    if not reports:
        raise UsageError("no scores to draw", _HINT)
    for report in reports:
        check_levels(report)


def check_levels(report: ScoreReport) -> None:
    """Raise UsageError if a report has no scores by polyphony."""
    if not report.levels:
        raise UsageError(f"{report.model} has no levels of polyphony", _HINT)
    if not all(level.num_items for level in report.levels):
        raise UsageError(f"{report.model} has levels of polyphony without a number of items", _HINT)


def _levels(report: ScoreReport) -> list[LevelScores]:
    return sorted(report.levels, key=lambda level: level.polyphony)


def _axes(ax: Axes, reports: Sequence[ScoreReport], name: str, breadth: float, *, counted: bool) -> None:
    """Set up an axis of levels; ``breadth`` is in centimetres, ``counted`` adds the number of items."""
    levels = sorted({level.polyphony for report in reports for level in report.levels})
    items = {level.polyphony: level.num_items for level in reports[0].levels}
    longest = max(len(f"({count})") for count in items.values()) if counted else 2
    step = math.ceil((levels[-1] - levels[0] + 1) * (longest + 1) / characters(breadth))
    shown = [level for level in levels if (level - levels[0]) % step == 0]
    ax.set_xticks(shown, [f"{level}\n({items[level]})" if counted else str(level) for level in shown])
    ax.set_xlim(levels[0] - 0.3, levels[-1] + 0.3)
    ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel(name)
    ax.set_xlabel("instruments sounding" + (" (items)" if counted else ""))
    ax.grid(axis="y")


def _lines(
    ax: Axes, report: ScoreReport, classes: Sequence[str], ratio: str, least: float, most: int
) -> None:
    """Draw the lines of a model's classes, and write each name beside the end of its line."""
    levels = [level.polyphony for level in _levels(report)]
    ends: list[tuple[int, float, float]] = []
    for number, label in enumerate(classes):
        style = look(number)
        found = (level.classes.get(label) for level in _levels(report))
        values = np.array([math.nan if scores is None else getattr(scores, ratio) for scores in found])
        ax.plot(levels, values, color=style.colour, linestyle=style.stroke, marker=style.marker)
        known = np.flatnonzero(~np.isnan(values))
        if len(known):
            ends.append((number, levels[known[-1]], float(values[known[-1]])))
    names = short_names(classes, most)
    places = spread([value for *_, value in ends], least)
    beyond = max([0.0, *(place - 1.03 for place in places), *(-0.03 - place for place in places)])
    ax.set_ylim(-0.03 - beyond, 1.03 + beyond)
    ax.set_yticks(np.linspace(0, 1, 6))
    right = ax.get_xlim()[1]
    for (number, x, value), place in zip(ends, places, strict=True):
        style = look(number)
        ax.annotate(
            names[number],
            xy=(x, value),
            xytext=(right + 0.04 * (right - ax.get_xlim()[0]), place),
            color=style.colour,
            va="center",
            fontsize=7,
            annotation_clip=False,
            arrowprops=_LEADER | {"color": style.colour},
        )
