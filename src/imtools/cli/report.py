"""im-report: the printed figures of a paper and ours, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-report",
    inputs=False,
    epilog="""
im-report kratimenos2020 -o report.html mono=scores.jsonl pitch=pitch-scores.jsonl
im-report kratimenos2020 -o report.html --note 'Notes, not music.' mono=scores.jsonl mono=pitch-scores.jsonl
im-report lumen2023 --list-keys""",
)
@click.argument("paper", metavar="PAPER")
@click.argument("scores", nargs=-1, metavar="[KEY=FILE]...")
@click.option("-o", "--output", "path", metavar="FILE.html", help="The page to write (required).")
@click.option("--force", is_flag=True, help="Replace the page if it exists.")
@click.option("--note", "notes", multiple=True, metavar="TEXT", help="Write TEXT at the top (repeatable).")
@click.option(
    "--picture", "pictures", multiple=True, metavar="FILE.svg=CAPTION", help="Show a picture (repeatable)."
)
@click.option("--list-keys", is_flag=True, help="List the keys of this paper, and exit.")
def command(
    run: Run,
    paper: str,
    scores: tuple[str, ...],
    path: str | None,
    notes: tuple[str, ...],
    pictures: tuple[str, ...],
    list_keys: bool,
) -> None:
    """Compare our scores with the figures that a paper prints, in one page of HTML.

    PAPER is kratimenos2020, chen2024, lumen2023, avramidis2021 or vaznonis2022. Each FILE is the output of
    'im-score --format jsonl'; KEY names the row of the paper's tables that it belongs to. For a KEY that is
    given several times, once for each seed, the page shows the mean and the range. It also lists what limits
    the comparison.
    """
    from ..errors import UsageError

    if list_keys:
        from ..report.paper import load_paper

        click.echo("\n".join(load_paper(paper).keys))
        run.options.quiet = True
        return
    if path is None:
        raise UsageError("there is no file for the report", "name a file with -o")
    from ..stages.report import report

    report(run, paper, scores, path=path, notes=notes, pictures=pictures)


def main() -> NoReturn:
    """Run ``im-report``."""
    start(command)
