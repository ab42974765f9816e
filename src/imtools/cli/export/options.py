"""The options that the kinds of export of records share."""

from __future__ import annotations

import click

from ...choices import ORIGINS

origin = click.option(
    "--from",
    "origin",
    type=click.Choice(ORIGINS),
    help="Take the labels or the predictions (default: the predictions where there are any).",
)

model_name = click.option(
    "--model", metavar="NAME", help="Take this model's predictions, where there are several."
)

everything = click.option(
    "--all", "everything", is_flag=True, help="Include classes that do not count as present."
)

DIRECTORY = "Write the files into DIR (required)."
