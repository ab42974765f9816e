"""im-report: a paper's printed figures and ours, side by side."""

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
@click.option("--note", "notes", multiple=True, metavar="TEXT", help="Say TEXT at the top (repeatable).")
@click.option(
    "--picture", "pictures", multiple=True, metavar="FILE.svg=CAPTION", help="Show a picture (repeatable)."
)
@click.option("--list-keys", is_flag=True, help="List what scores for this paper may be called, and exit.")
def command(
    run: Run,
    paper: str,
    scores: tuple[str, ...],
    path: str | None,
    notes: tuple[str, ...],
    pictures: tuple[str, ...],
    list_keys: bool,
) -> None:
    """Hold our scores against the figures that a paper prints, in one page of HTML.

    PAPER is kratimenos2020, chen2024, lumen2023, avramidis2021 or vaznonis2022. Each FILE is of im-score
    --format jsonl; KEY says which row of the paper's tables it is for. Of a KEY that comes several times,
    once for each seed, the page shows the mean and the spread. It also says what the printed figures suffer
    from.
    """
    from ..errors import UsageError

    if list_keys:
        from ..report.paper import paper as printed

        click.echo("\n".join(printed(paper).keys))
        run.options.quiet = True
        return
    if path is None:
        raise UsageError("a report needs a place", "name a file with -o")
    from ..stages.report import report

    report(run, paper, scores, path=path, notes=notes, pictures=pictures)


def main() -> NoReturn:
    """Run ``im-report``."""
    start(command)
