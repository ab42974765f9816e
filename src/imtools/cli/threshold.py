"""im-threshold: choose the scores from which instruments count as present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from .app import start, tool
from .judging import aggregation, class_names, unlisted

if TYPE_CHECKING:
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
    type=click.Choice(["f1", "f0.5", "f2", "accuracy", "youden", "prevalence", "precision"]),
    default="f1",
    show_default=True,
    help="What the thresholds are to be best for; youden is true minus false positive rate, prevalence as "
    "many yeses as positives, precision the lowest threshold that reaches --target.",
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
@click.option("--model", metavar="NAME", help="Only for this model (default: for all that there are).")
@class_names
@aggregation
@click.option("--into", metavar="DIR", help="Write the thresholds into this model directory too.")
@click.option(
    "--apply",
    "apply_file",
    metavar="FILE",
    help="Fit nothing: mark in the predictions what is present by the thresholds in FILE.",
)
def command(run: Run, apply_file: str | None, **settings: Any) -> None:
    """Choose the scores from which instruments count as present, on labelled predictions.

    Prints a JSON object with the thresholds of every model that the INPUTs have predictions of; several
    INPUTs may be of different models for the same records. Thresholds lie on a grid from 0 to 1 in steps of
    0.01. Fit them on records that no model was trained on, such as im-predict --held-out gives, and apply
    them to others: what they were fitted on is remembered, and --apply warns where it comes back.
    """
    from ..errors import UsageError
    from ..stages.threshold import apply, fit

    if apply_file is not None:
        if told := _told(settings):
            raise UsageError(f"--apply and {told[0]} do not go together", "fit first, then apply")
        apply(run, apply_file)
        return
    if run.options.output is not None:
        raise UsageError(
            "fitted thresholds are no manifest", "redirect standard output to a file, without -o"
        )
    fitted = fit(run, **settings)
    if fitted is not None:
        click.echo(fitted.dumps(), nl=False)


def _told(settings: dict[str, Any]) -> list[str]:
    """Return the options of fitting that stand on the command line."""
    context = click.get_current_context()
    here = click.core.ParameterSource.COMMANDLINE
    own = (param for param in context.command.params if param.name in settings)
    return [param.opts[0] for param in own if context.get_parameter_source(param.name or "") is here]


def main() -> NoReturn:
    """Run ``im-threshold``."""
    start(command)
