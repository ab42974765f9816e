"""im-threshold: choose the scores from which instruments count as present."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from ..choices import OBJECTIVES
from .app import start, tool
from .judging import aggregation, class_names, unlisted

if TYPE_CHECKING:
    from ..choices import Aggregation, Objective, Unlisted
    from ..run import Run


@tool(
    "im-threshold",
    output="With --apply: write the manifest into DIR as well.",
    per_item=False,
    content={"apply_file": ""},
    epilog="""
im-predict -m model/ --held-out features/ | im-threshold > thresholds.json
im-threshold --objective f0.5 --common predictions.jsonl > thresholds.json
im-threshold --into model/ predictions.jsonl > thresholds.json
im-threshold --apply thresholds.json predictions.jsonl > decided.jsonl""",
)
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="f1",
    show_default=True,
    help="What the thresholds optimize; youden is true minus false positive rate, prevalence as many "
    "predicted positives as positives, precision the lowest threshold that reaches --target.",
)
@click.option(
    "--target",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    metavar="P",
    help="The precision to reach with --objective precision.",
)
@click.option("--common", is_flag=True, help="One threshold for all classes instead of one for each.")
@unlisted
@click.option("--model", metavar="NAME", help="Only this model (default: all models).")
@class_names
@aggregation
@click.option("--into", metavar="DIR", help="Also write the thresholds into this model directory.")
@click.option(
    "--apply",
    "apply_file",
    metavar="FILE",
    help="Fit nothing: mark in the predictions what is present, by the thresholds in FILE.",
)
def command(
    run: Run,
    *,
    objective: Objective,
    target: float,
    common: bool,
    unlisted: Unlisted,
    model: str | None,
    classes: Sequence[str] | None,
    aggregation: Aggregation | None,
    into: str | None,
    apply_file: str | None,
) -> None:
    """Choose the scores from which instruments count as present, on labelled predictions.

    Prints a JSON object with the thresholds of every model with predictions in the INPUTs; several INPUTs
    may have predictions of different models for the same records. Thresholds lie on a grid from 0 to 1 in
    steps of 0.01. Fit them to records that no model was trained on, such as those of im-predict --held-out,
    and apply them to others: the file remembers the records, and --apply warns if they are used again.
    """
    from ..errors import UsageError
    from ..stages.threshold import apply, fit

    if apply_file is not None:
        if given := _given_options():
            raise UsageError(f"--apply and {given[0]} do not go together", "fit first, then apply")
        apply(run, apply_file)
        return
    if run.options.output is not None:
        raise UsageError(
            "fitted thresholds are not a manifest", "redirect standard output to a file, without -o"
        )
    fitted = fit(
        run,
        objective=objective,
        target=target,
        common=common,
        unlisted=unlisted,
        classes=classes,
        model=model,
        aggregation=aggregation,
        into=into,
    )
    if fitted is not None:
        click.echo(fitted.dumps(), nl=False)


_FITTING = ("objective", "target", "common", "unlisted", "model", "classes", "aggregation", "into")


def _given_options() -> list[str]:
    """Return the options of fitting that are given on the command line."""
    context = click.get_current_context()
    here = click.core.ParameterSource.COMMANDLINE
    fitting = (param for param in context.command.params if param.name in _FITTING)
    return [param.opts[0] for param in fitting if context.get_parameter_source(param.name or "") is here]


def main() -> NoReturn:
    """Run ``im-threshold``."""
    start(command)
