"""im-segment: cut recordings into segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn

import click

from ..choices import LEVELS, TAILS, AudioFormat, Level, Tail
from .app import audio_format, start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-segment",
    output="Write the segments as audio files into DIR (else they are pointers into the files).",
    shard=True,
    spread=True,
    epilog="""
im-segment music/ > segments.jsonl
im-segment --length 3 --hop 1.5 --tail pad song.flac
im-segment --rate 22050 -o segments/ index.jsonl""",
)
@click.option(
    "-l",
    "--length",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Length of a segment.",
)
@click.option(
    "--hop",
    type=click.FloatRange(0.001),
    metavar="SECONDS",
    help="Distance between the starts of segments (default: the length).",
)
@click.option(
    "--tail",
    type=click.Choice(TAILS),
    default="drop",
    show_default=True,
    help="The last, shorter piece: leave it out, pad it with silence, or keep it as it is.",
)
@click.option(
    "--rate", type=click.IntRange(1), metavar="HZ", help="Resample to this rate (default: the file's own)."
)
@click.option(
    "--normalize",
    type=click.Choice([*LEVELS, "none"]),
    default="none",
    show_default=True,
    help="Scale each segment to unit RMS or unit peak.",
)
@audio_format
def command(
    run: Run,
    length: float,
    hop: float | None,
    tail: Tail,
    rate: int | None,
    normalize: Level | Literal["none"],
    fmt: AudioFormat,
) -> None:
    """Cut recordings into segments of equal length.

    A segment is a pointer into its file (start and duration); audio is written only with -o. Times are
    exact to the sample. Pointers are normalised and resampled when they are read.
    """
    from ..run import execute
    from ..stages.segment import SegmentStage

    stage = SegmentStage(length, hop, tail, rate, None if normalize == "none" else normalize, run.folder, fmt)
    execute(run, stage, run.items())


def main() -> NoReturn:
    """Run ``im-segment``."""
    start(command)
