"""Class by class, how far models lie above a baseline: Kratimenos et al. (2020), Fig. 3."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..arrays import Float64Array
from ..errors import UsageError
from .scores import ModelScores
from .style import (
    characters,
    look,
    new_figure,
    set_legend,
    short_names,
    shortened,
    styled,
)

METRICS = ("f1", "auc", "ap", "precision", "recall", "accuracy")
"""What can be compared."""
_NAMES = {"f1": "F1", "auc": "AUC", "ap": "AP"}
_HINT = "make it with im-score --format jsonl --baseline MODEL"
_MOST_HEIGHT = 24.0
"""What fits on a page, in centimetres: bars that lie get thinner to fit."""
_BAR, _GAP = 0.28, 0.25
"""Least breadth of a bar, and the room between classes, in centimetres."""


@styled
def draw_differences(
    scores: Sequence[ModelScores], *, metric: str = "f1", width: float, title: str | None = None
) -> Figure:
    """Draw differences to a baseline as bars, grouped by class, with their intervals as whiskers.

    The baseline's own figure stands in brackets by the class. Where classes or their names do not fit side
    by side, the bars lie.

    Parameters
    ----------
    scores : sequence of ModelScores
        All compared with the same baseline on the same items.
    metric : str
        One of ``METRICS``.
    width : float
        In centimetres.
    title : str, optional
        Above the picture.

    Raises
    ------
    UsageError
        If a model was compared with nothing, or with something else than the others, or there is nothing
        to draw.
    """
    classes, values = _differences(scores, metric)
    own = [
        f"({value:.2f})" if value >= 0 else "(–)" for value in np.nanmax(values[..., 0], axis=0, initial=-1)
    ]
    room = width - 1.5
    breadth = _breadth(len(scores)) * len(classes)
    lying = breadth > room or max(map(len, [*classes, *own])) >= characters(room / len(classes))
    height = min(_MOST_HEIGHT, breadth + 2.0) if lying else min(7.0, 0.45 * width + 1.5)
    figure = new_figure(width, height, title)
    ax = figure.subplots()
    _bars(ax, [one.model for one in scores], values, lying)
    what = f"difference in {_NAMES.get(metric, metric)} from {shortened(str(scores[0].baseline), 40)}"
    if lying:
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
    ax.grid(axis="x" if lying else "y")
    ax.tick_params(axis="y" if lying else "x", length=0)
    if len(scores) > 1:
        shown = short_names([one.model for one in scores], characters(width - 2))
        handles, _ = ax.get_legend_handles_labels()
        set_legend(figure, handles, shown, width)
    return figure


def _differences(scores: Sequence[ModelScores], metric: str) -> tuple[list[str], Float64Array]:
    """Return the classes, and (models, classes, 4): baseline, difference, low, high."""
    if not scores:
        raise UsageError("no scores to draw", _HINT)
    for one in scores:
        if one.baseline is None:
            raise UsageError(f"{one.place}: {one.model} was compared with no baseline", _HINT)
        if one.baseline != scores[0].baseline:
            both = f"{scores[0].baseline}, {one.model} with {one.baseline}"
            raise UsageError(f"{one.place}: {scores[0].model} was compared with {both}", "draw them apart")
    classes = list(
        dict.fromkeys(row.label for one in scores for row in one.classes if metric in row.baseline)
    )
    values = np.full((len(scores), len(classes), 4), math.nan)
    for place, one in enumerate(scores):
        for row in one.classes:
            if metric in row.baseline:
                found = row.baseline[metric]
                values[place, classes.index(row.label)] = (
                    found.value, found.difference, found.low, found.high
                )  # fmt: skip
    if not classes or np.isnan(values[..., 1]).all():
        raise UsageError(f"{scores[0].place}: has no differences of {metric!r}", _HINT)
    own = values[..., 0]
    wanders = np.nanmax(own, axis=0, initial=-1) - np.nanmin(own, axis=0, initial=2) > 1e-9
    if wanders.any():
        names = ", ".join(label for label, differs in zip(classes, wanders, strict=True) if differs)
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


def _bars(ax: Axes, models: Sequence[str], values: Float64Array, lying: bool) -> None:
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
        if lying:
            ax.barh(at, difference, breadth, label=model, **area)
            ax.hlines(at, low, high, color="black", linewidth=0.7)
        else:
            ax.bar(at, difference, breadth, label=model, **area)
            ax.vlines(at, low, high, color="black", linewidth=0.7)
