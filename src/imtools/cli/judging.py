"""Options of the commands that compare predictions with labels."""

from __future__ import annotations

import sys

import click

from ..choices import AGGREGATIONS, UNLISTED


def _names(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    if value is None:
        return None
    import csv

    try:
        row = next(csv.reader([value], skipinitialspace=True), [])
    except csv.Error:  # a line break, or a name of more than 131072 characters
        raise click.BadParameter("put names with commas or line breaks in double quotes") from None
    return [name for cell in row if (name := cell.strip())]


def shown(text: str) -> str:
    """Return a text that standard output can show: characters that its encoding lacks are escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


unlisted = click.option(
    "--unlisted",
    type=click.Choice(UNLISTED),
    default="unknown",
    show_default=True,
    help="What to assume about an instrument that incomplete labels do not list.",
)

class_names = click.option(
    "--classes",
    metavar="A,B,...",
    callback=_names,
    help="Only these classes, with commas in double quotes (default: all that the model predicts).",
)

aggregation = click.option(
    "--aggregate",
    "aggregation",
    type=click.Choice([AGGREGATIONS[0], "s1", *AGGREGATIONS[1:]]),
    callback=lambda _, __, value: "mean" if value == "s1" else value,
    help="Make the scores of each item from those of its windows (s1 is the mean).",
)
