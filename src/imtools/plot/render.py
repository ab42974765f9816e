"""From a figure to the bytes of a file: the same figure always gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from ..choices import PICTURE_FORMATS, PictureFormat
from ..errors import UsageError
from .style import style

_NO_DATE: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def format_of(path: str) -> PictureFormat:
    """Return the format given by the suffix of a file.

    Raises
    ------
    UsageError
        If there is no such format.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    for fmt in PICTURE_FORMATS:
        if suffix == fmt:
            return fmt
    names = ", ".join(f".{name}" for name in PICTURE_FORMATS)
    raise UsageError(f"{path}: its suffix is not a picture format", f"end it with one of {names}")


def render(figure: Figure, fmt: PictureFormat, dpi: int = 300) -> bytes:
    """Return a picture as bytes: no dates, no version, no random names.

    Parameters
    ----------
    figure : Figure
        The picture.
    fmt : {"png", "svg", "pdf"}
        The format.
    dpi : int
        Dots per inch, for PNG and for images inside the others.

    Returns
    -------
    bytes
        The content of a file.
    """
    buffer = io.BytesIO()
    with style():  # ticks and text are created while drawing
        figure.savefig(buffer, format=fmt, dpi=dpi, metadata=_NO_DATE[fmt])
    return buffer.getvalue()
