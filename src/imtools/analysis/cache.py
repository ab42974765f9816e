"""A file that remembers what was found out about recordings, so that nothing is listened to twice."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ..errors import ImtoolsWarning

_AT_ONCE = 500  # keys in one question
_TABLE = "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value BLOB NOT NULL)"


class AnalysisCache:
    """Results by key, kept in an SQLite file: it survives being killed, and several may use it at once.

    It is only ever a help: where the file cannot be made, read or written, that is said once and work goes
    on without it.

    Parameters
    ----------
    path : Path or None
        The file; ``None`` remembers nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._base: sqlite3.Connection | None = None

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what is remembered of these keys."""
        wanted = list(keys)
        found: dict[str, bytes] = {}

        def read(base: sqlite3.Connection) -> None:
            for first in range(0, len(wanted), _AT_ONCE):
                some = wanted[first : first + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found.update(base.execute(f"SELECT key, value FROM results WHERE key IN ({marks})", some))

        self._use(read)
        return found

    def put(self, results: Mapping[str, bytes]) -> None:
        """Remember results; all of them are on disk on return, or none."""

        def write(base: sqlite3.Connection) -> None:
            with base:
                base.executemany("INSERT OR REPLACE INTO results VALUES (?, ?)", results.items())

        if results:
            self._use(write)

    def close(self) -> None:
        """Close the file."""
        if self._base is not None:
            self._base.close()
            self._base = None

    def _use(self, action: Callable[[sqlite3.Connection], None]) -> None:
        """Do something with the file, which is opened when it is first needed."""
        if self._path is None:
            return
        try:
            if self._base is None:
                self._base = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
                with self._base:
                    self._base.execute(_TABLE)
            action(self._base)
        except sqlite3.Error as error:
            message = (
                f"{self._path}: cannot be used as a cache ({error}); name another file with --cache, or none"
            )
            warnings.warn(ImtoolsWarning(message), stacklevel=4)
            self.close()
            self._path = None
