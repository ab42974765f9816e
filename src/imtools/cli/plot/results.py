"""The kinds of pictures that are drawn of models and of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ..app import tool
from .options import paper_options

if TYPE_CHECKING:
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
@paper_options
def training(run: Run, paper: PictureOutput, files: tuple[str, ...], metric: str | None) -> None:
    """Draw how training went, from model directories or their history.jsonl.

    Thin lines are nets (one for each fold), the thick line is their mean, as long as all were trained; rings
    are on the epochs that were kept. Of one model training and validation loss share a panel.
    """
    from ...stages.plot.results import training as draw

    draw(run, paper, files, metric=metric)


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
    type=click.Choice(["f1", "auc", "ap", "precision", "recall", "accuracy"]),
    default="f1",
    show_default=True,
    help="What is compared.",
)
@paper_options
def difference(run: Run, paper: PictureOutput, files: tuple[str, ...], metric: str) -> None:
    """Draw how far models lie above a baseline, class by class, with intervals.

    The input are score files of 'im-score --format jsonl --baseline'. The baseline's own figure stands in
    brackets by the class.
    """
    from ...stages.plot.results import difference as draw

    draw(run, paper, files, metric=metric)


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
    type=click.Choice(["tpr", "accuracy"]),
    help="A line for each class: true positive rate, or accuracy of its decisions.",
)
@paper_options
def polyphony(run: Run, paper: PictureOutput, files: tuple[str, ...], per_class: str | None) -> None:
    """Draw scores against the number of instruments that sound.

    The input are score files of 'im-score --format jsonl'. Without --per-class: intersection over union of
    labels and decisions, and the part of the items of which all decisions are right.
    """
    from ...stages.plot.results import polyphony as draw

    draw(run, paper, files, per_class=per_class)


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
@paper_options
def confusion(run: Run, paper: PictureOutput, files: tuple[str, ...], level: str | None) -> None:
    """Draw what is taken for what, from one score file of 'im-score --format jsonl'.

    Without --level: the items with one label, and which class scored highest.
    """
    from ...stages.plot.results import confusion as draw

    number = None
    if level not in (None, "all"):
        if not str(level).isdecimal():
            raise UsageError(f"--level {level}: is no number of instruments", "give a number, or all")
        number = int(str(level))
    draw(run, paper, files, level=number, against=level is not None)
