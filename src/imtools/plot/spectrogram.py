"""Panels of a time-frequency representation: Kratimenos et al. (2020), Fig. 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ..arrays import Float32Array, Float64Array
from ..errors import UsageError
from .bins import Bins
from .envelope import envelope
from .style import (
    COLOURS,
    LEVELS,
    characters,
    letters,
    new_figure,
    shortened,
    styled,
)

MAX_PANELS = 9
"""More panels would be too small to read."""
RANGE_DB = 80.0
"""Range of the colours below the highest level of all panels, in dB; lower levels look like silence."""
_QUANTILES = (0.5, 99.5)
"""Percentiles that the colours of values without decibels span."""
_COLUMNS = 1000

_Values = Float32Array | Float64Array


@dataclass(frozen=True)
class Panel:
    """One sound.

    Attributes
    ----------
    title : str
        Its title.
    values : ndarray of float32, shape (bins, frames)
        Its representation, lowest bin first.
    seconds : float
        Distance between frames; frame 0 is centred at 0.
    """

    title: str
    values: Float32Array
    seconds: float


@styled
def draw_spectrograms(
    panels: Sequence[Panel], bins: Bins, *, width: float, title: str | None = None
) -> Figure:
    """Draw panels of one representation with one colour scale.

    A representation with a single bin is drawn as a line over time, one with a single frame as a line over
    its bins.

    Parameters
    ----------
    panels : sequence of Panel
        1 to ``MAX_PANELS``.
    bins : Bins
        Their axis and unit.
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
        If there are no panels or too many, or one is empty or not finite.
    """
    _check(panels)
    rows, columns = _grid(len(panels), width)
    figure = new_figure(width, rows * _panel_height(width, columns, len(panels)) + 1.0, title)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    first = len(panels) - (rows - 1) * columns  # of the upper row: sources above mixes
    for ax in grid[0, first:]:
        ax.remove()
    axes = [*grid[0, :first], *grid[1:].flat]
    draw, horizontal, vertical = _drawing(panels, bins)
    fits = characters(width / columns - 1.5, 8)
    own_axis = len({panel.values.shape[1] for panel in panels}) > 1
    for number, (ax, panel, letter) in enumerate(zip(axes, panels, letters(len(panels)), strict=True)):
        ax.set_title(letter + shortened(panel.title, fits), loc="left")
        draw(ax, number)
        lowest = number + columns >= len(panels)
        ax.tick_params(labelbottom=lowest or own_axis)
        if lowest:
            ax.set_xlabel(horizontal)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel(vertical)
    if images := [image for ax in figure.axes for image in ax.images]:
        bar = figure.colorbar(
            images[0], ax=figure.axes, label=bins.value, fraction=0.05, pad=0.01, aspect=40,
            extend=_beyond(images),
        )  # fmt: skip
        bar.ax.tick_params(width=0.5)
    return figure


def _drawing(panels: Sequence[Panel], bins: Bins) -> tuple[Callable[[Axes, int], None], str, str]:
    """Return a function that draws a panel, given its number, and the labels of its axes."""
    if len(panels[0].values) == 1:
        return lambda ax, number: _over_time(ax, panels[number]), "time (s)", bins.value
    if all(panel.values.shape[1] == 1 for panel in panels):
        return lambda ax, number: _spectrum(ax, panels[number], bins), bins.label, bins.value
    values = _comparable(panels, bins)
    limits = _limits(values, bins)

    def image(ax: Axes, number: int) -> None:
        _image(ax, values[number], panels[number].seconds, bins, limits)

    return image, "time (s)", bins.label


def _check(panels: Sequence[Panel]) -> None:
    if not panels:
        raise UsageError("no record to draw", "give one to nine records")
    if len(panels) > MAX_PANELS:
        raise UsageError(f"{len(panels)} records are too many for one picture", f"choose up to {MAX_PANELS}")
    for panel in panels:
        if not panel.values.size:
            raise UsageError(f"{panel.title}: is empty", "leave it out")
        if not np.isfinite(panel.values).all():
            raise UsageError(f"{panel.title}: has values that are not numbers", "leave it out")


def _grid(count: int, width: float) -> tuple[int, int]:
    most = 1 if width < 7 else 2 if width < 12 else 3
    columns = min(most, count) if count != 4 else min(most, 2)
    return math.ceil(count / columns), columns


def _panel_height(width: float, columns: int, count: int) -> float:
    return max(3.2, 0.62 * width / columns) if count > 1 else max(4.0, 0.5 * width)


def _comparable(panels: Sequence[Panel], bins: Bins) -> list[_Values]:
    """Return the values; where each bin has its own unit, each bin standardised over all panels."""
    if not bins.own_units:
        return [panel.values for panel in panels]
    together = np.concatenate([panel.values for panel in panels], axis=1).astype(np.float64)
    mean, deviation = together.mean(axis=1, keepdims=True), together.std(axis=1, keepdims=True)
    return [(panel.values - mean) / np.where(deviation > 0, deviation, 1.0) for panel in panels]


def _limits(images: Sequence[_Values], bins: Bins) -> tuple[float, float]:
    values = np.concatenate([image.ravel() for image in images])
    if bins.decibels:
        high = float(values.max())
        low = max(float(values.min()), high - RANGE_DB)
    else:
        low, high = (float(value) for value in np.percentile(values, _QUANTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _beyond(images: Sequence[AxesImage]) -> Any:
    """Return the ends of the colour scale beyond which there are values."""
    below = any(image.get_array().min() < image.norm.vmin for image in images)  # type: ignore[union-attr]
    above = any(image.get_array().max() > image.norm.vmax for image in images)  # type: ignore[union-attr]
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")


def _image(ax: Axes, values: _Values, seconds: float, bins: Bins, limits: tuple[float, float]) -> None:
    count, frames = values.shape
    ends = (-seconds / 2, (frames - 0.5) * seconds, -0.5, count - 0.5)
    ax.imshow(
        values, origin="lower", aspect="auto", extent=ends, cmap=LEVELS, vmin=limits[0], vmax=limits[1],
        interpolation="nearest",
    )  # fmt: skip
    ax.set_yticks([place for place, _ in bins.ticks], [name for _, name in bins.ticks])
    ax.spines[:].set_visible(True)


def _over_time(ax: Axes, panel: Panel) -> None:
    _line(ax, panel.values[0], panel.seconds)


def _spectrum(ax: Axes, panel: Panel, bins: Bins) -> None:
    _line(ax, panel.values[:, 0], 1.0)
    ax.set_xticks([place for place, _ in bins.ticks], [name for _, name in bins.ticks])


def _line(ax: Axes, values: Float32Array, step: float) -> None:
    """Draw a line, or its envelope if it is too long to be resolved."""
    if len(values) > 4 * _COLUMNS:
        low, high = envelope([values], len(values), _COLUMNS)
        places = (np.arange(len(low)) + 0.5) * len(values) * step / len(low)
        ax.fill_between(places, low, high, color=COLOURS[0], linewidth=0.3)
    else:
        ax.plot(np.arange(len(values)) * step, values, color=COLOURS[0])
    ax.margins(x=0)
