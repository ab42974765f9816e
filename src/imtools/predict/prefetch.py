"""Prefetching: items are produced by threads while earlier ones are used."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from queue import Queue
from threading import Event, Thread, get_native_id
from typing import Generic, TypeVar

from ..audio.load import close_files

T = TypeVar("T")

_NICE = 10
"""Niceness of the threads, 0 to 19: the model has precedence."""

_END = object()


class Prefetched(Generic[T]):
    """Items that a thread of its own produces in advance, starting now; to be iterated over once.

    Parameters
    ----------
    items : iterable
        Consumed by the thread. An exception that it raises is raised at that place of the iteration. Audio
        files that it leaves open are closed.
    depth : int
        Maximum number of items produced in advance: bounds the memory.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = items
        self._queue: Queue[object] = Queue(depth)
        self._stopped = Event()
        self._thread = Thread(target=self._produce, name="imtools-prefetch", daemon=True)
        self._thread.start()

    def _produce(self) -> None:
        _lower_priority()
        end: object = _END
        try:
            for item in self._items:
                self._queue.put((item,))
                if self._stopped.is_set():
                    return
        except BaseException as error:
            end = error
        finally:
            close_files()
            self._queue.put(end)

    def __iter__(self) -> Iterator[T]:
        """Yield the items, in order."""
        while True:
            entry = self._queue.get()
            if isinstance(entry, tuple):
                yield entry[0]
            elif isinstance(entry, BaseException):
                raise entry
            else:
                return

    def close(self) -> None:
        """Stop the thread, whatever it is doing."""
        self._stopped.set()
        while self._thread.is_alive():  # it may be waiting for room in the queue
            while not self._queue.empty():
                self._queue.get_nowait()
            self._thread.join(0.01)


def _lower_priority() -> None:
    """Give the model's threads precedence: they wait for each other, so that one that is delayed delays all.

    Linux has priorities of threads; elsewhere nothing is done.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)


def prefetch(sources: Iterable[Iterable[T]], threads: int, depth: int) -> Generator[T, None, None]:
    """Yield the items of several sources, one source after the other, produced in advance by threads.

    Parameters
    ----------
    sources : iterable of iterable
        See `Prefetched`. A list is complete already: it needs no thread.
    threads : int
        Maximum number of sources that are read at once.
    depth : int
        Maximum number of items of each that are produced in advance.

    Yields
    ------
    object
        In order, whatever the number of threads. Closing the generator stops the threads.
    """
    rest = iter(sources)
    pending: deque[list[T] | Prefetched[T]] = deque()
    running = 0
    try:
        while True:
            while running < max(1, threads) and (source := next(rest, None)) is not None:
                running += not isinstance(source, list)
                pending.append(source if isinstance(source, list) else Prefetched(source, depth))
            if not pending:
                return
            yield from pending[0]
            if isinstance(done := pending.popleft(), Prefetched):
                done.close()
                running -= 1
    finally:
        for source in pending:
            if isinstance(source, Prefetched):
                source.close()
