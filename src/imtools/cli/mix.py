"""im-mix: mix recordings of different instruments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import audio_format, start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-mix",
    output="Write the mixes as audio files into DIR (else they are recipes, rendered when read).",
    seed=True,
    epilog="""
im-mix folds.jsonl > mixes.jsonl
im-mix --sync genre --pairs cel+vio,flu+pia folds.jsonl
im-mix --limit 100 -o mixes/ --format wav folds.jsonl""",
)
@click.option(
    "--sync",
    type=click.Choice(["none", "genre"]),
    default="none",
    show_default=True,
    help="Which records may meet: any, or those of one genre.",
)
@click.option(
    "--pairs", default="all", show_default=True, metavar="A+B,...", help="The pairs of classes to mix."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N mixes of each pair.")
@click.option(
    "--headroom/--no-headroom",
    default=True,
    show_default=True,
    help="Attenuate a mix of n tracks by 20 log10(n) dB, so that it cannot clip.",
)
@audio_format
def command(run: Run, sync: str, pairs: str, limit: int | None, headroom: bool, fmt: str) -> None:
    """Mix single-instrument records into polyphonic ones.

    For each pair of classes both sets are shuffled and overlaid one by one, without repetition, as often
    as the smaller set allows. Mixes never cross a fold or a split, and carry the labels and groups of all
    their tracks.
    """
    from ..mix import plan
    from ..run import execute, record_items
    from ..stages.mix import MixStage, parse_pairs

    records = run.records()
    with run.clock.measure("plan"):
        mixes = plan(
            records,
            sync=sync,
            pairs=parse_pairs(pairs),
            limit=limit,
            seed=run.options.seed,
            headroom=headroom,
        )
    run.say(f"{len(mixes)} mixes of {len(records)} records")
    execute(run, MixStage(run.folder, fmt), record_items(mixes))


def main() -> NoReturn:
    """Run ``im-mix``."""
    start(command)
