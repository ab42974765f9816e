"""The work of a command on its items, in two steps: workers prepare each, the main thread takes groups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Generic, TypeVar

from ..manifest import Record
from .context import Run, is_fatal
from .items import Item
from .journal import Done
from .workers import ordered_map

P = TypeVar("P")


GROUP_SECONDS = 3600.0
"""Audio after which a group ends: by its length, not by the clock, so that a resumed run meets the same."""


class Stage(ABC, Generic[P]):
    """What a command does with a record.

    `prepare` runs in worker threads, one record at a time: decoding, rendering, writing a file. `process`
    runs in the main thread on a group of records: whatever is faster for many (features, nets). Groups
    are cut by counting items from the start of the input, never by what is ready, so that the same input
    always meets the same batches and gives the same bytes.
    """

    group_size = 1
    """How many items `process` takes at once, and how many a journal line commits."""
    prepare_step = "read"
    """Name of `prepare` in failure records and in the final line."""
    process_step = "write"
    """Name of `process` there."""

    def begin(self, kept: Iterator[Record]) -> None:
        """Get ready; ``kept`` are the records that an earlier run of this output made (none at first)."""

    @abstractmethod
    def prepare(self, record: Record) -> P:
        """Do the part of the work that concerns one record alone (in a worker thread)."""

    @abstractmethod
    def process(self, records: list[Record], prepared: list[P]) -> Sequence[list[Record] | Exception]:
        """Return the output records of each input record of a group, or why it has none.

        If this raises, the records are processed again one by one: whatever leaves traces outside has to
        return what went wrong with a record instead.
        """

    def end(self) -> None:
        """Finish: everything has been processed (not called when the run breaks off)."""


class RecordStage(Stage[list[Record]]):
    """A stage whose `prepare` does it all, giving the output records."""

    group_size = 16

    def process(self, records: list[Record], prepared: list[list[Record]]) -> list[list[Record]]:
        """Hand on what the workers made."""
        return prepared


class Passing(RecordStage):
    """A stage that hands every record on as it is: for commands that did their work on the whole."""

    group_size = 256

    def prepare(self, record: Record) -> list[Record]:
        """Return the record."""
        return [record]


def execute(run: Run, stage: Stage[P], items: Iterable[Item]) -> None:
    """Send items through a stage: in order, isolated from each other, journalled, resumable.

    Parameters
    ----------
    run : Run
        Counts, output and options.
    stage : Stage
        The work.
    items : iterable of Item
        The input.
    """
    if run.options.dry_run:
        _count(run, items)
        return
    run.start()
    rest = _replay(run, stage, iter(items))
    ready = ordered_map(
        lambda item: _prepare(run, stage, item),
        rest,
        run.options.jobs,
        ahead=stage.group_size + 2 * run.options.jobs,
        place=lambda item: item.place,
    )
    while group := _next_group(ready, stage.group_size):
        with run.clock.measure(stage.process_step):
            results = iter(_process(stage, [one.outcome for one in group if isinstance(one.outcome, _Good)]))
        done: list[Done] = []
        output: list[Record] = []
        for one in group:
            if isinstance(one.outcome, _Good):
                step, result = stage.process_step, next(results)
            else:
                step, result = stage.prepare_step, one.outcome
            if isinstance(result, Exception):
                done.append(Done(one.item.id, one.digest, 0, run.fail(one.item, step, result)))
                continue
            if isinstance(one.outcome, _Good):
                run.succeed(one.outcome.record.duration)
            made = [record.with_history(run.tool, run.version, run.params) for record in result]
            done.append(Done(one.item.id, one.digest, len(made)))
            output += made
        if run.output is not None:
            run.output.commit(done, output)
        run.emit(output)
        run.advance(len(group), note=f"{run.failed} failed" if run.failed else "")
    stage.end()


def _next_group(ready: Iterator[_Ready[P]], size: int) -> list[_Ready[P]]:
    """Return the next items: that many, or fewer if they are long, for what is not committed can be lost."""
    group: list[_Ready[P]] = []
    seconds = 0.0
    for one in ready:
        group.append(one)
        if isinstance(one.outcome, _Good):
            seconds += one.outcome.record.duration
        if len(group) == size or seconds >= GROUP_SECONDS:
            break
    return group


@dataclass(slots=True)
class _Good(Generic[P]):
    """A record and what `Stage.prepare` made of it."""

    record: Record
    prepared: P


@dataclass(slots=True)
class _Ready(Generic[P]):
    """An item that has been through `Stage.prepare`, well or not."""

    item: Item
    digest: str
    outcome: _Good[P] | Exception


def _prepare(run: Run, stage: Stage[P], item: Item) -> _Ready[P]:
    digest = item.digest() if run.output is not None else ""
    try:
        with run.clock.measure(stage.prepare_step):
            record = item.resolve()
            return _Ready(item, digest, _Good(record, stage.prepare(record)))
    except Exception as error:
        if is_fatal(error):
            raise
        return _Ready(item, digest, error)


def _process(stage: Stage[P], good: list[_Good[P]]) -> list[list[Record] | Exception]:
    """Process a group; if that fails, process each alone, so that one bad item spoils no other."""
    try:
        return list(stage.process([g.record for g in good], [g.prepared for g in good])) if good else []
    except Exception as error:
        if is_fatal(error):
            raise
        if len(good) == 1:
            return [error]
    return [outcome for one in good for outcome in _process(stage, [one])]


def _replay(run: Run, stage: Stage[P], items: Iterator[Item]) -> Iterator[Item]:
    """Take the items that an earlier run has done, repeat what it said of them, and return the others."""
    if run.output is None or not run.output.groups:
        stage.begin(iter(()))
        return items
    held, pending = 0, []
    for group in run.output.groups:
        pending = list(islice(items, len(group.items)))
        if [(i.id, i.digest()) for i in pending] != [(d.id, d.digest) for d in group.items]:
            break
        held, pending = held + 1, []
    if held < len(run.output.groups):
        name = pending[0].id if pending else "the end of the input"
        run.say(f"the input has changed since the earlier run: starting again from {name}")
        run.output.keep(held)
    kept = run.output.kept_records()
    for group in run.output.groups:
        for done in group.items:
            if done.failure is not None:
                run.report(done.failure)
                continue
            records = list(islice(kept, done.records))
            run.succeed(0.0)
            run.emit(records)
        run.advance(len(group.items))
    stage.begin(run.output.kept_records())
    return chain(pending, items)


def _count(run: Run, items: Iterable[Item]) -> None:
    count, faults, seconds = 0, 0, 0.0
    for item in items:
        count += 1
        if isinstance(item.value, Record):
            seconds += item.value.duration
        elif isinstance(item.value, Exception):
            faults += 1
    where = f" into {run.folder}" if run.folder else ""
    length = f" ({seconds / 3600:.3g} h of audio)" if seconds else ""
    run.say(f"dry run: {count - faults} items{length} would be processed{where}, {faults} cannot be")
