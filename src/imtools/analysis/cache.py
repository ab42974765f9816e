"""A file that keeps the results of analysing recordings, so that nothing is analysed twice."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ..errors import ImtoolsWarning

_KEYS_PER_QUERY = 500  # keys in one query
_TABLE = "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value BLOB NOT NULL)"


class AnalysisCache:
    """Results by key, stored in an SQLite file: it survives kills, and several processes may use it at once.

    If the file cannot be created, read or written, there is one warning, and the cache is empty from then
    on.

    Parameters
    ----------
    path : Path or None
        The file; ``None`` keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._base: sqlite3.Connection | None = None

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the results that are stored under these keys."""
        needed = list(keys)
        found: dict[str, bytes] = {}

        def read(base: sqlite3.Connection) -> None:
            for first in range(0, len(needed), _KEYS_PER_QUERY):
                some = needed[first : first + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(some))
                found.update(base.execute(f"SELECT key, value FROM results WHERE key IN ({marks})", some))

        self._use(read)
        return found

    def put(self, results: Mapping[str, bytes]) -> None:
        """Store results; all of them are on disk on return, or none."""

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
        """Call a function with the open file, which is opened when it is first needed."""
        if self._path is None:
            return
        try:
            if self._base is None:
                self._base = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
                with self._base:
                    self._base.execute(_TABLE)
            action(self._base)
        except sqlite3.Error as error:
            message = f"{self._path}: cannot be used as a cache ({error}); give another `cache`, or none"
            warnings.warn(ImtoolsWarning(message), stacklevel=4)
            self.close()
            self._path = None
