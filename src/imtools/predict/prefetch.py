"""Making things in threads while others are being used."""

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
"""How far the threads stand back, from 0 to 19."""

_END = object()


class Prefetched(Generic[T]):
    """Items that a thread of its own makes in advance, from now on; iterate over it once.

    Parameters
    ----------
    items : iterable
        What it raises is raised where the items are taken, in its place. The audio files that it leaves
        open are closed.
    depth : int
        How many items are made in advance, at most: the bound on memory.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = items
        self._queue: Queue[object] = Queue(depth)
        self._stopped = Event()
        self._thread = Thread(target=self._make, name="imtools-ahead", daemon=True)
        self._thread.start()

    def _make(self) -> None:
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
            got = self._queue.get()
            if isinstance(got, tuple):
                yield got[0]
            elif isinstance(got, BaseException):
                raise got
            else:
                return

    def close(self) -> None:
        """Stop the thread, wherever it is."""
        self._stopped.set()
        while self._thread.is_alive():  # it may be waiting for a place in the queue
            while not self._queue.empty():
                self._queue.get_nowait()
            self._thread.join(0.01)


def _lower_priority() -> None:
    """Let the model's threads have the processor first: they wait for each other, so that one lost holds all.

    On Linux a thread has a priority of its own; elsewhere nothing is done.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)


def prefetch(sources: Iterable[Iterable[T]], threads: int, depth: int) -> Generator[T, None, None]:
    """Yield the items of several sources, one source after the other, made in advance by threads.

    Parameters
    ----------
    sources : iterable of iterable
        See `Prefetched`. A list has been made already: it needs no thread.
    threads : int
        How many sources are being made at once, at most.
    depth : int
        How many items of each are made in advance, at most.

    Yields
    ------
    object
        In order, whatever the number of threads. A reader who stops early stops the threads too.
    """
    rest = iter(sources)
    coming: deque[list[T] | Prefetched[T]] = deque()
    running = 0
    try:
        while True:
            while running < max(1, threads) and (source := next(rest, None)) is not None:
                running += not isinstance(source, list)
                coming.append(source if isinstance(source, list) else Prefetched(source, depth))
            if not coming:
                return
            yield from coming[0]
            if isinstance(done := coming.popleft(), Prefetched):
                done.close()
                running -= 1
    finally:
        for one in coming:
            if isinstance(one, Prefetched):
                one.close()
