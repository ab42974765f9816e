"""im-split: assign recordings to folds and splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-split",
    output="Write the manifest into DIR as well.",
    seed=True,
    epilog="""
im-segment music/ | im-split --folds 5 > folds.jsonl
im-split --holdout 0.2 segments.jsonl > split.jsonl
im-split --folds 3 --group-by source.dataset segments.jsonl""",
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    metavar="K",
    help="Assign the records to K folds of similar class balance.",
)
@click.option(
    "--holdout",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Set this share aside as split 'test'; the others become 'train'.",
)
@click.option(
    "--group-by",
    metavar="KEY",
    help="Keep records with the same value of this key together (default: groups, the recordings).",
)
def command(run: Run, folds: int | None, holdout: float | None, group_by: str | None) -> None:
    """Assign recordings to cross-validation folds, or hold out a share of them.

    A recording is never in two folds or splits. With both options the folds are made of the rest.
    Split before mixing: im-mix then never mixes across folds.
    """
    from ..errors import UsageError
    from ..run import Passing, execute, record_items
    from ..split import split

    if folds is None and holdout is None:
        raise UsageError("nothing to do", "give --folds K, --holdout SHARE, or both")
    records = run.records()
    with run.clock.measure("split"):
        records = split(records, folds=folds, holdout=holdout, seed=run.options.seed, group_key=group_by)
    execute(run, Passing(), record_items(records))


def main() -> NoReturn:
    """Run ``im-split``."""
    start(command)
