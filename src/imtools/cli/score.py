"""im-score: compare predictions with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import start, tool

if TYPE_CHECKING:
    from ..labels import Unlisted
    from ..run import Run


@tool(
    "im-score",
    formats=("fmt",),
    epilog="""
im-score predictions.jsonl
im-score --threshold 0.3 --format jsonl predictions.jsonl
im-predict -m model/ features/ | im-score --where fold=1""",
)
@click.option(
    "-t",
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Score from which an instrument counts as present.",
)
@click.option(
    "--unlisted",
    type=click.Choice(["unknown", "absent"]),
    default="unknown",
    show_default=True,
    help="What an instrument is that incomplete labels do not list.",
)
@click.option("--model", metavar="NAME", help="Score this model's predictions, where there are several.")
@click.option(
    "--classes", metavar="A,B,...", help="Score only these classes (default: all that the model knows)."
)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    show_default=True,
    help="A table for people, or JSON lines: all classes together, then each.",
)
def command(
    run: Run, threshold: float, unlisted: Unlisted, model: str | None, classes: str | None, fmt: str
) -> None:
    """Compare predictions with labels: LRAP, AUC, F1, and precision and recall of each class.

    What the labels leave unknown is masked out of every number.
    """
    from ..score import evaluate, format_table

    records = run.records()
    if run.options.dry_run:
        run.say(f"dry run: {len(records)} records would be scored")
        return
    run.start()
    with run.clock.measure("score"):
        names = None if classes is None else [name.strip() for name in classes.split(",")]
        scores = evaluate(records, threshold=threshold, unlisted=unlisted, classes=names, model=model)
    for _ in records:
        run.succeed()
    if fmt == "table":
        click.echo(format_table(scores))
    else:
        run.emit(scores.to_rows())


def main() -> NoReturn:
    """Run ``im-score``."""
    start(command)
