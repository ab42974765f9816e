"""im-index: make a manifest of audio files or of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-index",
    output="Write the manifest into DIR as well (and the arrays of layouts that hold features).",
    shard=True,
    epilog="""
im-index music/ > index.jsonl
im-index --layout irmas-train --check IRMAS-TrainingData > irmas.jsonl
find music -name '*.flac' -print0 | im-index -0
im-index --stats IRMAS-TrainingData > irmas.jsonl""",
)
@click.option(
    "--layout",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="How the files are laid out; --list-layouts names them.",
)
@click.option("--check", is_flag=True, help="Decode every file to its end and report the corrupt ones.")
@click.option(
    "--stats",
    is_flag=True,
    help="Print a table of classes, recordings and hours on standard error at the end.",
)
@click.option("--list-layouts", is_flag=True, help="List the layouts and exit.")
def command(run: Run, layout: str, check: bool, stats: bool, list_layouts: bool) -> None:
    """Make a manifest of audio files, of a folder of class folders, or of a data set.

    Labels, recordings, splits and genres are taken from the names and tables of the data set.
    """
    if list_layouts:
        from ..layouts import LAYOUTS

        for known in LAYOUTS.values():
            click.echo(f"{known.name:16s} {known.summary}")
        run.options.quiet = True
        return
    from ..stages.index import index

    statistics = index(run, layout=layout, decode=check)
    if stats and not run.options.dry_run:
        click.echo(statistics.table(), err=True)


def main() -> NoReturn:
    """Run ``im-index``."""
    start(command)
