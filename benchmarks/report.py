"""Rows and tables of benchmarks, and the way in which everything is timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison: both times in milliseconds; ``naive`` is ``None`` where there is nothing to compare."""

    name: str
    ours: float
    naive: float | None = None


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
    lines = [f"  {'':44s} {'ours/ms':>10s} {'naive/ms':>10s} {'ratio':>7s}"]
    for row in rows:
        naive, ratio = (
            ("", "") if row.naive is None else (f"{row.naive:.2f}", f"{row.naive / row.ours:.1f} x")
        )
        lines.append(f"  {row.name:44s} {row.ours:10.2f} {naive:>10s} {ratio:>7s}")
    return "\n".join(lines) + "\n"
