"""im-mix: mix recordings of different instruments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn

import click

from ..choices import (
    F0_METHODS,
    RENDERERS,
    SYNCS,
    AudioFormat,
    F0Method,
    Renderer,
    Stretcher,
    SyncName,
)
from .app import audio_format, start, tool
from .app import stretcher as stretcher_option

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-mix",
    output="Write the mixes as audio files into DIR (else they are recipes, rendered when read).",
    seed=True,
    device=True,
    formats=("cache",),
    shard=True,
    spread=True,
    epilog="""
im-mix folds.jsonl > mixes.jsonl
im-mix --sync genre --pairs cel+vio,flu+pia folds.jsonl
im-mix --sync pitch --f0 crepe-tiny --limit 2 folds.jsonl > unisons.jsonl
im-mix --voices 3 --snr -3:3 --offset 0:0.2 --limit 5 folds.jsonl
im-mix --polyphony 0-3 --per-level 4 folds.jsonl > levels.jsonl
im-mix --limit 100 -o mixes/ --format wav folds.jsonl
im-mix --render -o rendered/ mixes.jsonl""",
)
@click.option(
    "--sync",
    type=click.Choice(SYNCS),
    multiple=True,
    default=["none"],
    show_default="none",
    help="How tracks are fitted to each other (repeatable): within a genre, or the others changed to the "
    "pitch, tempo or key of the first.",
)
@click.option(
    "--within", multiple=True, metavar="KEY", help="Mix only records with the same value of KEY (repeatable)."
)
@click.option(
    "--pairs",
    default="all",
    show_default=True,
    metavar="A+B,...",
    help="The classes to mix, two or more joined by +.",
)
@click.option(
    "--voices",
    type=click.IntRange(2),
    default=2,
    show_default=True,
    metavar="N",
    help="Classes in a mix, where --pairs is all.",
)
@click.option(
    "--polyphony",
    metavar="LOW-HIGH",
    help="Instead of all combinations, mixes with each number of voices; 0 is silence.",
)
@click.option(
    "--per-level",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="Mixes with each number of voices.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N mixes of each combination.")
@click.option(
    "--gain",
    default="0",
    show_default=True,
    metavar="LOW:HIGH",
    help="Gain of all but the first track, in dB.",
)
@click.option(
    "--snr", metavar="LOW:HIGH", help="Level of the first track above each of the others, in dB of RMS."
)
@click.option(
    "--offset",
    default="0",
    show_default=True,
    metavar="LOW:HIGH",
    help="Where all but the first track begin, in seconds.",
)
@click.option(
    "--headroom/--no-headroom",
    default=True,
    show_default=True,
    help="Attenuate a mix of n tracks by 20 log10(n) dB, and one whose peaks FLAC could not hold by more.",
)
@click.option(
    "--f0",
    type=click.Choice(F0_METHODS),
    default="crepe",
    show_default=True,
    help="Pitch estimator; crepe-original is the authors' own package.",
)
@click.option("--tempo-fold", is_flag=True, help="Treat half and double tempo as the same.")
@click.option(
    "--cache",
    metavar="FILE",
    help="Where pitches, tempi and keys are kept (default: INPUT.analysis beside a manifest; none: nowhere).",
)
@stretcher_option
@click.option(
    "--renderer",
    type=click.Choice(RENDERERS),
    default="float",
    show_default=True,
    help="Add in floating point, or in 16 bits that clip, as pydub does.",
)
@click.option("--render", "only_render", is_flag=True, help="INPUT is recipes: render them into DIR.")
@audio_format
def command(
    run: Run,
    sync: tuple[SyncName, ...],
    within: tuple[str, ...],
    pairs: str,
    voices: int,
    polyphony: str | None,
    per_level: int,
    limit: int | None,
    gain: str,
    snr: str | None,
    offset: str,
    headroom: bool,
    f0: F0Method,
    tempo_fold: bool,
    cache: str | None,
    stretcher: Literal["auto"] | Stretcher,
    renderer: Renderer,
    only_render: bool,
    fmt: AudioFormat,
) -> None:
    """Mix single-instrument records into polyphonic ones.

    For each pair of classes both sets are shuffled and overlaid one by one, without repetition, as often
    as the smaller set allows. Mixes never cross a fold or a split, and carry the labels and groups of all
    their tracks. A tempo takes about three seconds: mix such clips with --sync tempo, and cut the mixes with
    im-segment.
    """
    from ..device import wait_passively

    wait_passively()
    from ..mix import MixSettings
    from ..stages.mix import mix, render_recipes
    from .parsing import parse_levels, parse_pairs, parse_range

    settings = MixSettings(
        sync=sync,
        within=within,
        pairs=parse_pairs(pairs),
        voices=voices,
        polyphony=None if polyphony is None else parse_levels(polyphony),
        per_level=per_level,
        limit=limit,
        gain_db=parse_range(gain, "--gain"),
        snr_db=None if snr is None else parse_range(snr, "--snr"),
        offset=parse_range(offset, "--offset"),
        headroom=headroom,
        f0=f0,
        tempo_fold=tempo_fold,
        stretcher=stretcher,
        renderer=renderer,
    )
    if only_render:
        render_recipes(run, settings, fmt)
    else:
        mix(run, settings, fmt, cache)


def main() -> NoReturn:
    """Run ``im-mix``."""
    start(command)
