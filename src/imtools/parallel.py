"""Work spread over threads, with results in the order of the input.

Threads, because what the workers do (decoding, resampling, array arithmetic) runs outside the
interpreter lock, and arrays then need no copying between processes.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_NEIGHBOURS = 8
"""Maximum number of items that are handed to one thread at a time."""

T = TypeVar("T")
R = TypeVar("R")


def default_jobs() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(
    function: Callable[[T], R],
    items: Iterable[T],
    jobs: int,
    ahead: int,
    place: Callable[[T], Hashable] = lambda item: None,
) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in order, computed up to ``ahead`` items in advance.

    Parameters
    ----------
    function : callable
        Must not raise for a bad item: an exception ends the iteration.
    items : iterable
        Consumed lazily, in the calling thread.
    jobs : int
        Number of threads; with 1, the caller's thread does the work.
    ahead : int
        Maximum number of results waiting at any time, give or take a few: bounds the memory.
    place : callable
        Where an item comes from, such as a file. Consecutive items from one place are handed to one thread,
        some at a time, so that not every thread decodes every short file; ``None``: from no place.
    """
    if jobs <= 1:
        yield from map(function, items)
        return
    pending: deque[tuple[int, Future[list[R]]]] = deque()
    waiting = 0
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="imtools")
    faults: list[Exception] = []
    try:
        for some in _neighbours(until_fault(items, faults), place):
            pending.append((len(some), pool.submit(_apply, function, some)))
            waiting += len(some)
            while waiting >= max(ahead, jobs) and len(pending) > jobs:
                count, future = pending.popleft()
                waiting -= count
                yield from future.result()
        while pending:
            yield from pending.popleft()[1].result()
        if faults:
            raise faults[0]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _apply(function: Callable[[T], R], items: list[T]) -> list[R]:
    return [function(item) for item in items]


def until_fault(items: Iterable[T], faults: list[Exception]) -> Iterator[T]:
    """Yield items until taking one raises; the items before it are complete, with any number of jobs.

    Parameters
    ----------
    items : iterable
        What is taken.
    faults : list of Exception
        The error is appended here.
    """
    try:
        yield from items
    except Exception as error:
        faults.append(error)


def _neighbours(items: Iterable[T], place: Callable[[T], Hashable]) -> Iterator[list[T]]:
    """Yield runs of items from one place, of at most ``_NEIGHBOURS``."""
    some: list[T] = []
    last: Hashable = None
    for item in items:
        here = place(item)
        if some and (here is None or here != last or len(some) == _NEIGHBOURS):
            yield some
            some = []
        some.append(item)
        last = here
    if some:
        yield some
