"""Items in groups: prepared one by one, grouped by count, processed together.

Nothing here depends on where the output is written, so it can run in any process.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..clock import Clock, timed
from ..errors import is_fatal
from ..manifest import Record
from ..parallel import ordered_map
from .context import Run
from .items import Item
from .stage import Work

P = TypeVar("P")
M = TypeVar("M")
T = TypeVar("T")

GROUP_SECONDS = 3600.0
"""Audio after which a group ends: a length, not a time limit, so that a resumed run has the same groups."""


@dataclass(slots=True)
class Good(Generic[P]):
    """A record and the result of `Work.prepare`."""

    record: Record
    prepared: P


@dataclass(slots=True)
class Ready(Generic[P]):
    """An item after `Work.prepare`, successful or not."""

    item: Item
    digest: str
    outcome: Good[P] | Exception


@dataclass(slots=True)
class Made(Generic[M]):
    """An item after `Work.process`, successful or not.

    Attributes
    ----------
    item, digest
        The item, and the state of its input.
    step : str
        The last step that it passed, or the one that failed.
    record : Record or None
        Its record, if it has been prepared.
    outcome : object
        Its result, or its error.
    """

    item: Item
    digest: str
    step: str
    record: Record | None
    outcome: M | Exception


def local_groups(
    run: Run, stage: Work[P, M], items: Iterable[Item], first: int
) -> Generator[list[Made[M]], None, None]:
    """Yield the items of a run in groups, with the results of this process.

    Parameters
    ----------
    run : Run
        Its clock, and the number of threads.
    stage : Work
        The work.
    items : iterable of Item
        The remaining items.
    first : int
        Number of items before them.
    """
    journalled = run.output is not None

    def ready(item: Item) -> Ready[P]:
        return prepared(stage, item, item.digest() if journalled else "", run.clock)

    jobs = run.options.jobs
    each = ordered_map(ready, items, jobs, ahead=stage.group_size + 2 * jobs, place=lambda item: item.place)
    for group in cut(timed(each, "wait", run.clock), stage.group_size, first):
        yield processed(stage, group, run.clock)


def blocks(items: Iterable[T], size: int, first: int) -> Iterator[list[T]]:
    """Yield blocks of items; ``first`` items came before, so the first block may be shorter.

    No group extends beyond a block (see `cut`), so each block can be computed anywhere.

    Parameters
    ----------
    items : iterable of Item
        The remaining items.
    size : int
        Maximum number of items in a group.
    first : int
        Number of items before them.
    """
    block: list[T] = []
    room = size - first % size
    for item in items:
        block.append(item)
        if len(block) == room:
            yield block
            block, room = [], size
    if block:
        yield block


def cut(each: Iterable[Ready[P]], size: int, first: int) -> Iterator[list[Ready[P]]]:
    """Yield items in groups: blocks of ``size`` items, divided further if their audio is long.

    Uncommitted work can be lost, so no group is much longer than `GROUP_SECONDS`.

    Parameters
    ----------
    each : iterable
        Prepared items.
    size : int
        Maximum number of items in a group.
    first : int
        Number of items before them.
    """
    group: list[Ready[P]] = []
    room, seconds = size - first % size, 0.0
    for one in each:
        group.append(one)
        room -= 1
        if isinstance(one.outcome, Good):
            seconds += one.outcome.record.duration
        if not room or seconds >= GROUP_SECONDS:
            yield group
            group, room, seconds = [], room or size, 0.0
    if group:
        yield group


def prepared(stage: Work[P, M], item: Item, digest: str, clock: Clock) -> Ready[P]:
    """Send one item through `Work.prepare`.

    Parameters
    ----------
    stage : Work
        The work.
    item : Item
        The item to prepare.
    digest : str
        The state of its input; ``""`` without a journal.
    clock : Clock
        The clock that counts the time.
    """
    try:
        with clock.measure(stage.prepare_step):
            record = item.resolve()
            return Ready(item, digest, Good(record, stage.prepare_item(item, record)))
    except Exception as error:
        if is_fatal(error):
            raise
        return Ready(item, digest, error)


def processed(stage: Work[P, M], group: list[Ready[P]], clock: Clock) -> list[Made[M]]:
    """Send a group through `Work.process`.

    Parameters
    ----------
    stage : Work
        The work.
    group : list of Ready
        Prepared items.
    clock : Clock
        The clock that counts the time.
    """
    with clock.measure(stage.process_step):
        outcomes = _isolated(stage, [one.outcome for one in group if isinstance(one.outcome, Good)])
    results = iter(outcomes)
    made: list[Made[M]] = []
    for one in group:
        if isinstance(one.outcome, Good):
            made.append(Made(one.item, one.digest, stage.process_step, one.outcome.record, next(results)))
        else:
            made.append(Made(one.item, one.digest, stage.prepare_step, None, one.outcome))
    return made


def _isolated(stage: Work[P, M], good: list[Good[P]]) -> list[M | Exception]:
    """Process a group; if that fails, process each alone, so that a bad item does not affect the others."""
    try:
        return list(stage.process([g.record for g in good], [g.prepared for g in good])) if good else []
    except Exception as error:
        if is_fatal(error):
            raise
        if len(good) == 1:
            return [error]
    return [outcome for one in good for outcome in _isolated(stage, [one])]
