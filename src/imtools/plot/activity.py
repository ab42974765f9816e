"""Activity over time: the scores of the windows of one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..arrays import Float64Array
from ..errors import UsageError
from ..labels import PRESENT
from ..manifest import Record
from .style import SHARE_COLOURS, characters, new_figure, short_names, styled
from .waveform import Span

_ROW = 0.42
"""Height of a class, in centimetres."""


@dataclass(frozen=True)
class Activity:
    """The scores of a record's windows.

    Attributes
    ----------
    title : str
        The name of the record.
    model : str
        The model.
    classes : list of str
        The rows, from the top.
    starts, durations : ndarray of float64, shape (windows,)
        In seconds, ascending.
    scores : ndarray of float64, shape (classes, windows)
        0 to 1; NaN where there is none.
    spans : list of Span
        The labels of the record.
    """

    title: str
    model: str
    classes: list[str]
    starts: Float64Array
    durations: Float64Array
    scores: Float64Array
    spans: list[Span]


def activity_of(record: Record, model: str | None = None) -> Activity:
    """Return the window scores of a record.

    Parameters
    ----------
    record : Record
        With predictions for windows.
    model : str, optional
        The model, if there are several.

    Returns
    -------
    Activity
        The scores as a matrix.

    Raises
    ------
    UsageError
        If the record has no such predictions, or has those of several models and none is chosen.
    """
    windows = [prediction for prediction in record.predictions if prediction.start is not None]
    models = sorted({prediction.model for prediction in windows})
    if not windows:
        raise UsageError(
            f"record {record.id}: has no predictions for windows", "run im-predict with `windows`"
        )
    if model is None and len(models) > 1:
        hint = "choose one of them with `model`"
        raise UsageError(f"record {record.id}: windows of {len(models)} models: {', '.join(models)}", hint)
    if model is not None and model not in models:
        hint = f"choose from {', '.join(models)}"
        raise UsageError(f"record {record.id}: no windows of model {model!r}", hint)
    chosen = [prediction for prediction in windows if prediction.model == (model or models[0])]
    classes = sorted({prediction.label for prediction in chosen})
    times = sorted({(p.start or 0.0, p.duration) for p in chosen}, key=lambda time: time[0])
    columns = {time: column for column, time in enumerate(times)}
    scores = np.full((len(classes), len(times)), np.nan)
    for p in chosen:
        scores[classes.index(p.label), columns[p.start or 0.0, p.duration]] = p.score
    durations = [record.duration - start if length is None else length for start, length in times]
    starts = np.array([start for start, _ in times])
    spans = spans_of(record)
    return Activity(record.id, model or models[0], classes, starts, np.array(durations), scores, spans)


def spans_of(record: Record) -> list[Span]:
    """Return when each class is present in a record; labels without times span all of it."""
    spans = []
    for label in record.labels:
        if label.presence >= PRESENT:
            start = 0.0 if label.start is None else label.start
            spans.append(Span(label.label, start, label.duration or max(0.0, record.duration - start)))
    return spans


@styled
def draw_activity(
    activity: Activity,
    thresholds: Mapping[str, float] | None = None,
    *,
    width: float,
    title: str | None = None,
) -> Figure:
    """Draw scores as colours over instrument and time; labels are outlined.

    Parameters
    ----------
    activity : Activity
        The scores. Where windows overlap, each stands for the time around its middle.
    thresholds : mapping of str to float, optional
        Draw a bar below the scores that reach the threshold of their class.
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
        If a class has no threshold.
    """
    count = len(activity.classes)
    figure = new_figure(width, _ROW * count + 2.2, title)
    ax = figure.subplots()
    edges, values = _cells(activity)
    rows = np.arange(count + 1) - 0.5
    image = ax.pcolormesh(edges, rows, values, cmap=SHARE_COLOURS, vmin=0, vmax=1, rasterized=True)
    if thresholds is not None:
        _decisions(ax, activity, edges, values, thresholds)
    for span in activity.spans:
        if span.label in activity.classes:
            row = activity.classes.index(span.label)
            corner = (span.start, row - 0.44)
            ax.add_patch(
                Rectangle(corner, span.duration, 0.88, fill=False, edgecolor="#D55E00", linewidth=1.1)
            )
    ax.set_yticks(range(count), short_names(activity.classes, characters(width / 4)))
    ax.set_ylim(count - 0.5, -0.5)
    ax.set_xlim(min(0.0, edges[0]), max(edges[-1], *(s.start + s.duration for s in activity.spans), 0.0))
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(True)
    ax.set_xlabel("time (s)")
    bar = figure.colorbar(image, ax=ax, label="score", pad=0.01, fraction=0.05, aspect=max(8, 2 * count))
    bar.ax.tick_params(width=0.5)
    return figure


def _cells(activity: Activity) -> tuple[Float64Array, Float64Array]:
    """Return the edges of the cells, and their scores with empty columns where there is no window."""
    middles = activity.starts + activity.durations / 2
    halves = activity.durations / 2
    left, right = middles - halves, middles + halves
    for k in range(len(middles) - 1):
        if right[k] > left[k + 1]:  # they overlap: the boundary lies half way between the middles
            right[k] = left[k + 1] = (middles[k] + middles[k + 1]) / 2
    edges, columns = [left[0]], []
    for k in range(len(middles)):
        if left[k] > edges[-1] + 1e-9:
            columns.append(np.full(len(activity.classes), np.nan))
            edges.append(left[k])
        columns.append(activity.scores[:, k])
        edges.append(right[k])
    return np.array(edges), np.stack(columns, axis=1)


def _decisions(
    ax: Axes, activity: Activity, edges: Float64Array, values: Float64Array, thresholds: Mapping[str, float]
) -> None:
    if missing := [name for name in activity.classes if name not in thresholds]:
        raise UsageError(f"no threshold for {', '.join(missing)}", "give one for each class")
    for row, name in enumerate(activity.classes):
        for column in np.flatnonzero(values[row] >= thresholds[name]):
            ends = edges[column : column + 2]
            ax.plot(ends, [row + 0.36] * 2, color="white", linewidth=2.4, solid_capstyle="butt", zorder=2)
            ax.plot(ends, [row + 0.36] * 2, color="black", linewidth=1.2, solid_capstyle="butt", zorder=3)
