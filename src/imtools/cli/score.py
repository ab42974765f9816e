"""im-score: compare predictions with labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from ..choices import SCORE_FORMATS
from .app import start, tool
from .judging import aggregation, class_names, shown, unlisted

if TYPE_CHECKING:
    from ..choices import Aggregation, ScoreFormat, Unlisted
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
    help="Score from which an instrument counts as present (default: as marked in the predictions, or 0.5).",
)
@click.option(
    "--thresholds", metavar="FILE", help="Take the thresholds of each model from im-threshold's FILE."
)
@unlisted
@click.option("--model", metavar="NAME", help="Score the predictions of this model, if there are several.")
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
    help="Fraction of the resamples within an interval.",
)
@click.option(
    "--baseline", metavar="FILE", help="Compare with the predictions of another model in this manifest."
)
@click.option(
    "--baseline-model",
    metavar="NAME",
    help="Model to compare with, if there are several (without --baseline: one in the same input).",
)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(SCORE_FORMATS),
    default="table",
    show_default=True,
    help="A table; JSON lines, first all classes together and then each; or CSV, one line for each metric.",
)
@click.option("--report", metavar="FILE.html", help="Also write everything, with pictures, to one HTML page.")
@click.option("--force", is_flag=True, help="Overwrite the report.")
def command(
    run: Run,
    *,
    threshold: float | None,
    thresholds: str | None,
    unlisted: Unlisted,
    model: str | None,
    classes: Sequence[str] | None,
    aggregation: Aggregation | None,
    replicates: int,
    confidence: float,
    baseline: str | None,
    baseline_model: str | None,
    fmt: ScoreFormat,
    report: str | None,
) -> None:
    """Compare predictions with labels.

    Prints metrics without a threshold (LRAP, AUC, mAP, top-1), metrics of the decisions at a threshold (F1
    micro and macro, accuracy, intersection over union, exact matches), the oracle F1, with thresholds that
    are chosen on these very items, and the metrics of each class and of each level of polyphony. Unknown
    labels are masked out of every number.

    Every --where applies to --baseline, too. A model may be named without its @HASH.

    Intervals come from resampling whole recordings. If every item has a fold, or there are predictions of
    members (im-predict --members), metrics are also given as mean and deviation over the folds.
    """
    from ..errors import UsageError
    from ..score import Resampling, format_table
    from ..score.rows import to_csv
    from ..stages.score import score

    if threshold is not None and thresholds is not None:
        raise UsageError("--threshold and --thresholds do not go together", "choose one of them")
    scores = score(
        run,
        report=report,
        threshold=threshold,
        thresholds=thresholds,
        unlisted=unlisted,
        model=model,
        classes=classes,
        aggregation=aggregation,
        resampling=Resampling(replicates, confidence, run.options.seed),
        baseline=baseline,
        baseline_model=baseline_model,
    )
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
