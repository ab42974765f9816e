"""im-fuse: make one prediction of those of several models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from .app import start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-fuse",
    output="Write the manifest with the fused predictions into DIR as well.",
    per_item=False,
    content={"thresholds": ""},
    epilog="""
im-fuse mel.jsonl modgd.jsonl cqt.jsonl > fused.jsonl
im-fuse --weights mel=2,cqt=1 mel.jsonl cqt.jsonl | im-score
im-fuse --rule all --thresholds thresholds.json mel.jsonl modgd.jsonl cqt.jsonl > fused.jsonl
im-fuse --by-fold --name combined mel.jsonl cqt.jsonl > combined.jsonl""",
)
@click.option(
    "--rule",
    type=click.Choice(["mean", "logit-mean", "max", "vote", "all"]),
    default="mean",
    show_default=True,
    help="How scores become one: mean, mean of logits, highest, majority, or present only where all say so.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Fuse this model's predictions, and others so named (default: all; repeatable).",
)
@click.option(
    "--weights",
    metavar="NAME=W,...",
    help="Weights for mean and logit-mean, by name (1 for the others) or in the models' order.",
)
@click.option(
    "--thresholds",
    metavar="FILE",
    help="For vote and all: take each model's thresholds from im-threshold's FILE.",
)
@click.option(
    "-t",
    "--threshold",
    type=click.FloatRange(0, 1),
    help="For vote and all: one threshold for all (default: 0.5).",
)
@click.option(
    "--by-fold", is_flag=True, help="Fuse members of the models fold by fold (from im-predict --members)."
)
@click.option(
    "--partial", is_flag=True, help="Fuse what there is where a model lacks an item of the first, or a class."
)
@click.option("--keep", is_flag=True, help="Keep the single models' predictions too.")
@click.option(
    "--name", metavar="NAME", help="Name of the fused predictions (default: fuse-RULE@ and a hash)."
)
def command(run: Run, **settings: Any) -> None:
    """Make one prediction for each record of the predictions of several models.

    Each INPUT is a manifest with predictions for the same records, or a single one carries those of several
    models. Records are matched by id; those of the first INPUT come out, with the fused predictions. An item
    that some model lacks fails. Every --where holds for each INPUT. Which models the first INPUT has
    predictions of, its first 1024 records tell.

    The rule vote gives the part of the models whose score reaches its threshold, and says present if that
    is more than half. The rule all says present only if every model exceeds its threshold.
    """
    from ..stages.fuse import fuse

    fuse(run, **settings)


def main() -> NoReturn:
    """Run ``im-fuse``."""
    start(command)
