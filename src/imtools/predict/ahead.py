"""Making things in a thread while others are being used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Queue
from threading import Event, Thread
from typing import TypeVar

from ..audio.load import close_files

T = TypeVar("T")

_END = object()


def ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """Yield items that a thread of its own makes, at most ``depth`` of them in advance.

    Parameters
    ----------
    items : iterable
        What it raises is raised here, in its place. The audio files that it leaves open are closed.
    depth : int
        The bound on memory.

    Yields
    ------
    object
        The items, in order. A reader who stops early stops the thread too.
    """
    queue: Queue[object] = Queue(depth)
    stopped = Event()

    def make() -> None:
        end: object = _END
        try:
            for item in items:
                queue.put((item,))
                if stopped.is_set():
                    return
        except BaseException as error:
            end = error
        finally:
            close_files()
            queue.put(end)

    thread = Thread(target=make, name="imtools-ahead", daemon=True)
    thread.start()
    try:
        while True:
            got = queue.get()
            if isinstance(got, tuple):
                yield got[0]
            elif isinstance(got, BaseException):
                raise got
            else:
                return
    finally:
        stopped.set()
        while thread.is_alive():  # it may be waiting for a place in the queue
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)
