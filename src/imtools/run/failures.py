"""Failure records: what went wrong with one item, as data and as a line of text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..atomic import naming
from ..errors import ImtoolsError
from ..manifest import dump_line
from ..manifest.values import Json

FAILURE_SCHEMA = "imtools/failure/1"


class ReportedError(ImtoolsError):
    """The part of an error that a failure record holds; unlike the error itself, it can always be pickled.

    Parameters
    ----------
    kind : str
        Type of an `ImtoolsError`, or ``"InternalError"``.
    message, hint : str
        See `ImtoolsError`.
    """

    def __init__(self, kind: str, message: str, hint: str | None) -> None:
        super().__init__(message, hint)
        self.kind = kind

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.message, self.hint)

    @classmethod
    def from_error(cls, error: Exception) -> ReportedError:
        """Return the reported part of an error."""
        if isinstance(error, ReportedError):
            return error
        if isinstance(error, ImtoolsError):
            return cls(type(error).__name__, error.message, error.hint)
        return cls("InternalError", f"{type(error).__name__}: {error}", None)

    def with_texts(self, change: Callable[[str], str]) -> ReportedError:
        """Return the error with its texts changed."""
        return ReportedError(
            self.kind, change(self.message), None if self.hint is None else change(self.hint)
        )


def failure_record(
    tool: str,
    item_id: str,
    audio: str | None,
    step: str,
    error: Exception,
    worded: Callable[[str], str] = str,
) -> dict[str, Json]:
    """Return the failure record of one item.

    Parameters
    ----------
    tool : str
        The command, ``"im-features"``.
    item_id, audio : str
        The item, and its file if it has one.
    step : str
        The step that failed: ``"decode"``, ``"model"``, ...
    error : Exception
        For anything but an `ImtoolsError`, the message includes its type.
    worded : callable
        Rewrites messages of the library for the command.
    """
    reported = ReportedError.from_error(error).with_texts(worded)
    return {
        "schema": FAILURE_SCHEMA,
        "id": item_id,
        "audio": audio,
        "tool": tool,
        "step": step,
        "error": reported.kind,
        "message": reported.message,
        "hint": reported.hint,
    }


class FailureSink:
    """The destination of failure records: a file, or standard error, a line for each.

    The file is written line by line, so that failures are known even if the run is killed.
    """

    def __init__(self, path: str | None, *, quiet: bool = False) -> None:
        self._path, self._quiet = path, quiet
        self._stream: IO[str] | None = None

    def open(self) -> None:
        """Create the file, empty, unless it has been opened."""
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
            # A newline in a file's name must not split a failure into two lines.
            text = f"{record['tool']}: {record['id']}: {record['message']}{hint}".replace("\n", "\\n")
            sys.stderr.write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with suppress(OSError):  # failed writes were reported at the time
                self._stream.close()
