"""im-fuse: combine the predictions of several models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from ..choices import RULES
from ..errors import UsageError
from .app import start, tool

if TYPE_CHECKING:
    from ..choices import Rule
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
    type=click.Choice(RULES),
    default="mean",
    show_default=True,
    help="How to combine scores: mean, mean of logits, highest, majority, or present only if all agree.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Fuse the predictions of this model (default: of all models; repeatable).",
)
@click.option(
    "--weights",
    metavar="NAME=W,...",
    help="Weights for mean and logit-mean, by name (1 for the others) or in the models' order.",
)
@click.option(
    "--thresholds",
    metavar="FILE",
    help="For vote and all: take the thresholds of each model from im-threshold's FILE.",
)
@click.option(
    "-t",
    "--threshold",
    type=click.FloatRange(0, 1),
    help="For vote and all: one threshold for all (default: 0.5).",
)
@click.option(
    "--by-fold", is_flag=True, help="Fuse the members of the models fold by fold (from im-predict --members)."
)
@click.option(
    "--partial",
    is_flag=True,
    help="Fuse the available scores where a model lacks an item of the first, or a class.",
)
@click.option("--keep", is_flag=True, help="Keep the predictions of the single models too.")
@click.option(
    "--name", metavar="NAME", help="Model name of the fused predictions (default: fuse-RULE@ and a hash)."
)
def command(
    run: Run,
    *,
    rule: Rule,
    models: Sequence[str],
    weights: str | None,
    thresholds: str | None,
    threshold: float | None,
    by_fold: bool,
    partial: bool,
    keep: bool,
    name: str | None,
) -> None:
    """Combine the predictions of several models for each record.

    Each INPUT is a manifest with predictions for the same records, or a single one has those of several
    models. Records are matched by id; the output has those of the first INPUT, with the fused predictions.
    An item without predictions of some model fails. Every --where applies to each INPUT. The models in the
    first INPUT are found in its first 1024 records.

    The rule vote gives the fraction of the models whose score reaches its threshold; a class is present if
    that is more than half. By the rule all a class is present only if every model exceeds its threshold.
    """
    from ..stages.fuse import fuse

    fuse(
        run,
        rule=rule,
        models=models,
        weights=None if weights is None else parse_weights(weights),
        thresholds=thresholds,
        threshold=threshold,
        by_fold=by_fold,
        partial=partial,
        keep=keep,
        name=name,
    )


def parse_weights(text: str) -> dict[str, float] | list[float]:
    """Parse weights of models.

    Parameters
    ----------
    text : str
        ``"NAME=2,NAME=1"`` or ``"2,1"``.

    Returns
    -------
    dict of str to float, or list of float
        By name, or in the models' order.

    Raises
    ------
    UsageError
        If only some weights have a name, or one is not a number.
    """
    hint = "write NAME=2,NAME=1, or a number for each model in their order"
    parts = [part.rpartition("=") for part in text.split(",")]
    has_name = [bool(equals) for _, equals, _ in parts]
    if any(has_name) and not all(has_name):
        raise UsageError(f"--weights {text}: names only some of its models", hint)
    values = []
    for _, _, number in parts:
        try:
            values.append(float(number))
        except ValueError:
            raise UsageError(f"--weights: {number.strip()!r} is not a number", hint) from None
    if not any(has_name):
        return values
    return {model.strip(): value for (model, _, _), value in zip(parts, values, strict=True)}


def main() -> NoReturn:
    """Run ``im-fuse``."""
    start(command)
