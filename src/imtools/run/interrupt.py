"""Ctrl-C while a group of items is at work: what has been computed of it is not thrown away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType


class Interruption:
    """Lets the first Ctrl-C wait while work goes on that would be lost; a context manager.

    Outside of it, and in a process that deals with Ctrl-C in its own way, nothing is changed.

    Parameters
    ----------
    say : callable
        Tells the user why nothing happens at once.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._holding = self._asked = self._installed = False

    def __enter__(self) -> Interruption:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False

    def hold(self) -> None:
        """Let a Ctrl-C wait from here on; the second one does not."""
        self._holding = True

    def release(self) -> None:
        """Let Ctrl-C work at once again.

        Raises
        ------
        KeyboardInterrupt
            If one has waited.
        """
        self._holding = False
        if self._asked:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._holding or self._asked:
            raise KeyboardInterrupt
        self._asked = True
        self._say("interrupted: finishing the items at work; Ctrl-C again drops them")
