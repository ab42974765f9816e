"""F1 against the threshold, class by class: Lumen (2023), Fig. 6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..errors import UsageError
from ..score.grid import GridCounts, plateau_middle
from .style import (
    characters,
    look,
    new_figure,
    panel_grid,
    set_legend,
    short_names,
    styled,
)

DEFAULT_THRESHOLD = 0.5
"""The threshold if none is chosen."""
_MIN_PANEL_CM = 2.5
"""Minimum width of a panel, in centimetres."""


@dataclass(frozen=True)
class Sweep:
    """The decisions of one model at all thresholds.

    Attributes
    ----------
    model : str
        Its name.
    classes : list of str
        The columns.
    counts : GridCounts
        The counts of decisions at each threshold.
    """

    model: str
    classes: list[str]
    counts: GridCounts


@styled
def draw_thresholds(sweeps: Sequence[Sweep], *, width: float, title: str | None = None) -> Figure:
    """Draw F1 against the threshold, a panel for each class and a line for each model.

    A marker shows each best threshold (the middle of the best ones), a thin line 0.5.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One for each model.
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
    classes = list(dict.fromkeys(label for sweep in sweeps for label in sweep.classes))
    if not classes:
        raise UsageError("no predictions to draw", "give labelled records with predictions of im-predict")
    rows, columns = panel_grid(len(classes), _MIN_PANEL_CM, width - 0.8)
    side = (width - 0.8) / columns
    figure = new_figure(width, rows * (min(side, 6.0) * 0.8 + 0.35) + 1.6, title)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for ax in axes[len(classes) :]:
        ax.remove()
    titles = short_names(classes, characters(side, 8))
    for number, (ax, label) in enumerate(zip(axes, classes, strict=False)):
        _panel(ax, sweeps, label)
        ax.set_title(titles[number], loc="left")
        ax.tick_params(labelbottom=number + columns >= len(classes))
    figure.supxlabel("threshold", fontsize=8)
    figure.supylabel("F1", fontsize=8)
    names = short_names([sweep.model for sweep in sweeps], characters(width - 2))
    lines = [Line2D([], [], color=look(k).colour, linestyle=look(k).stroke) for k in range(len(sweeps))]
    best = Line2D([], [], color="0.2", marker="o", linestyle="none")
    handles, shown = ([*lines, best], [*names, "best"]) if len(sweeps) > 1 else ([best], ["best"])
    set_legend(figure, handles, shown, width)
    return figure


def _panel(ax: Axes, sweeps: Sequence[Sweep], label: str) -> None:
    ax.axvline(DEFAULT_THRESHOLD, color="0.6", linewidth=0.6, zorder=0)
    for number, sweep in enumerate(sweeps):
        if label not in sweep.classes:
            continue
        f1 = sweep.counts.f1()[:, sweep.classes.index(label)]
        one = look(number)
        ax.plot(sweep.counts.grid, f1, color=one.colour, linestyle=one.stroke)
        if f1.max() > 0:  # NaN if no label of the class is known
            place = plateau_middle(f1)
            ax.plot(
                sweep.counts.grid[place], f1[place], marker=one.marker if len(sweeps) > 1 else "o",
                color=one.colour, linestyle="none", clip_on=False, zorder=3,
            )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    ax.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    ax.grid(axis="y")
