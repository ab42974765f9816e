"""im-score: compare predictions with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from .app import start, tool
from .judging import aggregation, class_names, shown, unlisted

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-score",
    seed=True,
    formats=("fmt", "report"),
    epilog="""
im-score predictions.jsonl
im-score --threshold 0.3 --format jsonl predictions.jsonl
im-score --baseline predictions.jsonl predictions.jsonl
im-predict -m model/ features/ | im-score --where fold=1""",
)
@click.option(
    "-t",
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Score from which an instrument counts as present (default: what the predictions say, else 0.5).",
)
@click.option("--thresholds", metavar="FILE", help="Take each model's thresholds from im-threshold's FILE.")
@unlisted
@click.option("--model", metavar="NAME", help="Score this model's predictions, where there are several.")
@class_names
@aggregation
@click.option(
    "--bootstrap",
    "replicates",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    metavar="N",
    help="Resamples of the recordings for the intervals; 0 for none.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Part of the resamples that an interval holds.",
)
@click.option(
    "--baseline", metavar="FILE", help="Compare with the predictions of another model in this manifest."
)
@click.option(
    "--baseline-model",
    metavar="NAME",
    help="Which model to compare with, where there are several (without --baseline: of the same input).",
)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["table", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="A table for people; JSON lines, all classes together and then each; or a CSV line a figure.",
)
@click.option("--report", metavar="FILE.html", help="Write everything, with pictures, into one page as well.")
@click.option("--force", is_flag=True, help="Overwrite the report.")
def command(
    run: Run, fmt: str, report: str | None, replicates: int, confidence: float, **settings: Any
) -> None:
    """Compare predictions with labels.

    Prints what needs no threshold (LRAP, AUC, mAP, top-1), what the decisions at a threshold are worth (F1
    micro and macro, accuracy, intersection over union, exact matches), the oracle F1, whose thresholds are
    chosen on these very items, and the figures of each class and of each level of polyphony. What the
    labels leave unknown is masked out of every number.

    Every --where holds for --baseline, too. A model may be named without its @HASH.

    Intervals come from resampling whole recordings. Where every item has a fold, or where im-predict
    --members gave each member's predictions, figures also come as mean and deviation over the folds.
    """
    from ..errors import UsageError
    from ..score import Resampling, format_table
    from ..score.rows import to_csv
    from ..stages.score import score

    if settings["threshold"] is not None and settings["thresholds"] is not None:
        raise UsageError("--threshold and --thresholds do not go together", "choose one of them")
    resampling = Resampling(replicates, confidence, run.options.seed)
    scores = score(run, report=report, resampling=resampling, **settings)
    if scores is None:
        return
    if fmt == "jsonl":
        run.emit(scores.to_rows())
    else:
        text = to_csv(scores) if fmt == "csv" else format_table(scores)
        click.echo(shown(text), nl=fmt == "table")


def main() -> NoReturn:
    """Run ``im-score``."""
    start(command)
