"""Records in, text for another program out, on standard output."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...atomic import naming
from ...errors import is_fatal
from ...export.records.table import csv_header, csv_lines, table_lines
from ...export.records.text import to_bytes
from ...manifest import Record, dump_line, rebase
from ...manifest.stream import absolute, stream_folder
from ...parallel import ordered_map
from ...run import Item, Run

WIDTH = 100
"""Columns of a table for people where there is no terminal."""


def tell(text: str) -> None:
    """Write text to standard output, whatever names of files are in it."""
    with naming("standard output"):
        sys.stdout.flush()
        sys.stdout.buffer.write(to_bytes(text))
        sys.stdout.buffer.flush()


def stream(
    run: Run,
    work: Callable[[Record], str],
    *,
    step: str,
    head: str = "",
    look: Callable[[Item], None] = lambda item: None,
) -> None:
    """Write the text of each record, in order, each for itself.

    Parameters
    ----------
    run : Run
        The harness.
    work : callable
        Gives the text of a record; runs in worker threads.
    step : str
        Name of that in failure records and in the final line.
    head : str
        What is written before the first record.
    look : callable
        Is shown each item before that is worked on, in order, in one thread.
    """
    if run.options.dry_run:
        count = sum(1 for _ in run.each_record())
        run.say(f"dry run: {count} records would be written")
        return
    run.start()

    def attempt(item: Item) -> tuple[Item, float, str | Exception]:
        try:
            with run.clock.measure(step):
                record = item.resolve()
                return item, record.duration, work(record)
        except Exception as error:
            if is_fatal(error):
                raise
            return item, 0.0, error

    def shown() -> Iterator[Item]:
        for item in run.items():
            look(item)
            yield item

    tell(head)
    ahead = 16 + 2 * run.options.jobs
    for item, seconds, outcome in ordered_map(
        attempt, shown(), run.options.jobs, ahead, place=lambda item: item.place
    ):
        if isinstance(outcome, Exception):
            run.fail(item, step, outcome)
        else:
            tell(outcome)
            run.succeed(seconds)
        run.advance(note=f"{run.failed} failed" if run.failed else "")


def _placed() -> Callable[[Record], Record]:
    """Return what gives records the paths that they have in a manifest on standard output."""
    if stream_folder(sys.stdout.fileno()):
        return absolute
    return lambda record: rebase(record, "", "")


def export_csv(run: Run, origin: Any, model: str | None) -> None:
    """Write records as CSV; see `imtools.export.records.table.csv_lines`."""
    placed = _placed()
    stream(run, lambda record: csv_lines(placed(record), origin, model), step="csv", head=csv_header())


def show_as(run: Run, fmt: str) -> None:
    """Let a run write its records to standard output in another format than JSON.

    Parameters
    ----------
    run : Run
        The harness; what it writes elsewhere stays as it is.
    fmt : {"jsonl", "csv", "table"}
        As JSON, as CSV, or for people.
    """
    if fmt == "jsonl":
        return
    placed = _placed()
    width = WIDTH
    if sys.stdout.isatty():
        width = shutil.get_terminal_size((WIDTH, 24)).columns
    heads = [csv_header()] if fmt == "csv" else []

    def emit(records: Iterable[Record | dict[str, Any]]) -> None:
        text = heads.pop() if heads else ""
        for record in records:
            if not isinstance(record, Record):
                text += dump_line(record)
            elif fmt == "csv":
                text += csv_lines(placed(record))
            else:
                text += table_lines(placed(record), width)
        tell(text)

    run.writer = emit
