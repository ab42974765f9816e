"""Failure records: what went wrong with one item, as data and as a line for people."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..atomic import naming
from ..errors import ImtoolsError
from ..manifest import dump_line
from ..manifest.values import Json

FAILURE_SCHEMA = "imtools/failure/1"


def failure_record(
    tool: str, item_id: str, audio: str | None, step: str, error: Exception
) -> dict[str, Json]:
    """Return the failure record of one item.

    Parameters
    ----------
    tool : str
        The command, ``"im-features"``.
    item_id, audio : str
        The item, and its file if it has one.
    step : str
        What was being done: ``"decode"``, ``"model"``, ...
    error : Exception
        An `ImtoolsError` speaks for itself; of any other exception the type is named too.
    """
    known = isinstance(error, ImtoolsError)
    message = error.message if isinstance(error, ImtoolsError) else f"{type(error).__name__}: {error}"
    return {
        "schema": FAILURE_SCHEMA,
        "id": item_id,
        "audio": audio,
        "tool": tool,
        "step": step,
        "error": type(error).__name__ if known else "InternalError",
        "message": message,
        "hint": error.hint if isinstance(error, ImtoolsError) else None,
    }


class FailureSink:
    """Where failure records go: a file, or a line each on standard error.

    The file is written line by line, so that what has failed is known even if the run is killed.
    """

    def __init__(self, path: str | None, *, quiet: bool = False) -> None:
        self._path, self._quiet = path, quiet
        self._stream: IO[str] | None = None

    def open(self) -> None:
        """Make the file, empty, unless it has been opened."""
        if self._path is not None and self._stream is None:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._stream = open(self._path, "w", encoding="ascii")  # noqa: SIM115 - closed by close()

    def write(self, record: dict[str, Json]) -> None:
        """Report one failure."""
        self.open()
        if self._stream is not None:
            with naming(self._stream.name):
                self._stream.write(dump_line(record))
                self._stream.flush()
        elif not self._quiet:
            hint = f"; {record['hint']}" if record["hint"] else ""
            # A newline in a file's name must not make two lines of one failure.
            text = f"{record['tool']}: {record['id']}: {record['message']}{hint}".replace("\n", "\\n")
            sys.stderr.write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with suppress(OSError):  # what could not be written was reported then
                self._stream.close()
