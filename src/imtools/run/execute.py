"""Sending the items of a run through a stage: in this process, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from importlib.util import find_spec
from itertools import chain, islice
from typing import TypeVar

from ..errors import ImtoolsError
from ..manifest import Record
from .context import Run
from .groups import Made, local_groups
from .items import Item
from .journal import Done
from .stage import Work

P = TypeVar("P")
M = TypeVar("M")

Groups = Callable[[Iterable[Item], int], Generator[list[Made[M]], None, None]]
"""Processes items: takes the remaining ones and the number of those before, yields groups."""


def execute(run: Run, stage: Work[P, M], items: Iterable[Item], *, shared: bool = False) -> None:
    """Send items through a stage: in order, isolated from each other, journalled, resumable.

    Parameters
    ----------
    run : Run
        Counts, output and options.
    stage : Work
        The work.
    items : iterable of Item
        The input.
    shared : bool
        Whether ``items`` are the share of this run already.
    """
    if not shared:
        items = run.shard.take(items)
    if run.options.dry_run:
        _count(run, items)
        return
    with _engine(run, stage) as groups:  # before anything is written: a cluster may be unreachable
        run.start()
        run.emit(())  # the header, even if nothing follows
        rest, first = _replay(run, stage, iter(items))
        with run.interruption, closing(groups(run.interruption.each(rest), first)) as made:
            for group in made:
                _keep(run, stage, group)
                run.interruption.settle()
        stage.end()


@contextmanager
def _engine(run: Run, stage: Work[P, M]) -> Iterator[Groups[M]]:
    """Yield the engine that processes the items of a run, as the option ``engine`` requires."""
    if run.options.engine == "local":
        yield partial(local_groups, run, stage)
        return
    if find_spec("distributed") is None:
        hint = "run: pip install 'imtools[dask]'"
        raise ImtoolsError("`engine=dask` needs the package distributed", hint)
    from .cluster import Cluster

    with Cluster(run, stage) as cluster:
        yield cluster.groups


def _keep(run: Run, stage: Work[P, M], group: list[Made[M]]) -> None:
    """Store the results of a group, commit it, and yield it."""
    records, made = [], []
    for one in group:
        if not isinstance(one.outcome, Exception):
            assert one.record is not None
            records.append(one.record)
            made.append(one.outcome)
    with run.clock.measure(stage.process_step):
        results = iter(stage.store(records, made) if made else ())
    run.interruption.confirm()
    done: list[Done] = []
    output: list[Record] = []
    for one in group:
        result = one.outcome if isinstance(one.outcome, Exception) else next(results)
        if isinstance(result, Exception):
            done.append(Done(one.item.id, one.digest, 0, run.fail(one.item, one.step, result)))
            continue
        assert one.record is not None
        run.succeed(stage.seconds(one.record))
        new = [record.with_history(run.tool, run.version, run.params) for record in result]
        done.append(Done(one.item.id, one.digest, len(new)))
        output += new
    if run.output is not None:
        run.output.commit(done, output)
    run.emit(output)
    run.advance(len(group), note=f"{run.failed} failed" if run.failed else "")


def _replay(run: Run, stage: Work[P, M], items: Iterator[Item]) -> tuple[Iterator[Item], int]:
    """Take the items that an earlier run has done, repeat their failures; return the others.

    Also return the number of items that were taken.
    """
    if run.output is None or not run.output.groups:
        stage.begin(iter(()))
        return items, 0
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
    return chain(pending, items), sum(len(group.items) for group in run.output.groups)


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
    share = "" if run.shard.is_whole else f" of shard {run.shard}"
    run.say(f"dry run: {count - faults} items{share}{length} would be processed{where}, {faults} cannot be")
