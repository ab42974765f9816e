"""What the kinds of export that are made of records share on the command line."""

from __future__ import annotations

import click

origin = click.option(
    "--from",
    "origin",
    type=click.Choice(["labels", "predictions"]),
    help="Take the labels or the predictions (default: the predictions where there are any).",
)

model_name = click.option(
    "--model", metavar="NAME", help="Take this model's predictions, where there are several."
)

everything = click.option("--all", "everything", is_flag=True, help="Also what does not count as present.")

DIRECTORY = "Write the files into DIR (required)."
