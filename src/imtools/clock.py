"""Where the time goes: seconds by name, added up over threads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, local
from typing import TypeVar

T = TypeVar("T")


class _Here(local):
    """The clock of this thread, and the seconds that have been counted within the current measurement."""

    clock: Clock | None = None
    inside = 0.0


_here = _Here()


class Clock:
    """Adds up where the time goes, by name (threads' seconds count each)."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._lock = Lock()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Count the time spent inside the ``with`` block under a name.

        Time that the same thread measures within the block is counted under that other name only.
        """
        outer, before = _here.clock, _here.inside
        _here.clock, _here.inside = self, 0.0
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.add({name: spent - _here.inside})
            _here.clock, _here.inside = outer, before + spent

    def set_apart(self, name: str, seconds: float) -> None:
        """Count some of the time that this thread is measuring under a name of its own.

        Parameters
        ----------
        name : str
            What the time was spent on.
        seconds : float
            How much of it.
        """
        self.add({name: seconds})
        _here.inside += seconds

    def add(self, seconds: dict[str, float]) -> None:
        """Add seconds that have been measured elsewhere."""
        with self._lock:
            for name, more in seconds.items():
                self.seconds[name] = self.seconds.get(name, 0.0) + more

    def elapsed(self) -> float:
        """Return the seconds since the clock was made."""
        return time.perf_counter() - self._start


def current_clock() -> Clock:
    """Return the clock of this thread, or a new one that nobody reads if it has none."""
    return _here.clock or Clock()


def timed(items: Iterable[T], name: str, clock: Clock) -> Iterator[T]:
    """Yield items, and count the time that it takes to get each under a name.

    Parameters
    ----------
    items : iterable
        Taken one by one.
    name : str
        Name under which the time is counted.
    clock : Clock
        The clock that counts it.
    """
    rest = iter(items)
    end = object()
    while True:
        with clock.measure(name):
            item = next(rest, end)
        if item is end:
            return
        yield item  # type: ignore[misc]  # it is not the end
