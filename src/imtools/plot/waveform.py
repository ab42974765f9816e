"""Waveforms, with their labels as bars below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from ..arrays import Float32Array
from ..errors import UsageError
from .style import (
    COLOURS,
    HATCHES,
    characters,
    letters,
    new_figure,
    short_names,
    shortened,
    styled,
)

MAX_WAVES = 12
"""More waveforms would not fit on a page."""
COLUMNS = 1500
"""Columns of an envelope: the resolution of a printer on two columns of a page."""
_WAVE, _ROW, _HEAD = 1.5, 0.36, 0.55
"""Heights in centimetres: of a waveform, of the bar of a label, of the margins above and below."""


@dataclass(frozen=True)
class Span:
    """A time span in which a class is present, in seconds."""

    label: str
    start: float
    duration: float


@dataclass(frozen=True)
class Wave:
    """One sound.

    Attributes
    ----------
    title : str
        Its title.
    low, high : ndarray of float32, shape (columns,)
        Its envelope.
    duration : float
        In seconds.
    spans : list of Span
        Its labels.
    """

    title: str
    low: Float32Array
    high: Float32Array
    duration: float
    spans: list[Span]


@styled
def draw_waveforms(waves: Sequence[Wave], *, width: float, title: str | None = None) -> Figure:
    """Draw waveforms one below the other, each over the bars of its labels.

    Parameters
    ----------
    waves : sequence of Wave
        1 to ``MAX_WAVES``.
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
        If there are none or too many.
    """
    if not waves:
        raise UsageError("no record to draw", "give one or more records")
    if len(waves) > MAX_WAVES:
        hint = f"choose up to {MAX_WAVES}"
        raise UsageError(f"{len(waves)} records are too many for one picture", hint)
    rows = [_labels(wave) for wave in waves]
    heights = [height for labels in rows for height in (_WAVE, max(_ROW * len(labels), 0.05))]
    figure = new_figure(width, sum(heights) + len(waves) * 2 * _HEAD, title)
    grid = GridSpec(2 * len(waves), 1, figure, height_ratios=heights, hspace=0)
    for number, (wave, labels, letter) in enumerate(zip(waves, rows, letters(len(waves)), strict=True)):
        upper = figure.add_subplot(grid[2 * number])
        lower = figure.add_subplot(grid[2 * number + 1], sharex=upper)
        upper.set_title(letter + shortened(wave.title, characters(width - 2, 8)), loc="left")
        _outline(upper, wave)
        _bars(lower, wave, labels, width)
        lower.set_xlim(0, wave.duration or 1)
        if number == len(waves) - 1:
            lower.set_xlabel("time (s)")
    return figure


def _labels(wave: Wave) -> list[str]:
    return list(dict.fromkeys(span.label for span in wave.spans))


def _outline(ax: Axes, wave: Wave) -> None:
    columns = len(wave.low)
    places = (np.arange(columns) + 0.5) * wave.duration / columns
    ax.fill_between(places, wave.low, wave.high, color="0.25", linewidth=0.3)
    most = max(float(np.abs(wave.low).max()), float(np.abs(wave.high).max())) or 1.0
    ax.set_ylim(-1.05 * most, 1.05 * most)
    ax.set_yticks([0], ["0"])
    ax.axhline(0, color="0.25", linewidth=0.3)
    ax.tick_params(labelbottom=False, bottom=False)
    ax.spines["bottom"].set_visible(False)


def _bars(ax: Axes, wave: Wave, labels: list[str], width: float) -> None:
    for span in wave.spans:
        row = labels.index(span.label)
        ax.barh(
            row, span.duration, left=span.start, height=0.7, color=COLOURS[0], alpha=0.55, linewidth=0.4,
            edgecolor="black", hatch=HATCHES[0],
        )  # fmt: skip
    names = short_names(labels, characters(width / 4))
    ax.set_yticks(range(len(labels)), names)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
