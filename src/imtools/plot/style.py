"""The style of all pictures: sizes for a paper, colours that work in grey and for colour-blind readers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ..errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")

WIDTHS = {"single": 8.5, "double": 17.5}
"""Widths of one and of two columns of a journal, in centimetres."""
MIN_WIDTH, MAX_WIDTH = 4.0, 100.0
MAX_HEIGHT = 200.0
CM = 1 / 2.54
"""Inches per centimetre."""

COLOURS = ("#0072B2", "#E69F00", "#000000", "#009E73", "#56B4E9", "#D55E00", "#CC79A7")
"""The palette of Okabe and Ito (2008) without its yellow, which is hardly visible on white; neighbours differ
in luminance."""
FILLS = ("#0072B2", "#E69F00", "#DDDDDD", "#009E73", "#56B4E9", "#D55E00", "#CC79A7")
"""The same for areas, on which black whiskers must be visible."""
STROKES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (2, 1)))
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "||||")
LEVELS = "cividis"
"""The colour map of sounds: lighter with the value, in grey and for colour-blind readers too."""
SHARE_COLOURS = "Blues"
"""The colour map of numbers from 0 to 1: white paper is 0."""

SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 9,
    "axes.linewidth": 0.5,
    "axes.edgecolor": "0.3",
    "axes.titlepad": 3,
    "axes.labelpad": 2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": "0.88",
    "grid.linewidth": 0.4,
    "axes.axisbelow": True,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "hatch.linewidth": 0.4,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "text.parse_math": False,  # a class may be called "$"
    "svg.fonttype": "path",
    "svg.hashsalt": "imtools",
    "pdf.fonttype": 42,
}
"""Settings that differ from matplotlib's defaults; a matplotlibrc is ignored."""


@contextmanager
def style() -> Iterator[None]:
    """Draw with our settings inside the ``with`` block."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)  # type: ignore[arg-type]  # its keys are literals
        yield


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function draw with our settings."""

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        with style():
            return function(*args, **kwargs)

    return inside


@dataclass(frozen=True)
class Look:
    """The look of a line or bar, distinct from the others with and without colour.

    Attributes
    ----------
    colour, fill : str
        Of lines, and of areas.
    stroke : str or tuple
        The dashes of a line.
    marker, hatch : str
        The markers on a line, and the pattern that fills an area.
    """

    colour: str
    fill: str
    stroke: Any
    marker: str
    hatch: str


def look(number: int) -> Look:
    """Return the look of the first, second, ... of several things; the first 300 all differ."""
    tables = (COLOURS, FILLS, STROKES, MARKERS, HATCHES)
    return Look(*(table[number % len(table)] for table in tables))


def width_of(text: str) -> float:
    """Return the width in centimetres that ``"single"``, ``"double"`` or a number stands for.

    Raises
    ------
    UsageError
        If it is none of these, or out of range.
    """
    if text in WIDTHS:
        return WIDTHS[text]
    try:
        width = float(text)
    except ValueError:
        raise UsageError(f"`width={text}` is not a width", "give single, double or centimetres") from None
    if not MIN_WIDTH <= width <= MAX_WIDTH:
        bounds = f"give {MIN_WIDTH:g} to {MAX_WIDTH:g} centimetres"
        raise UsageError(f"`width={text}` is not a width of a picture", bounds)
    return width


def new_figure(width: float, height: float, title: str | None = None) -> Figure:
    """Return an empty figure with automatic layout.

    Parameters
    ----------
    width, height : float
        In centimetres.
    title : str, optional
        Above all panels.
    """
    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    figure = Figure(figsize=(width * CM, min(height, MAX_HEIGHT) * CM), layout=engine)
    if title:
        figure.suptitle(title)
    return figure


def panel_grid(count: int, least: float, width: float) -> tuple[int, int]:
    """Return the numbers of rows and columns for panels, such that few cells stay empty.

    Parameters
    ----------
    count : int
        Number of panels.
    least : float
        Minimum width of a panel, in centimetres.
    width : float
        Width of all columns together, in centimetres.
    """
    most = max(1, min(count, int(width / least)))
    rows = -(-count // most)
    return rows, -(-count // rows)


def letters(count: int) -> list[str]:
    """Return ``(a)``, ``(b)`` and so on, for panels; nothing for a single one."""
    if count == 1:
        return [""]
    names = itertools.chain.from_iterable(
        map("".join, itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=size)) for size in (1, 2)
    )
    return [f"({name}) " for name in itertools.islice(names, count)]


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; a text that is cut ends with an ellipsis.

    Parameters
    ----------
    text : str
        The text; runs of white space become single spaces.
    most : int
        Maximum number of characters.
    """
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def short_names(names: Sequence[str], most: int) -> list[str]:
    """Return short names; those that become equal when cut are numbered.

    Parameters
    ----------
    names : sequence of str
        The names.
    most : int
        Maximum number of characters of each.
    """
    cut = [shortened(name, most) for name in names]
    for text in {text for text in cut if cut.count(text) > 1}:
        same = [place for place, other in enumerate(cut) if other == text]
        for number, place in enumerate(same, 1):
            cut[place] = f"{shortened(names[place], max(2, most - len(str(number)) - 1))} {number}"
    return cut


def characters(width: float, size: float = 7.0) -> int:
    """Return the number of characters that fit into a width, on average.

    Parameters
    ----------
    width : float
        In centimetres.
    size : float
        Type size in points.
    """
    return max(3, int(width * CM * 72 / (0.58 * size)))


def spread(preferred: Sequence[float], least: float) -> list[float]:
    """Return positions for labels near the preferred ones, in the same order, that do not overlap.

    Parameters
    ----------
    preferred : sequence of float
        In any order.
    least : float
        Minimum distance between two positions.
    """
    order = sorted(range(len(preferred)), key=lambda index: preferred[index])
    groups: list[list[int]] = []
    centres: list[float] = []
    for index in order:  # neighbours that are too close become a group around their mean
        groups.append([index])
        centres.append(preferred[index])
        while len(groups) > 1:
            room = (len(groups[-2]) + len(groups[-1])) / 2 * least
            if centres[-1] - centres[-2] >= room:
                break
            last = groups.pop()
            centres.pop()
            groups[-1] += last
            centres[-1] = sum(preferred[member] for member in groups[-1]) / len(groups[-1])
    places = [0.0] * len(preferred)
    for group, centre in zip(groups, centres, strict=True):
        for number, index in enumerate(group):
            places[index] = centre + (number - (len(group) - 1) / 2) * least
    return places


def set_legend(figure: Figure, handles: Sequence[Artist], names: Sequence[str], width: float) -> None:
    """Place a legend above all panels, in as many columns as fit, row by row.

    Parameters
    ----------
    figure : Figure
        The picture.
    handles : sequence of Artist
        The lines, bars or markers.
    names : sequence of str
        Their names.
    width : float
        Of the figure, in centimetres.
    """
    room = characters(width - 0.5) // (max(map(len, names)) + 8)
    columns = max(1, min(len(names), room))
    order = [place for column in range(columns) for place in range(column, len(names), columns)]
    figure.legend(
        [handles[place] for place in order],
        [names[place] for place in order],
        loc="outside upper left",
        ncols=columns,
    )
