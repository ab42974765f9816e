"""Folders that are made once in a run of the tests, whatever the number of pytest's workers."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first caller of a run fills; the others wait for it, in all workers.

    Parameters
    ----------
    factory : pytest.TempPathFactory
        Knows the run's temporary folder.
    name : str
        The folder's name, the same in all workers.
    make : callable
        Fills the folder, which exists and is empty; called again by the next caller if it fails.

    Returns
    -------
    Path
        Not to be written to.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder in that of the run
    folder, finished = base / "shared" / name, base / "shared" / f"{name}.finished"
    folder.parent.mkdir(exist_ok=True)
    with open(folder.parent / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            finished.touch()
    return folder


def contents(folder: Path) -> list[tuple[str, int, int]]:
    """Return names, sizes and times of change of all that a folder holds, to compare them later."""
    states = [(path, path.lstat()) for path in sorted(folder.rglob("*"))]
    return [(str(path.relative_to(folder)), state.st_size, state.st_mtime_ns) for path, state in states]
