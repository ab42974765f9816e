"""Reading the tables that come with data sets; every fault is named as ``file:line``."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import ManifestError

_HINT = "fetch the data set's tables again"


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ``("file:line", row)`` for each row of a CSV file with a header.

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte-order mark.
    columns : sequence of str
        The required columns; others are allowed.

    Raises
    ------
    ManifestError
        If the file cannot be read, lacks a column, or a row lacks a needed value.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = reader.fieldnames or []
            if missing := [name for name in columns if name not in header]:
                raise ManifestError(f"{path}:1: has no column {', '.join(map(repr, missing))}", _HINT)
            for row in reader:
                where = f"{path}:{reader.line_num}"
                for name in columns:
                    if not row[name]:
                        raise ManifestError(f"{where}: has no value for {name!r}", _HINT)
                yield where, row
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})", _HINT) from None
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 ({error.reason})", _HINT) from None
    except csv.Error as error:
        raise ManifestError(f"{path}:{reader.line_num}: is not CSV ({error})", _HINT) from None


def read_lines(path: Path) -> list[tuple[str, str]]:
    """Return ``("file:line", text)`` for each line that is not blank, without white space at its ends.

    Raises
    ------
    ManifestError
        If the file cannot be read or is not UTF-8.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})", _HINT) from None
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 ({error.reason})", _HINT) from None
    return [(f"{path}:{number}", line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
