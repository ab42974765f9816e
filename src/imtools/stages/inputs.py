"""Reading the inputs of stages that compare predictions: one input at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..errors import ManifestError, UsageError
from ..manifest import Record
from ..manifest.stream import STDIN
from ..run import Item, Run, read_items
from ..run.context import resolved
from ..run.items import chosen_items, parse_conditions


def inputs_of(run: Run) -> list[str]:
    """Return the names of a run's inputs: standard input if there is none.

    Raises
    ------
    UsageError
        If standard input is named more than once.
    """
    names = list(run.options.inputs) or [STDIN]
    if names.count(STDIN) > 1:
        raise UsageError("standard input is named twice", "it can be read once: name a file for the other")
    return names


def items_of(run: Run, name: str) -> Iterator[Item]:
    """Yield the items of one input that meet the conditions of the run; ids may recur in other inputs.

    Parameters
    ----------
    run : Run
        Its conditions.
    name : str
        The input.
    """
    return iter(chosen_items(read_items([name]), parse_conditions(run.options.where)))


def take_in(run: Run, items: Iterable[Item], take: Callable[[Record], None], *, count: bool = True) -> int:
    """Hand the records of items to a function, one by one, and return how many it took.

    What cannot be read, and what the function refuses with a ManifestError, counts as failed; what it takes
    counts as good, unless the caller does so itself (``count``).

    Parameters
    ----------
    run : Run
        Counts what is good and what has failed.
    items : iterable of Item
        What to read.
    take : callable
        Called with each record.
    count : bool
        Whether to count what is taken as good.
    """
    held = 0
    for item, outcome in resolved(items, run.options.jobs):
        if isinstance(outcome, Record):
            try:
                take(outcome)
            except ManifestError as error:
                outcome = error
        if isinstance(outcome, Exception):
            run.fail(item, "read", outcome)
            continue
        held += 1
        if count:
            run.succeed()
    return held
