"""Where a picture is written: a file or standard output, with its size and format."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...atomic import naming, replacing
from ...choices import PictureFormat
from ...errors import UsageError
from ...plot.render import format_of, render
from ...plot.style import width_of
from ...run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it would report its font cache


@dataclass(frozen=True)
class PictureOutput:
    """Where a picture is written, with its size and format.

    Attributes
    ----------
    path : str or None
        The file; ``None``: standard output.
    fmt : {"png", "svg", "pdf"} or None
        The format; ``None``: by the file's suffix, PNG on standard output.
    replace : bool
        Whether a file that exists may be replaced.
    width : str
        As `imtools.plot.style.width_of` takes it.
    dpi : int
        Dots an inch.
    title : str or None
        The title above the picture.
    """

    path: str | None
    fmt: PictureFormat | None
    replace: bool
    width: str
    dpi: int
    title: str | None

    def check(self) -> None:
        """Raise UsageError if the picture has no place, or a file must not be replaced."""
        width_of(self.width)
        if self.path is None:
            if sys.stdout.isatty():
                raise UsageError(
                    "a picture needs a place", "name a file with -o, or redirect standard output"
                )
            return
        if self.fmt is None:
            format_of(self.path)
        if os.path.isdir(self.path):
            raise UsageError(f"{self.path}: is a directory", "name a file with -o")
        if os.path.lexists(self.path) and not self.replace:
            raise UsageError(f"{self.path}: exists", "name another file, or replace it with --force")

    @property
    def width_cm(self) -> float:
        """The width in centimetres."""
        return width_of(self.width)

    def start(self, run: Run, count: int, unit: str) -> bool:
        """Start a run, except in a dry run.

        Parameters
        ----------
        run : Run
            The harness.
        count : int
            Number of inputs that will be drawn.
        unit : str
            Their name in the plural, for the message of a dry run.

        Returns
        -------
        bool
            False in a dry run, which only says what would be drawn.
        """
        if run.options.dry_run:
            run.say(f"dry run: {count} {unit} would be drawn into {self.path or 'standard output'}")
            return False
        run.start()
        return True

    def write(self, run: Run, kind: str, figure: Figure) -> None:
        """Write a picture; if into a file, a line about it goes to standard output.

        Parameters
        ----------
        run : Run
            The harness.
        kind : str
            The kind of picture, for that line.
        figure : Figure
            The picture.
        """
        fmt = self.fmt or ("png" if self.path is None else format_of(self.path))
        with run.clock.measure("draw"):
            data = render(figure, fmt, self.dpi)
        if self.path is None:
            with naming("standard output"):
                sys.stdout.buffer.write(data)
                sys.stdout.flush()
            return
        with replacing(self.path) as temporary:
            temporary.write_bytes(data)
        width, height = (round(float(inches) * 2.54, 2) for inches in figure.get_size_inches())
        digest = hashlib.sha256(data).hexdigest()
        line = {
            "picture": self.path,
            "kind": kind,
            "width_cm": width,
            "height_cm": height,
            "bytes": len(data),
        }
        run.emit([line | {"sha256": f"sha256:{digest}"}])
