"""im-predict: recognise the instruments in recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from ..choices import PREDICTION_FORMATS, PredictionFormat
from .app import start, tool, windows_at_once

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-predict",
    output="Write the manifest with predictions into DIR as well.",
    device=True,
    formats=("fmt",),
    content={"models": "model.json"},
    shard=True,
    spread=True,
    epilog="""
im-predict song.flac
im-predict --format table --top 3 music/
im-predict -m model/ song.flac
im-predict -m model/ music/ > predictions.jsonl
im-predict -m model/ --format table --timeline song.flac
im-predict -m model/ --format csv --top 3 music/ > top3.csv
im-predict -m model/ --excerpt 30@middle music/ > excerpts.jsonl
im-predict -m model/ --embeddings music/ > embeddings.jsonl
im-predict -m model/ --held-out features/ | im-score""",
)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    default=["bundled"],
    metavar="DIR",
    help="The model directory (default: bundled, the model that comes with imtools; repeatable: the mean of "
    "several models, which share what they decode).",
)
@click.option(
    "--model-card",
    is_flag=True,
    help="Print the description of the model, its scores and its limits, and exit.",
)
@click.option("--keep", is_flag=True, help="With several models, also give the predictions of each.")
@click.option(
    "--excerpt",
    metavar="SECONDS[@PLACE]",
    help="Score only this many seconds: @start, @middle (the default), @end, or from a given second (30@60).",
)
@click.option(
    "--hop",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Distance between windows (default: the model's).",
)
@click.option(
    "--stereo/--mono",
    default=None,
    help="Score left, right, middle and side separately and take the highest score of each class, or score "
    "the mean of the channels (default: the model's).",
)
@click.option("--windows", is_flag=True, help="Give the scores of each window too, with start and duration.")
@click.option(
    "--timeline",
    is_flag=True,
    help="Give the time spans in which each class is present, with start, duration and mean score.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="K",
    help="Give only the K classes with the highest scores for each record and window.",
)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(PREDICTION_FORMATS),
    default="jsonl",
    show_default=True,
    help="Standard output: the records; CSV, one line per score; or a table, one line per file.",
)
@click.option(
    "--held-out", is_flag=True, help="Score each record with the members that were not trained on its fold."
)
@click.option(
    "--members",
    is_flag=True,
    help="Give the scores of the members of each fold too, as NAME@HASH#fold0 and so on.",
)
@click.option(
    "--embeddings",
    is_flag=True,
    help="Give the input of the net's last layer for each record too (with --windows: for each window).",
)
@windows_at_once
def command(
    run: Run,
    models: tuple[str, ...],
    model_card: bool,
    keep: bool,
    excerpt: str | None,
    windows: bool,
    timeline: bool,
    top: int | None,
    fmt: PredictionFormat,
    hop: float | None,
    stereo: bool | None,
    held_out: bool,
    members: bool,
    embeddings: bool,
    batch_size: int,
) -> None:
    """Recognise the instruments in each record.

    Without --model, the bundled model recognises eleven: cello, clarinet, flute, acoustic and electric
    guitar, organ, piano, saxophone, trumpet, violin, voice. --model-card shows how well, and what it may be
    used for.

    Records that carry the model's features are scored from them; all others from their audio, in windows
    whose scores are aggregated as the model prescribes: by their mean, or S2.
    """
    from ..device import wait_passively

    if model_card:
        from ..models.bundle import read_card

        click.echo("\n".join(map(read_card, models)), nl=False)
        run.options.quiet = True
        return
    wait_passively()
    from ..predict.annotate import PredictionOutput
    from ..predict.predictor import PredictSettings
    from ..stages.export.streams import show_as
    from ..stages.predict import predict
    from .parsing import parse_excerpt

    part = None if excerpt is None else parse_excerpt(excerpt)
    output = PredictionOutput(windows, timeline, top, part, keep)
    settings = PredictSettings(hop, stereo, batch_size, held_out, members, embeddings)
    show_as(run, fmt)
    predict(run, models, settings, output)


def main() -> NoReturn:
    """Run ``im-predict``."""
    start(command)
