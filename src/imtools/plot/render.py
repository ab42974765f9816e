"""From a figure to the bytes of a file: the same figure always gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from ..errors import UsageError
from .style import style

FORMATS = ("png", "svg", "pdf")
"""What a picture can be written as."""

_NO_DATE: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def format_of(path: str) -> str:
    """Return the format that the name of a file stands for.

    Raises
    ------
    UsageError
        If it stands for none.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        names = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"{path}: its name says no format of a picture", f"end it with one of {names}")
    return suffix


def render(figure: Figure, fmt: str, dpi: int = 300) -> bytes:
    """Return a picture as bytes: no dates, no version, no random names.

    Parameters
    ----------
    figure : Figure
        What is to be drawn.
    fmt : {"png", "svg", "pdf"}
        The format.
    dpi : int
        Dots an inch, of PNG and of images inside the others.
    """
    buffer = io.BytesIO()
    with style():  # ticks and text are made while drawing
        figure.savefig(buffer, format=fmt, dpi=dpi, metadata=_NO_DATE[fmt])
    return buffer.getvalue()
