"""Where a picture goes: its file or standard output, its size and format."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...atomic import naming, replacing
from ...errors import UsageError
from ...plot.render import format_of, render
from ...plot.style import width_of
from ...run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it would tell of its font cache


@dataclass(frozen=True)
class PictureOutput:
    """Where a picture goes, and what it looks like.

    Attributes
    ----------
    path : str or None
        The file; ``None``: standard output.
    fmt : str or None
        The format; ``None``: what the file's name says, PNG on standard output.
    replace : bool
        Whether a file that exists may be replaced.
    width : str
        As `imtools.plot.style.width_of` takes it.
    dpi : int
        Dots an inch.
    title : str or None
        What is written above.
    """

    path: str | None
    fmt: str | None
    replace: bool
    width: str
    dpi: int
    title: str | None

    def check(self) -> None:
        """Raise UsageError if there is nowhere to draw, or it is taken."""
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
    def look(self) -> dict[str, Any]:
        """What every drawing function takes."""
        return {"width": width_of(self.width), "title": self.title}

    def deliver(self, run: Run, kind: str, figure: Figure) -> None:
        """Write a picture; of a file one line goes to standard output."""
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


def dry(run: Run, paper: PictureOutput, count: int, what: str) -> bool:
    """Begin; in a dry run say what would be done, and return true."""
    if run.options.dry_run:
        run.say(f"dry run: {count} {what} would be drawn into {paper.path or 'standard output'}")
        return True
    run.start()
    return False
