"""Options of the commands that hold predictions against labels."""

from __future__ import annotations

import sys

import click


def _names(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    if value is None:
        return None
    import csv

    try:
        row = next(csv.reader([value], skipinitialspace=True), [])
    except csv.Error:  # a line break, or a name of more than 131072 characters
        raise click.BadParameter("put names with commas or line breaks in double quotes") from None
    return [name for one in row if (name := one.strip())]


def shown(text: str) -> str:
    """Return a text as standard output can show it: what its encoding lacks is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


unlisted = click.option(
    "--unlisted",
    type=click.Choice(["unknown", "absent"]),
    default="unknown",
    show_default=True,
    help="What an instrument is that incomplete labels do not list.",
)

class_names = click.option(
    "--classes",
    metavar="A,B,...",
    callback=_names,
    help="Only these classes, with commas in double quotes (default: all that the model knows).",
)

aggregation = click.option(
    "--aggregate",
    "aggregation",
    type=click.Choice(["mean", "s1", "top-quarter", "logit-mean", "s2", "max"]),
    callback=lambda _, __, value: "mean" if value == "s1" else value,
    help="Make each item's scores from those of its windows (s1 is the mean).",
)
