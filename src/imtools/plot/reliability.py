"""The reliability diagram: how often a class with a given score is present (DeGroot & Fienberg 1983)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, StrMethodFormatter

from ..calibrate.fit import Reliability
from ..errors import UsageError
from .style import (
    characters,
    look,
    new_figure,
    set_legend,
    short_names,
    styled,
)


@styled
def draw_reliability(
    models: Sequence[tuple[str, Reliability]], *, width: float, title: str | None = None
) -> Figure:
    """Draw the fraction present against the score, and below it the number of scores.

    On the thin line, scores are probabilities. The legend gives the expected calibration error.

    Parameters
    ----------
    models : sequence of (str, Reliability)
        Names, and the results of `imtools.calibrate.fit.reliability`.
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
        If there is nothing to draw.
    """
    if not models:
        raise UsageError("no predictions to draw", "give labelled records with predictions of im-predict")
    side = min(width, 9.0)
    figure = new_figure(width, side * 1.15 + 0.5 * len(models), title)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 1], [0, 1], color="0.6", linewidth=0.6, zorder=0)
    bins = len(models[0][1].count)
    edges = np.linspace(0, 1, bins + 1)
    for number, (_, one) in enumerate(models):
        seen, own = one.count > 0, look(number)
        upper.plot(
            one.score[seen], one.rate[seen], color=own.colour, linestyle=own.stroke, marker=own.marker,
            clip_on=False,
        )  # fmt: skip
        lower.stairs(one.count, edges, color=own.colour, linestyle=own.stroke)
    upper.set_ylim(0, 1)
    upper.set_ylabel("part that is present")
    upper.grid()
    lower.set_xlim(0, 1)
    lower.set_yscale("log")
    lower.set_ylim(bottom=0.8)
    lower.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    lower.yaxis.set_minor_locator(NullLocator())
    lower.set_xlabel("score")
    lower.set_ylabel("scores")
    names = short_names([name for name, _ in models], characters(width - 4))
    lines = [
        Line2D([], [], color=one.colour, linestyle=one.stroke, marker=one.marker)
        for one in map(look, range(len(models)))
    ]
    shown = [f"{name}: error {one.error:.3f}" for name, (_, one) in zip(names, models, strict=True)]
    set_legend(figure, lines, shown, width)
    return figure
