"""The kinds of pictures that are drawn of records."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ...features import DEFAULT_PRESET, PRESETS
from ..app import tool
from ..judging import unlisted as labels_unlisted
from .options import names, paper_options

if TYPE_CHECKING:
    from ...labels import Unlisted
    from ...run import Run
    from ...stages.plot.output import PictureOutput


def _judging_options(function: Callable[..., None]) -> Callable[..., None]:
    """Say of which models and classes a picture of labelled predictions is."""
    for option in (
        labels_unlisted,
        click.option("--classes", metavar="A,B,...", help="Draw only these classes."),
        click.option(
            "--model", "models", metavar="NAME", multiple=True, help="Draw this model (repeatable; all)."
        ),
    ):
        function = option(function)
    return function


@tool(
    "im-plot",
    epilog="""
im-plot spectrogram -o tones.png --where labels=vio segments.jsonl
im-plot spectrogram -o song.svg --preset han2017 --width single song.flac""",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help=f"The representation: a paper's front end (default: {DEFAULT_PRESET}).",
)
@click.option("--like", metavar="MODEL", help="The front end of a model directory, instead of a preset.")
@paper_options
def spectrogram(run: Run, paper: PictureOutput, preset: str | None, like: str | None) -> None:
    """Draw a time-frequency representation of up to nine records, with one colour scale.

    Titles are the labels, and how they were mixed. Presets with one value a frame are drawn as lines.
    """
    from ...device import wait_passively

    wait_passively()
    from ...features import front_end
    from ...stages.plot.records import spectrogram as draw

    if like is not None and preset is not None:
        raise UsageError("--like says all of the front end", "leave --preset out")
    if like is not None:
        from ...models.bundle import read_description

        module = read_description(like).build_front_end()
    else:
        module = front_end(preset)
    draw(run, paper, module)


@tool(
    "im-plot",
    epilog="""
im-plot waveform -o song.png song.flac
im-plot waveform -o cellos.pdf --where labels=cel segments.jsonl""",
)
@paper_options
def waveform(run: Run, paper: PictureOutput) -> None:
    """Draw waveforms, with the labels as bars below: when each instrument sounds, as far as known."""
    from ...stages.plot.records import waveform as draw

    draw(run, paper)


@tool(
    "im-plot",
    epilog="""
im-predict -m model/ --windows song.flac | im-plot activity -o song.png
im-predict -m model/ --windows song.flac | im-plot activity -t 0.5 > song.png""",
)
@click.option("--model", metavar="NAME", help="Draw this model's predictions, where there are several.")
@click.option(
    "-t",
    "--threshold",
    metavar="VALUE|FILE",
    help="Underline what reaches VALUE, or the thresholds that im-threshold has written to FILE.",
)
@paper_options
def activity(run: Run, paper: PictureOutput, model: str | None, threshold: str | None) -> None:
    """Draw which instruments a model hears when, from the predictions of 'im-predict --windows'.

    The input is one record. Its labels are outlined.
    """
    from ...stages.plot.records import activity as draw

    draw(run, paper, model=model, threshold=threshold)


@tool(
    "im-plot",
    epilog="""
im-plot threshold -o thresholds.svg predictions.jsonl
im-plot threshold -o flute.png --classes flu --width single predictions.jsonl""",
)
@_judging_options
@paper_options
def threshold(
    run: Run, paper: PictureOutput, models: tuple[str, ...], classes: str | None, unlisted: Unlisted
) -> None:
    """Draw F1 against the threshold, class by class, from records with labels and predictions.

    A marker is on the best threshold of each model, a thin line at 0.5. That best F1 was found on the very
    records that are drawn: it says nothing of others.
    """
    from ...stages.plot.records import threshold as draw

    draw(run, paper, models=models, classes=names(classes), unlisted=unlisted)


@tool(
    "im-plot",
    epilog="""
im-plot reliability -o reliability.svg predictions.jsonl
im-plot reliability -o flute.png --classes flu --width single predictions.jsonl""",
)
@_judging_options
@paper_options
def reliability(
    run: Run, paper: PictureOutput, models: tuple[str, ...], classes: str | None, unlisted: Unlisted
) -> None:
    """Draw how often what has a score is true, from records with labels and predictions.

    Where the line lies on the thin one, scores are probabilities: of all instruments with a score of 0.7
    seven in ten are there. Below, how many scores there are. 'im-calibrate' makes a model of which that is
    so.
    """
    from ...stages.plot.records import reliability as draw

    draw(run, paper, models=models, classes=names(classes), unlisted=unlisted)
