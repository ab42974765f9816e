"""im-augment: make changed copies of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn

import click

from ..choices import (
    NOISE_COLORS,
    STRETCHERS,
    AudioFormat,
    NoiseColor,
    Stretcher,
)
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
@click.option("--pitch", metavar="VALUES", help="Pitch shift, in semitones.")
@click.option("--stretch", metavar="VALUES", help="Factor of the duration, at the same pitch.")
@click.option("--gain", metavar="VALUES", help="Level change, in dB.")
@click.option("--noise", metavar="VALUES", help="Add noise; signal-to-noise ratio (RMS), in dB.")
@click.option(
    "--noise-color",
    type=click.Choice(NOISE_COLORS),
    default="white",
    show_default=True,
    help="Colour of the noise.",
)
@click.option("--lowpass", metavar="VALUES", help="Cutoff of a low-pass, in Hz (24 dB an octave).")
@click.option("--highpass", metavar="VALUES", help="Cutoff of a high-pass, in Hz (24 dB an octave).")
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
    help="Keep this length, from a random place.",
)
@click.option(
    "--pad",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Place the copy at random in silence of this length.",
)
@click.option(
    "--copies",
    type=click.IntRange(1),
    metavar="N",
    help="Copies of each record (default: the length of the longest list of values).",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="At most N copies in all, spread evenly over the records at random (reads all input first).",
)
@click.option("--keep", is_flag=True, help="Output each record too, before its copies.")
@click.option(
    "--stretcher",
    type=click.Choice(["auto", *STRETCHERS]),
    default="auto",
    show_default=True,
    help="Engine that shifts pitch and stretches time.",
)
@audio_format
def command(
    run: Run,
    pitch: str | None,
    stretch: str | None,
    gain: str | None,
    noise: str | None,
    noise_color: NoiseColor,
    lowpass: str | None,
    highpass: str | None,
    polarity: float | None,
    crop: float | None,
    pad: float | None,
    copies: int | None,
    limit: int | None,
    keep: bool,
    stretcher: Literal["auto"] | Stretcher,
    fmt: AudioFormat,
) -> None:
    """Make changed copies of recordings, segments or mixes.

    VALUES is a number for all copies; a list such as -2,2,4, which the copies of a record take in turn,
    starting at a random value; or LOW:HIGH, from which each copy draws its own. Whatever the order of the
    options, copies are stretched and shifted, filtered, cropped, given noise, inverted, padded, and changed
    in level. Labels with times move along.
    """
    from ..augment import Augmentation
    from ..run import execute
    from ..stages.augment import AugmentStage
    from .parsing import parse_values

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
