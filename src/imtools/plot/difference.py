"""Differences of models from a baseline, class by class: Kratimenos et al. (2020), Fig. 3."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..arrays import Float64Array
from ..choices import ClassMetric
from ..errors import UsageError
from ..score.result import Comparison, ScoreReport
from .style import (
    characters,
    look,
    new_figure,
    set_legend,
    short_names,
    shortened,
    styled,
)

_NAMES = {"f1": "F1", "auc": "AUC", "ap": "AP"}
_HINT = "score it by im-score with `baseline`"
_MAX_HEIGHT_CM = 24.0
"""Maximum height in centimetres, that of a page: horizontal bars get thinner to fit."""
_BAR, _GAP = 0.28, 0.25
"""Minimum width of a bar, and the space between classes, in centimetres."""


@styled
def draw_differences(
    reports: Sequence[ScoreReport], *, metric: ClassMetric = "f1", width: float, title: str | None = None
) -> Figure:
    """Draw differences to a baseline as bars, grouped by class, with their intervals as whiskers.

    The baseline's own figure stands in brackets by the class. Where classes or their names do not fit side
    by side, the bars are horizontal.

    Parameters
    ----------
    reports : sequence of ScoreReport
        All compared with the same baseline on the same items.
    metric : str
        One of `imtools.choices.CLASS_METRICS`.
    width : float
        In centimetres.
    title : str, optional
        Above the picture.

    Returns
    -------
    Figure
        To be rendered with `imtools.plot.render.render`.

    Raises
    ------
    UsageError
        If a model was not compared with a baseline, or with another one than the others, or there is nothing
        to draw.
    """
    classes, values = _differences(reports, metric)
    own = [
        f"({value:.2f})" if value >= 0 else "(–)" for value in np.nanmax(values[..., 0], axis=0, initial=-1)
    ]
    room = width - 1.5
    breadth = _breadth(len(reports)) * len(classes)
    horizontal = breadth > room or max(map(len, [*classes, *own])) >= characters(room / len(classes))
    height = min(_MAX_HEIGHT_CM, breadth + 2.0) if horizontal else min(7.0, 0.45 * width + 1.5)
    figure = new_figure(width, height, title)
    ax = figure.subplots()
    _bars(ax, [report.model for report in reports], values, horizontal)
    what = f"difference in {_NAMES.get(metric, metric)} from {shortened(baseline_of(reports[0]).model, 40)}"
    if horizontal:
        names = short_names(classes, max(8, characters(width / 3)))
        ax.set_yticks(range(len(classes)), [" ".join(pair) for pair in zip(names, own, strict=True)])
        ax.set_ylim(len(classes) - 0.5, -0.5)
        ax.set_xlabel(_wrapped(what, characters(room * 2 / 3, 8)))
        ax.axvline(0, color="0.2", linewidth=0.6)
    else:
        ax.set_xticks(range(len(classes)), ["\n".join(pair) for pair in zip(classes, own, strict=True)])
        ax.set_xlim(-0.5, len(classes) - 0.5)
        ax.set_ylabel(_wrapped(what, characters(height - 1.5, 8)))
        ax.axhline(0, color="0.2", linewidth=0.6)
    ax.grid(axis="x" if horizontal else "y")
    ax.tick_params(axis="y" if horizontal else "x", length=0)
    if len(reports) > 1:
        shown = short_names([report.model for report in reports], characters(width - 2))
        handles, _ = ax.get_legend_handles_labels()
        set_legend(figure, handles, shown, width)
    return figure


def baseline_of(report: ScoreReport) -> Comparison:
    """Return the differences from the baseline; raise UsageError if a model was not compared with one."""
    if report.baseline is None:
        raise UsageError(f"{report.model} was not compared with a baseline", _HINT)
    return report.baseline


def _differences(reports: Sequence[ScoreReport], metric: str) -> tuple[list[str], Float64Array]:
    """Return the classes, and (models, classes, 4): baseline, difference, low, high."""
    if not reports:
        raise UsageError("no scores to draw", _HINT)
    baselines = [baseline_of(report) for report in reports]
    for report, baseline in zip(reports, baselines, strict=True):
        if baseline.model != baselines[0].model:
            both = f"{baselines[0].model}, {report.model} with {baseline.model}"
            raise UsageError(f"{reports[0].model} was compared with {both}", "draw them separately")
    classes = list(
        dict.fromkeys(
            label for baseline in baselines for label, found in baseline.classes.items() if metric in found
        )
    )
    values = np.full((len(reports), len(classes), 4), math.nan)
    for model, baseline in enumerate(baselines):
        for column, label in enumerate(classes):
            if (found := baseline.classes.get(label, {}).get(metric)) is not None:
                values[model, column] = (found.value, found.difference, found.low, found.high)
    if not classes or np.isnan(values[..., 1]).all():
        raise UsageError(f"{reports[0].model} has no differences of {metric!r}", _HINT)
    own = values[..., 0]
    varies = np.nanmax(own, axis=0, initial=-1) - np.nanmin(own, axis=0, initial=2) > 1e-9
    if varies.any():
        names = ", ".join(label for label, differs in zip(classes, varies, strict=True) if differs)
        raise UsageError(
            f"the baseline has different scores for {names}", "score all models on the same records"
        )
    return classes, values


def _breadth(models: int) -> float:
    return models * _BAR + _GAP


def _wrapped(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head, _, tail = text.partition(" from ")
    return f"{head}\nfrom {shortened(tail, most)}"


def _bars(ax: Axes, models: Sequence[str], values: Float64Array, horizontal: bool) -> None:
    breadth = _BAR / _breadth(len(models))
    places = np.arange(values.shape[1])
    for number, model in enumerate(models):
        one = look(number)
        at = places + (number - (len(models) - 1) / 2) * breadth
        _, difference, low, high = values[number].T
        area: dict[str, Any] = {
            "facecolor": one.fill,
            "edgecolor": "black",
            "hatch": one.hatch,
            "linewidth": 0.4,
        }
        if horizontal:
            ax.barh(at, difference, breadth, label=model, **area)
            ax.hlines(at, low, high, color="black", linewidth=0.7)
        else:
            ax.bar(at, difference, breadth, label=model, **area)
            ax.vlines(at, low, high, color="black", linewidth=0.7)
