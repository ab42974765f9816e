"""Run benchmarks and print their tables.

Each module named here has a ``run()`` that returns rows: what, our figure, that of the naive way (both
in one unit), so that a ratio is always of two figures of the same run on the same machine.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys

from benchmarks.report import Row, table

NAMES = ("startup", "features", "chain", "mixing", "memory", "training", "scoring", "prediction", "serving")


def main(names: list[str]) -> None:
    """Run the named benchmarks (all of them by default)."""
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors\n")
    for name in names or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        rows: list[Row] = module.run()
        print(f"{name}: {module.__doc__.splitlines()[0]}")
        print(table(rows), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
