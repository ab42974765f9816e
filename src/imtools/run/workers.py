"""Work spread over threads, with results in the order of the input.

Threads, because what the workers do (decoding, resampling, array arithmetic) runs outside the
interpreter lock, and arrays then need no copying between processes.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def default_jobs() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(function: Callable[[T], R], items: Iterable[T], jobs: int, ahead: int) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in order, computed up to ``ahead`` items in advance.

    Parameters
    ----------
    function : callable
        Must not raise for a bad item: an exception ends the iteration.
    items : iterable
        Consumed lazily, in the calling thread.
    jobs : int
        Number of threads; with 1 there is none beside the caller's.
    ahead : int
        Most results waiting at any time: the bound on memory.
    """
    if jobs <= 1:
        yield from map(function, items)
        return
    pending: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="imtools")
    source, fault = iter(items), None
    try:
        while True:
            try:
                item = next(source)
            except StopIteration:
                break
            except Exception as error:  # what came before it is good, with any number of jobs
                fault = error
                break
            pending.append(pool.submit(function, item))
            if len(pending) >= max(ahead, jobs):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        if fault is not None:
            raise fault
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
