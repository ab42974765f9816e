"""The kinds of pictures of records."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ...features import DEFAULT_PRESET, PRESETS
from ..app import tool
from ..judging import class_names
from ..judging import unlisted as labels_unlisted
from .options import picture_options

if TYPE_CHECKING:
    from ...choices import Unlisted
    from ...run import Run
    from ...stages.plot.output import PictureOutput


def _selection_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose models and classes of labelled predictions."""
    for option in (
        labels_unlisted,
        class_names,
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
@picture_options
def spectrogram(run: Run, output: PictureOutput, preset: str | None, like: str | None) -> None:
    """Draw a time-frequency representation of up to nine records, with one colour scale.

    Titles are the labels, and how they were mixed. Presets with one value a frame are drawn as lines.
    """
    from ...device import wait_passively

    wait_passively()
    from ...features import front_end
    from ...stages.plot.records import spectrogram as draw

    if like is not None and preset is not None:
        raise UsageError("--like and --preset do not go together", "choose one of them")
    if like is not None:
        from ...models.bundle import read_description

        module = read_description(like).build_front_end()
    else:
        module = front_end(preset)
    draw(run, output, module)


@tool(
    "im-plot",
    epilog="""
im-plot waveform -o song.png song.flac
im-plot waveform -o cellos.pdf --where labels=cel segments.jsonl""",
)
@picture_options
def waveform(run: Run, output: PictureOutput) -> None:
    """Draw waveforms, with bars below that show when each instrument sounds, as far as labelled."""
    from ...stages.plot.records import waveform as draw

    draw(run, output)


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
    help="Underline scores that reach VALUE, or the thresholds that im-threshold has written to FILE.",
)
@picture_options
def activity(run: Run, output: PictureOutput, model: str | None, threshold: str | None) -> None:
    """Draw which instruments a model recognizes over time, from predictions of 'im-predict --windows'.

    The input is one record. Its labels are outlined.
    """
    from ...stages.plot.records import activity as draw

    draw(run, output, model=model, threshold=_threshold(threshold))


def _threshold(text: str | None) -> float | str | None:
    """Return a number, or else the name of a file."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


@tool(
    "im-plot",
    epilog="""
im-plot threshold -o thresholds.svg predictions.jsonl
im-plot threshold -o flute.png --classes flu --width single predictions.jsonl""",
)
@_selection_options
@picture_options
def threshold(
    run: Run, output: PictureOutput, models: tuple[str, ...], classes: list[str] | None, unlisted: Unlisted
) -> None:
    """Draw F1 against the threshold, class by class, from records with labels and predictions.

    A marker is on the best threshold of each model, a thin line marks 0.5. The best F1 was found on the very
    records that are drawn: it is no estimate for other records.
    """
    from ...stages.plot.records import threshold as draw

    draw(run, output, models=models, classes=classes, unlisted=unlisted)


@tool(
    "im-plot",
    epilog="""
im-plot reliability -o reliability.svg predictions.jsonl
im-plot reliability -o flute.png --classes flu --width single predictions.jsonl""",
)
@_selection_options
@picture_options
def reliability(
    run: Run, output: PictureOutput, models: tuple[str, ...], classes: list[str] | None, unlisted: Unlisted
) -> None:
    """Draw a reliability diagram, from records with labels and predictions.

    Where the line coincides with the thin one, scores are probabilities: of all instruments with a score of
    0.7, seven in ten are present. The panel below shows the number of scores. 'im-calibrate' makes the scores
    of a model probabilities.
    """
    from ...stages.plot.records import reliability as draw

    draw(run, output, models=models, classes=classes, unlisted=unlisted)
