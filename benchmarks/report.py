"""Rows and tables of benchmarks, and the way in which everything is timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison; ``naive`` is ``None`` where there is nothing to compare."""

    name: str
    ours: float
    naive: float | None = None
    unit: str = "ms"


def milliseconds(function: Callable[[], object], repeat: int = 5) -> float:
    """Return the median time of a call, after one call to warm up."""
    function()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def table(rows: list[Row]) -> str:
    """Return the rows as aligned text with the ratio naive / ours."""
    width = max(len(row.name) for row in rows)
    lines = [f"  {'':{width}s} {'ours':>13s} {'naive':>13s} {'ratio':>8s}"]
    for row in rows:
        ours = f"{row.ours:.2f} {row.unit}"
        naive, ratio = (
            ("", "")
            if row.naive is None
            else (f"{row.naive:.2f} {row.unit}", f"{row.naive / row.ours:.1f} x")
        )
        lines.append(f"  {row.name:{width}s} {ours:>13s} {naive:>13s} {ratio:>8s}")
    return "\n".join(lines) + "\n"
