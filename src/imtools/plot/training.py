"""Losses and metrics by epoch: Chen et al. (2024), Fig. 5; Lumen (2023), Fig. 5."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..errors import UsageError
from .history import HINT, ModelHistory
from .style import (
    Look,
    characters,
    look,
    new_figure,
    set_legend,
    shortened,
    styled,
)

_NAMES = {"lrap": "LRAP", "f1_micro": "F1 (micro)", "f1_macro": "F1 (macro)", "f1": "F1", "top1": "top-1"}


@styled
def draw_training(
    histories: Sequence[ModelHistory], *, metric: str | None = None, width: float, title: str | None = None
) -> Figure:
    """Draw losses by epoch: a thin line for each net, a thick one for the mean of a model's nets.

    The mean ends with the net that was stopped first. Rings mark the epochs that were kept.

    Parameters
    ----------
    histories : sequence of ModelHistory
        Training (dashed) and validation loss of one model share a panel; those of several models have a panel
        each.
    metric : str, optional
        A metric on the validation records, for another panel.
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
        If there is no history, or one lacks the metric.
    """
    if not histories:
        raise UsageError("no history to draw", HINT)
    if metric is not None:
        _check_metric(histories, metric)
    panels = _panels(len(histories), metric)
    columns = max(1, min(len(panels), int(width / 5)))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(width, rows * min(6.0, max(4.2, 0.5 * width / columns)) + 0.8, title)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes[len(panels) :]:
        ax.remove()
    handles: dict[str, Artist] = {}
    for ax, (quantity, keys) in zip(axes, panels, strict=False):
        for place, history in enumerate(histories):
            for turn, key in enumerate(keys):
                line_look = look(place if len(histories) > 1 else turn)
                label = (
                    shortened(history.name, characters(width - 1.5)) if len(histories) > 1 else _short(key)
                )
                handles.setdefault(label, _nets(ax, history, key, line_look))
        ax.set_ylabel(quantity)
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(axis="y")
        ax.margins(x=0.03)
    if any(net.kept is not None for history in histories for net in history.nets):
        handles["epoch kept"] = Line2D(
            [], [], marker="o", markersize=5, markerfacecolor="none", linestyle="none", color="0.2"
        )
    if len(handles) > 1:
        set_legend(figure, list(handles.values()), list(handles), width)
    return figure


def _panels(models: int, metric: str | None) -> list[tuple[str, list[str]]]:
    """Return the label and the quantities of each panel."""
    if models == 1:
        panels = [("loss", ["validation_loss", "train_loss"])]
    else:
        panels = [("training loss", ["train_loss"]), ("validation loss", ["validation_loss"])]
    return panels if metric is None else [*panels, (f"{_NAMES.get(metric, metric)} in validation", [metric])]


def _short(key: str) -> str:
    return "training" if key == "train_loss" else "validation"


def _check_metric(histories: Sequence[ModelHistory], metric: str) -> None:
    for history in histories:
        held = {name for net in history.nets for name in net.values if "_loss" not in name}
        if metric not in held:
            listing = f"there are {', '.join(sorted(held))}" if held else "there are none"
            raise UsageError(f"{history.name}: its history has no metric {metric!r}", listing)


def _nets(ax: Axes, history: ModelHistory, key: str, line_look: Look) -> Artist:
    """Draw one quantity of a model's nets; return the line of their mean."""
    nets = [net for net in history.nets if key in net.values]
    if len(nets) > 1:
        for net in nets:
            thin: dict[str, Any] = {"linestyle": line_look.stroke, "linewidth": 0.5, "alpha": 0.6}
            ax.plot(net.epochs, net.values[key], color=line_look.colour, **thin)
    last = min(int(net.epochs[-1]) for net in nets)
    epochs = nets[0].epochs[nets[0].epochs <= last]
    mean = np.mean([net.values[key][: len(epochs)] for net in nets], axis=0)
    (line,) = ax.plot(epochs, mean, color=line_look.colour, linestyle=line_look.stroke, linewidth=1.4)
    for net in nets:
        at = net.epochs == net.kept
        if key != "train_loss" and at.any():
            ax.plot(
                net.epochs[at], net.values[key][at], marker="o", markersize=5, color=line_look.colour,
                markerfacecolor="none", markeredgewidth=0.9, linestyle="none",
            )  # fmt: skip
    if len(epochs) == 1:
        line.set_marker(line_look.marker)
    return line
