"""im-train: train a net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..errors import UsageError
from ..features import DEFAULT_PRESET, PRESETS
from ..models import ARCHITECTURES, DEFAULT_ARCHITECTURE
from .app import start, tool

if TYPE_CHECKING:
    from ..run import Run


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None or text == "all":
        return None
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise UsageError(f"--folds {text}: is neither 'all' nor numbers", "write them as 0,2") from None


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(","))


@tool(
    "im-train",
    output="The model directory to make (required).",
    seed=True,
    device=True,
    own_output=True,
    epilog="""
im-train -o model/ features/
im-train --front-end han2017 --width 0.25 -o model/ mixes.jsonl
im-train --model gururani2018 --width 0.5 --epochs 30 -o model/ features/
im-train --schedule onecycle --learning-rate 0.002 --unlisted absent -o model/ irmas/""",
)
@click.option(
    "--model",
    "architecture",
    type=click.Choice(list(ARCHITECTURES)),
    default=DEFAULT_ARCHITECTURE,
    show_default=True,
    help="The net.",
)
@click.option(
    "--width",
    type=float,
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="Factor on all channels and units; 1 is the paper's net.",
)
@click.option("--features", metavar="KIND", help="Kind of feature to train on, where records have several.")
@click.option(
    "--front-end",
    "preset",
    type=click.Choice(list(PRESETS)),
    help=f"What to compute for records without features (default: as the others, or {DEFAULT_PRESET}).",
)
@click.option(
    "--classes",
    metavar="A,B,...",
    help="What to recognise (default: every class in the labels).",
)
@click.option(
    "--unlisted",
    type=click.Choice(["unknown", "absent"]),
    default="unknown",
    show_default=True,
    help="What a class is that incomplete labels do not list: left out of the loss, or a negative.",
)
@click.option(
    "--folds",
    metavar="all|N,...",
    help="Folds to validate on, each giving a member of the model (default: all that there are).",
)
@click.option("--epochs", type=int, default=100, show_default=True, metavar="N", help="Most epochs.")
@click.option(
    "--batch",
    "batch_size",
    type=int,
    default=128,
    show_default=True,
    metavar="N",
    help="Examples in a batch.",
)
@click.option(
    "--learning-rate",
    type=float,
    default=1e-4,
    show_default=True,
    metavar="RATE",
    help="Highest learning rate of Adam.",
)
@click.option(
    "--schedule",
    type=click.Choice(["decay", "onecycle"]),
    default="decay",
    show_default=True,
    help="decay: 10 % an epoch, less on plateaus, early stopping; onecycle: up and down once.",
)
@click.option(
    "--weight-decay",
    type=float,
    default=0.0,
    show_default=True,
    metavar="FACTOR",
    help="Decoupled weight decay.",
)
@click.option(
    "--mix",
    type=float,
    default=0.0,
    show_default=True,
    metavar="P",
    help="Probability of mixing an example with another one, uniting their labels.",
)
@click.option(
    "--roll",
    type=int,
    default=0,
    show_default=True,
    metavar="BINS",
    help="Shift examples in frequency by up to so many bins.",
)
@click.option(
    "--mask",
    type=float,
    default=0.0,
    show_default=True,
    metavar="PART",
    help="Hide bands and stretches of up to this part of an example.",
)
@click.option(
    "--hop",
    type=float,
    metavar="SECONDS",
    help="Distance between windows in prediction (default: the window).",
)
@click.option("--name", metavar="NAME", help="Name of the model (default: that of the net).")
def command(run: Run, classes: str | None, folds: str | None, preset: str | None, **settings: Any) -> None:
    """Train a net on features, and make a model directory.

    Features are those that im-features has stored. Those of recordings and mix recipes without any are
    computed and kept in memory: nothing needs to lie on disk but the recordings.

    Records with folds give one member for each fold, trained on the others and validated on it; the model
    answers with their mean. Without folds, split 'validation' validates, or a tenth of the recordings.
    Records of split 'test' are left out. Defaults are those of kratimenos2020.
    """
    from ..stages.train import train

    train(run, settings | {"classes": _names(classes), "folds": _numbers(folds)}, preset)


def main() -> NoReturn:
    """Run ``im-train``."""
    start(command)
