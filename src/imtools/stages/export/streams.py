"""Records in, text for another program out, on standard output."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...atomic import naming
from ...choices import Origin, PredictionFormat
from ...errors import is_fatal
from ...export.records.text import csv_header, csv_lines, table_lines, to_bytes
from ...manifest import Record, dump_line, rebase
from ...manifest.stream import absolute, stream_folder
from ...parallel import ordered_map
from ...run import Item, Run

WIDTH = 100
"""Columns of a table for people if standard output is no terminal."""


def write_stdout(text: str) -> None:
    """Write text, which may hold any file name, to standard output."""
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
    inspect: Callable[[Item], None] = lambda item: None,
) -> None:
    """Write the text of each record, in order, each for itself.

    Parameters
    ----------
    run : Run
        The harness.
    work : callable
        Returns the text of a record; runs in worker threads.
    step : str
        The name of this work in failure records and in the final line.
    head : str
        Text before the first record.
    inspect : callable
        Called with each item before ``work``, in order, in one thread.
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

    def inspected() -> Iterator[Item]:
        for item in run.items():
            inspect(item)
            yield item

    write_stdout(head)
    jobs = run.options.jobs
    for item, seconds, outcome in ordered_map(
        attempt, inspected(), jobs, 16 + 2 * jobs, place=lambda item: item.place
    ):
        if isinstance(outcome, Exception):
            run.fail(item, step, outcome)
        else:
            write_stdout(outcome)
            run.succeed(seconds)
        run.advance(note=f"{run.failed} failed" if run.failed else "")


def _output_paths() -> Callable[[Record], Record]:
    """Return a function that gives records the paths that they have in a manifest on standard output."""
    if stream_folder(sys.stdout.fileno()):
        return absolute
    return lambda record: rebase(record, "", "")


def export_csv(run: Run, origin: Origin | None, model: str | None) -> None:
    """Write records as CSV; see `imtools.export.records.text.csv_lines`.

    Parameters
    ----------
    run : Run
        The harness.
    origin, model
        As for `imtools.export.records.annotations.record_annotations`.
    """
    with_paths = _output_paths()
    stream(run, lambda record: csv_lines(with_paths(record), origin, model), step="csv", head=csv_header())


def show_as(run: Run, fmt: PredictionFormat) -> None:
    """Let a run write its records to standard output in another format than JSON.

    Parameters
    ----------
    run : Run
        The harness; its output elsewhere stays as it is.
    fmt : {"jsonl", "csv", "table"}
        As JSON, as CSV, or for people.
    """
    if fmt == "jsonl":
        return
    with_paths = _output_paths()
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
                text += csv_lines(with_paths(record))
            else:
                text += table_lines(with_paths(record), width)
        write_stdout(text)

    run.writer = emit
