"""What all kinds of pictures share on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ...stages.plot.output import PictureOutput

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
        type=click.Choice(["png", "svg", "pdf"]),
        help="The format, if FILE's name does not say it (on standard output: PNG).",
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

_NAMES = ("path", "replace", "fmt", "width", "dpi", "title")


def paper_options(function: F) -> F:
    """Give a command the options about the picture; they come as one ``paper``."""

    def inside(*args: Any, **values: Any) -> None:
        function(*args, paper=_paper({name: values.pop(name) for name in _NAMES}), **values)

    inside.__doc__ = function.__doc__
    for option in reversed(_OPTIONS):
        inside = option(inside)
    return inside  # type: ignore[return-value]


def _paper(values: dict[str, Any]) -> PictureOutput:
    from ...stages.plot.output import PictureOutput

    return PictureOutput(**values)


def names(text: str | None) -> list[str] | None:
    """Return the names in a list with commas."""
    return None if text is None else [name.strip() for name in text.split(",")]
