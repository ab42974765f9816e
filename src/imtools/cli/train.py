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
        raise UsageError(f"--folds {text}: is neither 'all' nor numbers", "write them as 0,2") from None


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if "" in names:
        raise UsageError(f"--classes {text}: has an empty name", "write them as flu,vio")
    return names


@tool(
    "im-train",
    output="The model directory to make (required).",
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
    help="Train as the paper of this model says (default: of the one that is trained).",
)
@click.option(
    "--width",
    type=float,
    metavar="FACTOR",
    help="Factor on all channels and units (default: 1, the paper's net).",
)
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    help="Sigmoids; a softmax; a net for each class, which stops for itself; support vectors.",
)
@click.option(
    "--features",
    metavar="KIND",
    help="Kind of feature to train on, where records have several.",
)
@click.option(
    "--front-end",
    "preset",
    type=click.Choice(list(PRESETS)),
    metavar="PRESET",
    help="What to compute for records without features, see im-features (default: the paper's).",
)
@click.option(
    "--on-the-fly",
    is_flag=True,
    help="Keep waveforms, and compute the features of each batch: --mix then overlays sounds.",
)
@click.option(
    "--classes",
    metavar="A,B,...",
    help="What to recognise (default: every class in the labels).",
)
@click.option(
    "--unlisted",
    type=click.Choice(UNLISTED),
    default="unknown",
    show_default=True,
    help="What a class is that incomplete labels do not list: left out of the loss, or a negative.",
)
@click.option(
    "--folds",
    metavar="all|N,...",
    help="Folds to validate on, each giving a member of the model (default: all that there are).",
)
@click.option(
    "--division",
    type=float,
    metavar="N|PART",
    help="Folds to make, or part to hold out, where records have neither folds nor splits.",
)
@click.option(
    "--extend",
    metavar="MODEL",
    help="Add classes to a one-vs-all model, whose nets stay as they are.",
)
@click.option(
    "--init",
    metavar="MODEL",
    help="Start from the weights of a model, whatever its classes; net and front end are its own.",
)
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="Most epochs.",
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
    help="Lower by epochs and plateaus, with early stopping; up and down once; half a cosine down.",
)
@click.option(
    "--decay",
    type=float,
    metavar="FACTOR",
    help="decay: factor on the rate from epoch to epoch; 1 is none.",
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
    help="decay: by what factor it is reduced.",
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
    help="Largest norm of the gradient, say 1 for recurrent nets; 0: any.",
)
@click.option(
    "--listwise",
    type=float,
    default=0.0,
    show_default=True,
    metavar="WEIGHT",
    help="multi-label: compare the classes of each example with each other too, with this weight.",
)
@click.option(
    "--class-weights",
    is_flag=True,
    help="Let rare classes count as much as frequent ones.",
)
@click.option(
    "--negatives",
    type=float,
    metavar="N",
    help="one-vs-all: negatives shown for each positive, drawn in each epoch (default: all).",
)
@click.option(
    "--ema",
    type=float,
    default=0.0,
    show_default=True,
    metavar="DECAY",
    help="Keep a moving average of the weights with this decay, say 0.999; 0: do not.",
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
    "--voices",
    type=int,
    default=2,
    show_default=True,
    metavar="N",
    help="Most examples in a mix: with 3, a third joins as often as a second.",
)
@click.option(
    "--crop",
    type=float,
    default=0.0,
    show_default=True,
    metavar="PART",
    help="Show random stretches of this part of examples, and in the last fifth of the epochs all of them.",
)
@click.option(
    "--shift",
    is_flag=True,
    help="Let examples begin anywhere, what came before follows their end.",
)
@click.option(
    "--equalize",
    type=float,
    default=0.0,
    show_default=True,
    metavar="DB",
    help="Filter examples by smooth random curves of about this much (RMS).",
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
    help="Keep the weights of the epoch with the lowest validation loss, or of the last.",
)
@click.option(
    "--compile",
    is_flag=True,
    help="Let torch compile the net: pays on a GPU, takes a minute to start.",
)
@click.option(
    "--aggregation",
    type=click.Choice(AGGREGATIONS),
    help="Prediction: mean of the windows' scores, of the highest quarter of them, or of their logits, their "
    "maximum, or sum by the largest class's.",
)
@click.option(
    "--stereo/--mono",
    default=None,
    help="Prediction: hear left, right, middle and side apart, the surest counts; or their mean.",
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
    help="Name of the model (default: that of the net).",
)
@click.option(
    "--list-models",
    is_flag=True,
    help="List the nets, their sizes and the figures of their papers, and exit.",
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

    Features are those that im-features has stored. Those of recordings and mix recipes without any are
    computed and kept in memory: nothing needs to lie on disk but the recordings.

    Strategy, optimizer, schedule, stopping and division are those of the paper that the model is from;
    each option replaces one of them.

    Records with folds give one member for each fold, trained on the others and validated on it; the model
    answers with their mean. Without folds, split 'validation' validates; without that, the recordings are
    divided as the paper says. Records of split 'test' are left out.

    With --init, training starts from the weights of a model, on other records or for other classes:
    outputs for classes that it knows are taken over, too. A low learning rate keeps what it has learnt.

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
