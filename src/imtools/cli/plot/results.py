"""The kinds of pictures of trainings and of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from ...choices import CLASS_METRICS, CLASS_RATIOS
from ...errors import UsageError
from ..app import tool
from .options import picture_options

if TYPE_CHECKING:
    from ...choices import ClassMetric, ClassRatio
    from ...run import Run
    from ...stages.plot.output import PictureOutput

_files = click.argument("files", nargs=-1, metavar="[INPUT]...")


@tool(
    "im-plot",
    inputs=False,
    epilog="""
im-plot training -o losses.svg model/
im-plot training -o losses.png --metric lrap --width single model/""",
)
@_files
@click.option(
    "--metric",
    metavar="NAME",
    help="Draw a metric of the validation records too: lrap, f1_micro, f1_macro or top1.",
)
@picture_options
def training(run: Run, output: PictureOutput, files: tuple[str, ...], metric: str | None) -> None:
    """Draw losses and metrics by epoch, from model directories or their history.jsonl.

    Thin lines are nets (one for each fold), the thick line is their mean, as long as all were trained; rings
    mark the epochs that were kept. The training and validation loss of a single model share a panel.
    """
    from ...stages.plot.results import training as draw

    draw(run, output, files, metric=metric)


@tool(
    "im-plot",
    inputs=False,
    epilog="""
im-plot difference -o classes.svg pitch-scores.jsonl tempo-scores.jsonl
im-plot difference -o recall.png --metric recall pitch-scores.jsonl""",
)
@_files
@click.option(
    "--metric",
    type=click.Choice(CLASS_METRICS),
    default="f1",
    show_default=True,
    help="The score to compare.",
)
@picture_options
def difference(run: Run, output: PictureOutput, files: tuple[str, ...], metric: ClassMetric) -> None:
    """Draw the differences of models from a baseline, class by class, with intervals.

    The input is score files of 'im-score --format jsonl --baseline'. The baseline's own score is in brackets
    after the class.
    """
    from ...stages.plot.results import difference as draw

    draw(run, output, files, metric=metric)


@tool(
    "im-plot",
    inputs=False,
    epilog="""
im-plot polyphony -o polyphony.svg scores.jsonl
im-plot polyphony -o classes.png --per-class tpr scores.jsonl""",
)
@_files
@click.option(
    "--per-class",
    type=click.Choice(CLASS_RATIOS),
    help="A line for each class: true positive rate, or accuracy of its decisions.",
)
@picture_options
def polyphony(run: Run, output: PictureOutput, files: tuple[str, ...], per_class: ClassRatio | None) -> None:
    """Draw scores against the number of instruments that sound.

    The input is score files of 'im-score --format jsonl'. Without --per-class: intersection over union of
    labels and decisions, and the part of the items whose decisions are all right.
    """
    from ...stages.plot.results import polyphony as draw

    draw(run, output, files, per_class=per_class)


@tool(
    "im-plot",
    inputs=False,
    epilog="""
im-plot confusion -o confusion.png --width single scores.jsonl
im-plot confusion -o duos.svg --level 2 scores.jsonl""",
)
@_files
@click.option(
    "--level",
    metavar="N|all",
    help="Each class against the rest: of items with N instruments, or of all items.",
)
@picture_options
def confusion(run: Run, output: PictureOutput, files: tuple[str, ...], level: str | None) -> None:
    """Draw confusion matrices, from one score file of 'im-score --format jsonl'.

    Without --level: the items with one label, and the class that scored highest.
    """
    from ...stages.plot.results import confusion as draw

    draw(run, output, files, level=_level(level))


def _level(text: str | None) -> int | Literal["all"] | None:
    if text is None:
        return None
    if text == "all":
        return "all"
    if not text.isdecimal():
        raise UsageError(f"--level {text}: is no number of instruments", "give a number, or all")
    return int(text)
