"""im-train: train a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..choices import AGGREGATIONS, KEPT_EPOCHS, SCHEDULES, STRATEGIES, UNLISTED
from ..errors import UsageError
from ..features import PRESETS
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
        raise UsageError(f"--folds {text}: neither 'all' nor numbers", "write them as 0,2") from None


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if "" in names:
        raise UsageError(f"--classes {text}: has an empty name", "write them as flu,vio")
    return names


@tool(
    "im-train",
    output="Model directory to write (required).",
    seed=True,
    device=True,
    own_output=True,
    content={"extend": "model.json", "init": "model.json"},
    epilog="""
im-train -o model/ features/
im-train --model avramidis2021-fcn --epochs 30 -o model/ mixes.jsonl
im-train --model han2017 --width 0.25 --mix 0.5 --on-the-fly -o model/ segments.jsonl
im-train --schedule onecycle --learning-rate 0.002 --unlisted absent -o model/ irmas/
im-train --model chen2024 --negatives 1 -o families/ features/
im-train --model chen2024 --negatives 1 --extend families/ --classes vio -o more/ new/
im-train --init model/ --epochs 5 --learning-rate 0.0003 -o tuned/ new/
im-segment --length 3 --tail pad music/ | im-train --init bundled --epochs 5 --unlisted absent -o mine/
im-train --list-models""",
)
@click.option(
    "--model",
    "architecture",
    type=click.Choice(list(ARCHITECTURES)),
    metavar="MODEL",
    help=f"The net; --list-models describes them (default: {DEFAULT_ARCHITECTURE}).",
)
@click.option(
    "--protocol",
    type=click.Choice(list(ARCHITECTURES)),
    metavar="MODEL",
    help="Train as in the paper of this model (default: of the one that is trained).",
)
@click.option(
    "--width",
    type=float,
    metavar="FACTOR",
    help="Factor on all channels and units (default: 1, the net of the paper).",
)
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    help="A sigmoid for each class; a softmax; a net for each class, which stops by itself; support vectors.",
)
@click.option(
    "--features",
    metavar="KIND",
    help="Kind of feature to train on, if records have several.",
)
@click.option(
    "--front-end",
    "preset",
    type=click.Choice(list(PRESETS)),
    metavar="PRESET",
    help="Features to compute for records without any, see im-features (default: those of the paper).",
)
@click.option(
    "--on-the-fly",
    is_flag=True,
    help="Keep waveforms, and compute the features of each batch: --mix then mixes waveforms.",
)
@click.option(
    "--classes",
    metavar="A,B,...",
    help="Classes to recognise (default: every class in the labels).",
)
@click.option(
    "--unlisted",
    type=click.Choice(UNLISTED),
    default="unknown",
    show_default=True,
    help="How to count a class that incomplete labels do not list: not in the loss, or as a negative.",
)
@click.option(
    "--folds",
    metavar="all|N,...",
    help="Folds to validate on, each giving a member of the model (default: all).",
)
@click.option(
    "--division",
    type=float,
    metavar="N|PART",
    help="Number of folds, or part to hold out, if records have neither folds nor splits.",
)
@click.option(
    "--extend",
    metavar="MODEL",
    help="Add classes to a one-vs-all model, whose nets are not changed.",
)
@click.option(
    "--init",
    metavar="MODEL",
    help="Start from the weights of a model with any classes, with the same net and front end.",
)
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="Maximum number of epochs.",
)
@click.option(
    "--batch",
    "batch_size",
    type=int,
    metavar="N",
    help="Examples in a batch, of all processes together.",
)
@click.option(
    "--learning-rate",
    type=float,
    metavar="RATE",
    help="Highest learning rate of Adam.",
)
@click.option(
    "--schedule",
    type=click.Choice(SCHEDULES),
    help="Decay by epochs and on plateaus, with early stopping; up and down once; half a cosine down.",
)
@click.option(
    "--decay",
    type=float,
    metavar="FACTOR",
    help="decay: factor on the rate from epoch to epoch; 1: no decay.",
)
@click.option(
    "--reduce-patience",
    type=int,
    metavar="N",
    help="decay: epochs without a better validation loss before the rate is reduced; 0: never.",
)
@click.option(
    "--reduce-factor",
    type=float,
    metavar="FACTOR",
    help="decay: factor by which the rate is reduced.",
)
@click.option(
    "--stop-patience",
    type=int,
    metavar="N",
    help="decay: epochs without a better validation loss before training stops; 0: never.",
)
@click.option(
    "--stop-precision",
    type=float,
    metavar="P",
    help="one-vs-all: a net is done at this precision and accuracy on validation; 0: never.",
)
@click.option(
    "--warm-up",
    type=float,
    metavar="EPOCHS",
    help="decay, cosine: epochs in which the rate first rises from 0.",
)
@click.option(
    "--weight-decay",
    type=float,
    metavar="FACTOR",
    help="Decoupled weight decay.",
)
@click.option(
    "--clip",
    type=float,
    default=0.0,
    show_default=True,
    metavar="NORM",
    help="Largest norm of the gradient, for example 1 for recurrent nets; 0: no limit.",
)
@click.option(
    "--listwise",
    type=float,
    default=0.0,
    show_default=True,
    metavar="WEIGHT",
    help="multi-label: weight of an additional loss that compares the classes of each example.",
)
@click.option(
    "--class-weights",
    is_flag=True,
    help="Weight rare classes as much as frequent ones.",
)
@click.option(
    "--negatives",
    type=float,
    metavar="N",
    help="one-vs-all: negatives for each positive, drawn anew in each epoch (default: all).",
)
@click.option(
    "--ema",
    type=float,
    default=0.0,
    show_default=True,
    metavar="DECAY",
    help="Keep a moving average of the weights with this decay, for example 0.999; 0: do not.",
)
@click.option(
    "--mix",
    type=float,
    default=0.0,
    show_default=True,
    metavar="P",
    help="Probability of mixing an example with another one; their labels are united.",
)
@click.option(
    "--voices",
    type=int,
    default=2,
    show_default=True,
    metavar="N",
    help="Maximum number of examples in a mix; a third is as likely as a second.",
)
@click.option(
    "--crop",
    type=float,
    default=0.0,
    show_default=True,
    metavar="PART",
    help="Train on random sections of this part of examples; in the last fifth of the epochs on the whole.",
)
@click.option(
    "--shift",
    is_flag=True,
    help="Rotate examples in time at random.",
)
@click.option(
    "--equalize",
    type=float,
    default=0.0,
    show_default=True,
    metavar="DB",
    help="Filter examples by smooth random curves of about this RMS.",
)
@click.option(
    "--roll",
    type=int,
    default=0,
    show_default=True,
    metavar="BINS",
    help="Shift examples in frequency by up to this many bins.",
)
@click.option(
    "--mask",
    type=float,
    default=0.0,
    show_default=True,
    metavar="PART",
    help="Mask frequency bands and time spans, each up to this part of an example.",
)
@click.option(
    "--mixup",
    type=float,
    default=0.0,
    show_default=True,
    metavar="ALPHA",
    help="Blend examples and labels, in proportions of a Beta(ALPHA, ALPHA) distribution.",
)
@click.option(
    "--keep",
    type=click.Choice(KEPT_EPOCHS),
    help="Keep the weights of the epoch with the lowest validation loss, or of the last epoch.",
)
@click.option(
    "--compile",
    is_flag=True,
    help="Compile the net with torch: faster on a GPU, but takes a minute to start.",
)
@click.option(
    "--aggregation",
    type=click.Choice(AGGREGATIONS),
    help="Prediction, scores of windows: their mean, the mean of the highest quarter, that of the logits, "
    "the sums divided by that of the largest class, or the maximum.",
)
@click.option(
    "--stereo/--mono",
    default=None,
    help="Prediction: score left, right, middle and side separately and take the maximum; or the mono mix.",
)
@click.option(
    "--hop",
    type=float,
    metavar="SECONDS",
    help="Distance between windows in prediction (default: the window).",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the model (default: the name of the net).",
)
@click.option(
    "--list-models",
    is_flag=True,
    help="List the nets with their sizes and the figures of their papers, and exit.",
)
def command(
    run: Run,
    preset: str | None,
    protocol: str | None,
    on_the_fly: bool,
    extend: str | None,
    init: str | None,
    list_models: bool,
    classes: str | None,
    folds: str | None,
    **options: Any,
) -> None:
    """Train a model on features or recordings, and make a model directory.

    Features stored by im-features are used. For recordings and mix recipes without stored features they are
    computed and kept in memory, so that nothing but the recordings has to be on disk.

    Strategy, optimizer, schedule, stopping and division follow the paper of the model; each option replaces
    one of them.

    Records with folds give one member for each fold, trained on the others and validated on it; the model
    averages their scores. Without folds, the split 'validation' is validated on; without that, the
    recordings are divided as in the paper. Records of the split 'test' are left out.

    With --init, training starts from the weights of a model, on other records or for other classes; outputs
    for classes that it knows are kept, too. A low learning rate preserves what it has learnt.

    Several processes, started by torchrun, share each batch: torchrun --nproc-per-node 4 -m
    imtools.cli.train -o model/ features/
    """
    if list_models:
        from ..models.table import format_listing

        click.echo(format_listing(), nl=False)
        run.options.quiet = True
        return
    from ..stages.train import train
    from ..train import TrainSettings

    settings = TrainSettings(classes=_names(classes), folds=_numbers(folds), **options)
    train(
        run,
        settings,
        preset=preset,
        protocol=protocol,
        on_the_fly=on_the_fly,
        extend=extend,
        init=init,
    )


def main() -> NoReturn:
    """Run ``im-train``."""
    start(command)


if __name__ == "__main__":  # for torchrun, which takes a module
    main()
