"""Confusion matrices of classes, and of each class against the rest: Chen et al. (2024), Fig. 9 to 14."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..arrays import Float64Array, IntArray
from ..errors import UsageError
from ..score.result import SCORES_HINT, ScoreReport
from .style import (
    CM,
    SHARE_COLOURS,
    characters,
    new_figure,
    panel_grid,
    short_names,
    styled,
)

_MIN_FONT_SIZE = 4.0
"""Minimum legible font size in points; smaller numbers are left out."""
_UNKNOWN = "0.85"
"""Grey of rows without items."""
_MIN_PANEL_CM = 2.6
"""Minimum side of the matrix of a class against the rest, in centimetres."""


@styled
def draw_confusion(report: ScoreReport, *, width: float, title: str | None = None) -> Figure:
    """Draw the confusion matrix of the items with one class: colours are shares of a row, numbers are items.

    Parameters
    ----------
    report : ScoreReport
        The scores of one model.
    width : float
        In centimetres.
    title : str, optional
        Above the matrix.

    Returns
    -------
    Figure
        To be rendered with `imtools.plot.render.render`.

    Raises
    ------
    UsageError
        If there is no confusion matrix.
    """
    if report.confusion is None:
        hint = "score items with one label, or draw class against rest with `level=all`"
        raise UsageError(f"{report.model} has no confusion matrix", hint)
    classes = report.confusion.classes
    counts = np.array(report.confusion.counts).reshape(len(classes), len(classes))
    most = max(6, characters(width / 5))
    names = short_names(classes, most)
    margin = 0.135 * max([0, *map(len, names)]) + 1.0
    figure = new_figure(width, width - 1.2 + (0.0 if margin < 1.5 else 0.3), title)
    ax = figure.subplots()
    share = _shares(counts)
    image = ax.imshow(share, cmap=SHARE_COLOURS, vmin=0, vmax=1, interpolation="nearest")
    cell = max(0.1, (width - margin - 2.0) / max(1, len(classes)))
    _numbers(ax, counts, share, cell)
    ax.set_facecolor(_UNKNOWN)
    long = max([0, *map(len, names)]) > characters(cell)
    places = range(len(classes))
    ax.set_xticks(places, names, rotation=90 if long else 0)
    ax.set_yticks(places, names)
    ax.tick_params(length=0)
    for axis in (ax.xaxis, ax.yaxis):
        for label in axis.get_ticklabels():
            label.set_fontsize(min(7.0, max(_MIN_FONT_SIZE, cell * CM * 72 * 0.9)))
    ax.spines[:].set_visible(True)
    ax.set_xlabel("highest score")
    ax.set_ylabel("label")
    bar = figure.colorbar(image, ax=ax, label="share of the label's items", shrink=0.7, aspect=30, pad=0.02)
    bar.ax.tick_params(width=0.5)
    return figure


def against_rest(report: ScoreReport, level: int | None) -> dict[str, IntArray]:
    """Return the confusion matrix of each class against the rest.

    Parameters
    ----------
    report : ScoreReport
        The scores of one model.
    level : int or None
        Of the items with this number of present classes; ``None``: of all items.

    Returns
    -------
    dict of str to ndarray of int, shape (2, 2)
        By class: label (present, absent) by decision (yes, no).

    Raises
    ------
    UsageError
        If there is no such level, or there are no decisions at it.
    """
    if level is None:
        matrices = {scores.label: scores.matrix for scores in report.classes}
    else:
        chosen = [scores for scores in report.levels if scores.polyphony == level]
        if not chosen:
            levels = ", ".join(str(scores.polyphony) for scores in report.levels) or "none"
            raise UsageError(f"{report.model} has no items with {level} instruments", f"its levels: {levels}")
        matrices = {label: scores.matrix for label, scores in chosen[0].classes.items()}
    if not any(matrix.any() for matrix in matrices.values()):
        raise UsageError(f"{report.model} has no classes to draw", SCORES_HINT)
    return matrices


@styled
def draw_against_rest(matrices: Mapping[str, IntArray], *, width: float, title: str | None = None) -> Figure:
    """Draw a matrix of label (rows) and decision (columns) for each class: colours are shares of a row.

    Parameters
    ----------
    matrices : mapping of str to ndarray, shape (2, 2)
        By class, one panel each; see `against_rest`.
    width : float
        In centimetres.
    title : str, optional
        Above all panels.

    Returns
    -------
    Figure
        To be rendered with `imtools.plot.render.render`.
    """
    rows, columns = panel_grid(len(matrices), _MIN_PANEL_CM, width - 1.0)
    side = (width - 1.0) / columns
    figure = new_figure(width, rows * (side + 0.3) + 1.2, title)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for ax in axes[len(matrices) :]:
        ax.remove()
    names = short_names(list(matrices), characters(side, 8))
    for number, (ax, matrix) in enumerate(zip(axes, matrices.values(), strict=False)):
        counts = matrix.astype(np.float64)
        share = _shares(counts)
        ax.imshow(share, cmap=SHARE_COLOURS, vmin=0, vmax=1, interpolation="nearest")
        _numbers(ax, counts, share, side / 2 - 0.3, zeros=True)
        ax.set_facecolor(_UNKNOWN)
        ax.set_title(names[number])
        ax.set_xticks([0, 1], ["yes", "no"])
        ax.set_yticks([0, 1], ["present", "absent"], rotation=90, va="center")
        ax.tick_params(
            length=0, labelbottom=number + columns >= len(matrices), labelleft=number % columns == 0
        )
        ax.spines[:].set_visible(True)
    figure.supxlabel("decision", fontsize=8)
    figure.supylabel("label", fontsize=8)
    return figure


def _shares(counts: Float64Array) -> Float64Array:
    """Return each number as a share of its row; NaN in rows without items."""
    totals = counts.sum(axis=1, keepdims=True)
    shares: Float64Array = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    return shares


def _numbers(
    ax: Axes, counts: Float64Array, share: Float64Array, cell: float, *, zeros: bool = False
) -> None:
    """Write the counts into cells of a side in centimetres: dark on light, light on dark."""
    texts = [[_count(value) for value in row] for row in counts]
    longest = max([1, *(len(text) for row in texts for text in row)])
    size = min(8.0, cell * CM * 72 * 0.9 / (0.62 * longest))
    if size < _MIN_FONT_SIZE:
        return
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column] or zeros:
            dark = share[row, column] > 0.55
            ax.text(
                column, row, texts[row][column], ha="center", va="center", fontsize=size,
                color="white" if dark else "black",
            )  # fmt: skip


def _count(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
