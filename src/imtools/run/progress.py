"""The messages of a run about its progress: a progress line, and the final line."""

from __future__ import annotations

import os
import sys
from typing import Any

from ..clock import Clock


class Progress:
    """A progress bar on standard error; silent unless that is a terminal.

    Parameters
    ----------
    tool : str
        Shown before the bar.
    enabled : bool
        Whether to show it at all.
    colour : bool
        Whether it may have colours.
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
        """Advance by a number of items, and show a note.

        Parameters
        ----------
        count : int
            Number of finished items.
        note : str
            Shown beside the count.
        """
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
        Numbers of items; together all input items.
    audio_seconds : float
        Length of the good items.
    clock : Clock
        Times of the steps.

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
