"""Ctrl-C and termination while items are processed: finished results are kept, unfinished ones are not."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Interruption:
    """Decides when Ctrl-C may end a run; a context manager.

    A signal handler must not raise an exception just anywhere: libraries in C call back into Python to read
    and write files, and drop exceptions raised there. The interruption would be lost, and the file damaged.
    So the first Ctrl-C is only noted, and the run ends once the current items have been committed, or at
    once if it is merely waiting. A second Ctrl-C, or a termination, does not wait, but then nothing more is
    committed.

    Outside of it, and in a process that handles Ctrl-C in its own way, nothing is changed.

    Parameters
    ----------
    notify : callable
        Shows the user a message: why the run does not end at once.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify = notify
        self._waiting = self._requested = False
        self._end: BaseException | None = None
        self._replaced: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._replaced[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupt)
            if callable(signal.getsignal(signal.SIGTERM)):  # our handler; by default the process just dies
                self._replaced[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._terminate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._replaced:
            signal.signal(*self._replaced.popitem())

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Yield items; while waiting for one, Ctrl-C works at once.

        Raises
        ------
        KeyboardInterrupt
            If there was a Ctrl-C before.
        """
        rest = iter(items)
        end = object()
        while True:
            with self.at_once():
                item = next(rest, end)
            if item is end:
                return
            yield item  # type: ignore[misc]  # it is not the end

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let Ctrl-C work at once within the ``with`` block, where nothing can be lost.

        Raises
        ------
        KeyboardInterrupt
            If there was a Ctrl-C before or within the block.
        """
        self._waiting = True  # before checking: a signal in between must not be missed
        try:
            self.settle()
            yield
        finally:
            self._waiting = False
        self.settle()

    def confirm(self) -> None:
        """Check that the current items may be committed.

        Raises
        ------
        BaseException
            An exception that a signal has raised since, in case it was dropped where it was raised.
        """
        if self._end is not None:
            raise self._end

    def settle(self) -> None:
        """Check that the run may continue, now that nothing is being processed.

        Raises
        ------
        KeyboardInterrupt
            If there was a Ctrl-C.
        """
        self.confirm()
        if self._requested:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._requested or self._waiting:
            self._end = KeyboardInterrupt()
            raise self._end
        self._requested = True
        self._notify("interrupted: finishing the current items; press Ctrl-C again to drop them")

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        try:
            self._replaced[signal.SIGTERM](number, frame)
        except BaseException as error:
            self._end = error
            raise
