"""One run of one command: its options, its counts, its output and its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from ..atomic import naming
from ..clock import Clock
from ..errors import ImtoolsError, UsageError, is_fatal
from ..layouts import Entry
from ..manifest import Record, dump_line, rebase
from ..manifest.stream import absolute, stream_folder
from ..parallel import ordered_map
from .failures import FailureSink, failure_record
from .interrupt import Interruption
from .items import (
    MANIFEST_NAME,
    Item,
    chosen_items,
    parse_conditions,
    read_items,
)
from .journal import OutputDirectory, claim, write_run
from .progress import Progress, final_line
from .settings import fingerprint, run_json
from .shard import Shard

EXIT_OK, EXIT_FATAL, EXIT_USAGE, EXIT_FAILURES, EXIT_INTERRUPTED, EXIT_CLOSED_PIPE = 0, 1, 2, 3, 130, 141


@dataclass
class Options:
    """The options that all commands share; each command offers those that mean something to it."""

    inputs: Sequence[str] = ()
    output: str | None = None
    resume: bool = False
    force: bool = False
    failures: str | None = None
    strict: bool = False
    jobs: int = 1
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    dry_run: bool = False
    null: bool = False
    where: Sequence[str] = ()
    shard: str | None = None
    engine: str = "local"
    scheduler: str | None = None
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    arguments: dict[str, Any] = field(default_factory=dict)
    """All arguments of the command, as ``run.json`` keeps them."""
    worded: Callable[[str], str] = str
    """Rewrites messages of the library for the command: parameters become options."""


class StrictError(ImtoolsError):
    """The first failure of a strict run."""


class Run:
    """The harness of a command: reads items, isolates failures, writes records, ends with an exit code.

    Use it as a context manager; leaving it closes everything and, if nothing went wrong, completes the
    output directory.

    Parameters
    ----------
    tool : str
        ``"im-features"``.
    version : str
        Written into the history of each record.
    options : Options
        The common options.
    params : dict
        The command's own parameters, as far as they shape its output.
    own_output : bool
        Whether the command keeps its output directory itself (a model, say), without manifest and journal.
    """

    def __init__(
        self, tool: str, version: str, options: Options, params: dict[str, Any], *, own_output: bool = False
    ) -> None:
        self.tool, self.version, self.options = tool, version, options
        self.shard = Shard.parse(options.shard)
        params = params | {"seed": options.seed}
        self.params = fingerprint(tool, params)
        # A shard is a different output, though each of its records is the same.
        share = {} if self.shard.is_whole else {"shard": str(self.shard)}
        self._output_params = fingerprint(tool, params | share)
        self.ok = self.failed = 0
        self.audio_seconds = 0.0
        self.clock = Clock()
        self.interruption = Interruption(self.say)
        self._conditions = parse_conditions(options.where)
        self._own_output, self._muted = own_output, False
        self._failures = FailureSink(None if options.dry_run else options.failures, quiet=options.quiet)
        self.progress: Progress | None = None
        self.output: OutputDirectory | None = None
        self.writer: Callable[[Iterable[Record | dict[str, Any]]], None] | None = None
        """Writes records to standard output if they are not lines of a manifest."""
        if sys.stdout is None:  # closed by the parent process
            sys.stdout = open(os.devnull, "w", encoding="ascii")  # noqa: SIM115
        self._out_elsewhere = bool(stream_folder(sys.stdout.fileno()))

    def start(self) -> None:
        """Open the output: from here on, the options are known to be valid.

        Commands call it once they have checked their parameters, so that a mistyped option touches no
        file, neither those of an earlier run nor new ones.

        Raises
        ------
        UsageError
            If the output directory may not be written to, or is an input as well.
        """
        if self.options.dry_run:
            return
        self._failures.open()
        if self.folder is not None:
            self._check_distinct(self.folder)
            again = {"resume": self.options.resume, "force": self.options.force}
            if self._own_output:
                claim(self.folder, **again)
                write_run(self.folder, self.run_json())
            else:
                self.output = OutputDirectory(self.folder, self.run_json(), self._output_params, **again)
        self.progress = Progress(self.tool, enabled=not self.options.quiet, colour=self.options.color)

    def _check_distinct(self, folder: Path) -> None:
        for name in self.options.inputs:
            if folder.exists() and os.path.realpath(name) in (
                os.path.realpath(folder),
                os.path.realpath(folder / MANIFEST_NAME),
            ):
                raise UsageError(f"{name}: is both input and output", "name another `output`")

    def mute(self) -> None:
        """Leave all messages to another process that does the same."""
        self.options.quiet = True
        self._failures = FailureSink(None, quiet=True)
        self._muted = True

    def advance(self, count: int = 1, *, note: str = "") -> None:
        """Advance the progress line by a number of items.

        Parameters
        ----------
        count : int
            Number of finished items.
        note : str
            Shown beside the count.
        """
        if self.progress is not None:
            self.progress.advance(count, note=note)

    def run_json(self) -> dict[str, Any]:
        """Return the content of ``run.json`` for this run."""
        return run_json(self.tool, self.options.arguments, self.params)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self.progress is not None:
            self.progress.stop()
        if self.output is not None:
            if kind is None:
                self.output.finish()
            else:
                self.output.close()
        self._failures.close()
        if kind is None and not self.options.quiet and not self.options.dry_run:
            line = final_line(self.tool, self.ok, self.failed, self.audio_seconds, self.clock)
            print_line(line)

    @property
    def folder(self) -> Path | None:
        """The output directory, or ``None``."""
        return Path(self.options.output) if self.options.output is not None else None

    @property
    def exit_code(self) -> int:
        """0, or 3 if some items failed (and no other process reports it)."""
        return EXIT_FAILURES if self.failed and not self._muted else EXIT_OK

    def items(self, *, layout: str | None = None) -> Iterable[Item]:
        """Yield the items of the command's INPUT that meet all its conditions."""
        items = read_items(self.options.inputs, null=self.options.null, layout=layout)
        return chosen_items(items, self._conditions)

    def records(self) -> list[Record]:
        """Return all input records, for commands that must see the whole; faults become failures.

        They count as items immediately, since such a command treats them together.
        """
        return list(self.each_record())

    def each_record(self) -> Iterator[Record]:
        """Yield the input records one by one, for commands that keep little of each; see `records`.

        All of them, also of a share, but each fault is reported by one shard only.
        """
        for position, (item, outcome) in enumerate(resolved(self.items(), self.options.jobs)):
            if isinstance(outcome, Record):
                yield outcome
            elif self.shard.holds(position):
                self.fail(item, "read", outcome)

    def emit(self, records: Iterable[Record | dict[str, Any]]) -> None:
        """Write records to standard output; paths as `imtools.manifest.stream` says."""
        if self.writer is not None:
            self.writer(records)
            return
        with naming("standard output"):
            for record in records:
                if isinstance(record, Record):
                    record = absolute(record) if self._out_elsewhere else rebase(record, "", "")
                sys.stdout.write(dump_line(record))
            sys.stdout.flush()

    def succeed(self, seconds: float = 0.0) -> None:
        """Count one good item of a length in seconds."""
        self.ok += 1
        self.audio_seconds += seconds

    def fail(self, item: Item, step: str, error: Exception) -> dict[str, Any]:
        """Count and report one failed item, and return its failure record.

        Parameters
        ----------
        item : Item
            The failed item.
        step : str
            The step of the work.
        error : Exception
            The reason.

        Raises
        ------
        StrictError
            If the run is strict.
        """
        record = failure_record(self.tool, item.id, item.audio, step, error, self.options.worded)
        self.report(record)
        return record

    def report(self, failure: dict[str, Any]) -> None:
        """Count and write a failure record, fresh or from a journal."""
        self.failed += 1
        self._failures.write(failure)
        if self.options.strict:
            raise StrictError(f"{failure['id']}: failed, and `strict` is set", "fix it or leave `strict` out")

    def say(self, message: str) -> None:
        """Print a message on standard error, unless quiet."""
        if not self.options.quiet:
            print_line(f"{self.tool}: {message}")


def print_line(line: str) -> None:
    """Write a line to standard error at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def resolved(items: Iterable[Item], jobs: int) -> Iterator[tuple[Item, Record | Exception]]:
    """Yield each item with its record, or with its error; files are probed by threads.

    Parameters
    ----------
    items : iterable of Item
        In any number; taken lazily.
    jobs : int
        Number of threads.
    """
    rest = iter(items)
    for item in rest:
        if isinstance(item.value, Entry):
            yield from ordered_map(_resolve, chain([item], rest), jobs, ahead=64)
        else:  # there is nothing to read, and a thread would take longer than parsing did
            yield _resolve(item)


def _resolve(item: Item) -> tuple[Item, Record | Exception]:
    try:
        return item, item.resolve()
    except Exception as error:
        if is_fatal(error):
            raise
        return item, error
