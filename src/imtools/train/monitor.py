"""What a training reports while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from ..clock import Clock
from .loop.history import Epoch


class Monitor:
    """Follows a training; this one does nothing, subclasses show its progress.

    Attributes
    ----------
    clock : Clock
        Measures the time spent on features and on training, under ``"features"`` and ``"training"``.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()

    def started(self) -> None:
        """The settings have been checked; from now on records are loaded and files written."""

    def loaded(self, count: int, usable: int) -> None:
        """Some more records have been loaded.

        Parameters
        ----------
        count : int
            How many, including those that failed.
        usable : int
            Records loaded so far that did not fail.
        """

    def note(self, text: str) -> None:
        """Show a line of text, such as how many features are in memory."""

    def epoch(self, epochs: Sequence[Epoch], seconds: float) -> None:
        """An epoch has ended.

        Parameters
        ----------
        epochs : sequence of Epoch
            Its results, one for each net that is trained.
        seconds : float
            How long it took.
        """
