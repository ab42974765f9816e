"""Reading score files, which im-score writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from ..errors import ManifestError
from ..manifest.stream import STDIN
from ..manifest.values import Json, load_json
from .result import SCORES_HINT, ScoreReport


def read_scores(path: str) -> list[ScoreReport]:
    """Return the reports in a score file; it may hold those of several models, one after another.

    Parameters
    ----------
    path : str
        JSON lines, or ``-`` for standard input.

    Returns
    -------
    list of ScoreReport
        At least one; figures that the file lacks are NaN.

    Raises
    ------
    ManifestError
        If the file cannot be read, is no score file or holds no scores, or a line is wrong: named as
        ``file:line``.
    """
    reports = ScoreReport.from_rows(_rows(path))
    if not reports:
        raise ManifestError(f"{shown(path)}: holds no scores", SCORES_HINT)
    return reports


def shown(path: str) -> str:
    """Return how messages name a file, or standard input."""
    return "standard input" if path == STDIN else path


def _rows(path: str) -> Iterator[tuple[str, Json]]:
    """Yield the JSON objects in a score file, each with its place."""
    try:
        data = sys.stdin.buffer.read() if path == STDIN else _bytes(path)
    except OSError as error:
        hint = "check the path and its permissions"
        raise ManifestError(f"{shown(path)}: cannot be read ({error.strerror})", hint) from None
    for count, line in enumerate(data.splitlines(), 1):
        if line.strip():
            where = f"{shown(path)}:{count}"
            try:
                yield where, load_json(line)
            except ValueError as error:
                raise ManifestError(f"{where}: not valid JSON ({error})", SCORES_HINT) from None


def _bytes(path: str) -> bytes:
    with open(os.fsencode(path), "rb") as stream:
        return stream.read()
