"""The options that all kinds of pictures share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...choices import PICTURE_FORMATS

if TYPE_CHECKING:
    from ...choices import PictureFormat

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "-o",
        "--output",
        "path",
        metavar="FILE",
        help="The picture: .png, .svg or .pdf (required unless standard output is redirected).",
    ),
    click.option("--force", "replace", is_flag=True, help="Replace FILE if it exists."),
    click.option(
        "--format",
        "fmt",
        type=click.Choice(PICTURE_FORMATS),
        help="The format (default: by the suffix of FILE; on standard output PNG).",
    ),
    click.option(
        "--width",
        metavar="single|double|CM",
        default="double",
        show_default=True,
        help="One column of a journal (8.5 cm), two (17.5 cm), or centimetres.",
    ),
    click.option(
        "--dpi", type=click.IntRange(30, 2400), default=300, show_default=True, help="Dots an inch."
    ),
    click.option("--title", metavar="TEXT", help="Write TEXT above the picture."),
]


def picture_options(function: F) -> F:
    """Give a command the options about the picture; they are passed on as one ``output``."""

    def inside(
        *args: Any,
        path: str | None,
        fmt: PictureFormat | None,
        replace: bool,
        width: str,
        dpi: int,
        title: str | None,
        **values: Any,
    ) -> None:
        from ...stages.plot.output import PictureOutput

        output = PictureOutput(path, fmt, replace, width, dpi, title)
        function(*args, output=output, **values)

    inside.__doc__ = function.__doc__
    for option in reversed(_OPTIONS):
        inside = option(inside)
    return inside  # type: ignore[return-value]
