"""im-augment: make changed copies of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import audio_format, start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-augment",
    output="Write the copies as audio files into DIR (else they are recipes, rendered when read).",
    seed=True,
    shard=True,
    spread=True,
    epilog="""
im-augment --pitch -6,-4,-2,2,4,6 segments.jsonl > shifted.jsonl
im-augment --pitch -6,-4,-2,2,4,6 --limit 24 --keep segments.jsonl
im-augment --copies 2 --gain -6:6 --noise 20:40 --noise-color pink --polarity 0.5 segments.jsonl
im-augment --crop 1 --pad 3 --highpass 40 -o clips/ song.flac""",
)
@click.option("--pitch", metavar="VALUES", help="Shift the pitch by so many semitones.")
@click.option("--stretch", metavar="VALUES", help="Make so many times as long, at the same pitch.")
@click.option("--gain", metavar="VALUES", help="Change the level by so many dB.")
@click.option("--noise", metavar="VALUES", help="Add noise so many dB below the signal (RMS).")
@click.option(
    "--noise-color",
    type=click.Choice(["white", "pink", "brown"]),
    default="white",
    show_default=True,
    help="Colour of the noise.",
)
@click.option("--lowpass", metavar="VALUES", help="Remove what is above so many Hz (24 dB an octave).")
@click.option("--highpass", metavar="VALUES", help="Remove what is below so many Hz (24 dB an octave).")
@click.option(
    "--polarity",
    type=click.FloatRange(0, 1),
    metavar="PROBABILITY",
    help="Invert a copy with this probability.",
)
@click.option(
    "--crop",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Keep so many seconds from a random place.",
)
@click.option(
    "--pad",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Lay the copy at a random place in so many seconds of silence.",
)
@click.option(
    "--copies",
    type=click.IntRange(1),
    metavar="N",
    help="Copies of each record (default: the values of the longest list).",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="At most N copies of all records, spread evenly at random (reads all input first).",
)
@click.option("--keep", is_flag=True, help="Hand on each record too, before its copies.")
@click.option(
    "--stretcher",
    type=click.Choice(["auto", "rubberband", "signalsmith"]),
    default="auto",
    show_default=True,
    help="What shifts pitch and stretches time.",
)
@audio_format
def command(
    run: Run,
    pitch: str | None,
    stretch: str | None,
    gain: str | None,
    noise: str | None,
    noise_color: str,
    lowpass: str | None,
    highpass: str | None,
    polarity: float | None,
    crop: float | None,
    pad: float | None,
    copies: int | None,
    limit: int | None,
    keep: bool,
    stretcher: str,
    fmt: str,
) -> None:
    """Make changed copies of recordings, segments or mixes.

    VALUES is a number for all copies; a list such as -2,2,4, which the copies of a record take in turn,
    beginning at a random value; or LOW:HIGH, between which each copy draws its own. Whatever the order of
    the options, copies are stretched and shifted, filtered, cropped, given noise, inverted, padded, and
    brought to their level. Labels with times go along.
    """
    from ..augment import Augmentation
    from ..run import execute
    from ..stages.augment import AugmentStage, parse_values

    augmentation = Augmentation(
        pitch=parse_values(pitch, "--pitch"),
        stretch=parse_values(stretch, "--stretch"),
        gain=parse_values(gain, "--gain"),
        noise=parse_values(noise, "--noise"),
        lowpass=parse_values(lowpass, "--lowpass"),
        highpass=parse_values(highpass, "--highpass"),
        noise_color=noise_color,
        polarity=polarity,
        crop=crop,
        pad=pad,
        copies=copies,
        stretcher=stretcher,
        seed=run.options.seed,
    )
    stage = AugmentStage(augmentation, run.folder, fmt, keep=keep)
    if limit is None:
        execute(run, stage, run.items())
    else:
        execute(run, stage, stage.choose(run.records(), limit))


def main() -> NoReturn:
    """Run ``im-augment``."""
    start(command)
