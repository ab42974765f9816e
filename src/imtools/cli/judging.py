"""Options of the commands that hold predictions against labels."""

from __future__ import annotations

import click


def _names(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [name.strip() for name in value.split(",")]


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
    help="Only these classes (default: all that the model knows).",
)

aggregation = click.option(
    "--aggregate",
    "aggregation",
    type=click.Choice(["mean", "s1", "logit-mean", "s2", "max"]),
    callback=lambda _, __, value: "mean" if value == "s1" else value,
    help="Make each item's scores from those of its windows (s1 is the mean).",
)
