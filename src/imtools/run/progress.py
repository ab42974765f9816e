"""What a run tells the person who waits for it: a progress line, and the final line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, local
from typing import Any, TypeVar

T = TypeVar("T")


class _Here(local):
    """What this thread is being measured by, and the seconds that have been counted inside that."""

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

        What is measured inside it, by the same thread, counts there only.
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
        """Count some of the time that this thread is measuring under a name of its own."""
        self.add({name: seconds})
        _here.inside += seconds

    def add(self, seconds: dict[str, float]) -> None:
        """Count what has been measured elsewhere."""
        with self._lock:
            for name, more in seconds.items():
                self.seconds[name] = self.seconds.get(name, 0.0) + more

    def elapsed(self) -> float:
        """Return the seconds since the clock was made."""
        return time.perf_counter() - self._start


def running() -> Clock:
    """Return the clock that this thread is being measured by; one that nobody reads if there is none."""
    return _here.clock or Clock()


def timed(items: Iterable[T], name: str, clock: Clock) -> Iterator[T]:
    """Yield items, and count the time that it takes to get each under a name."""
    rest = iter(items)
    end = object()
    while True:
        with clock.measure(name):
            item = next(rest, end)
        if item is end:
            return
        yield item  # type: ignore[misc]  # it is not the end


class Progress:
    """A progress bar on standard error; silent unless that is a terminal.

    Parameters
    ----------
    tool : str
        Shown before the bar.
    enabled : bool
        ``False`` for ``--quiet``.
    colour : bool
        ``False`` for ``--no-color``.
    """

    def __init__(self, tool: str, *, enabled: bool, colour: bool) -> None:
        self._bar: Any = None
        self._task: Any = None
        if enabled and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from rich.console import Console
            from rich.progress import MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            console = Console(stderr=True, no_color=not colour or None)
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Bar(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True)
            self._task = self._bar.add_task(tool, total=None, note="")
            self._bar.start()

    def advance(self, count: int, *, note: str) -> None:
        """Move on by a number of items, and show a note."""
        if self._bar is not None:
            self._bar.update(self._task, advance=count, note=note)

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()


def final_line(tool: str, ok: int, failed: int, audio_seconds: float, clock: Clock) -> str:
    """Return the line that ends every run.

    Parameters
    ----------
    tool : str
        The command.
    ok, failed : int
        Items; together all that came in.
    audio_seconds : float
        Length of the good items.
    clock : Clock
        Where the time went.

    Returns
    -------
    str
        ``im-features: 120 items ok, 3 failed; 0.10 h of audio, 85 x real time; 4.2 s (decode 1.2, ...)``.
    """
    elapsed = clock.elapsed()
    parts = [f"{ok} item{'s' if ok != 1 else ''} ok, {failed} failed"]
    if audio_seconds > 0:
        rate = audio_seconds / elapsed if elapsed > 0 else 0.0
        parts.append(f"{audio_seconds / 3600:.3g} h of audio, {rate:.3g} x real time")
    spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in clock.seconds.items() if seconds >= 0.05)
    parts.append(f"{elapsed:.1f} s" + (f" ({spent})" if spent else ""))
    return f"{tool}: " + "; ".join(parts)
