"""Records as CSV, and as lines for people."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence

from ...manifest import Record
from ...score.model_names import member_of
from .marks import Mark, Origin, marks
from .text import one_line

COLUMNS = ("id", "audio", "model", "label", "score", "present", "start", "duration")

_NAME_PART = 0.4
"""Part of a line's width that a file's name may take."""


def csv_header() -> str:
    """Return the first line of the CSV."""
    return _csv([COLUMNS])


def csv_lines(record: Record, origin: Origin | None = None, model: str | None = None) -> str:
    """Return a line of CSV (RFC 4180) for each label, or for each score of each model.

    Parameters
    ----------
    record : Record
        Its ``audio`` is written as it is.
    origin, model
        As for `imtools.export.records.marks.marks`.

    Returns
    -------
    str
        ``present`` is ``true`` or ``false``; of what is about the whole record, start and duration are
        empty; of labels, the model.
    """
    return _csv(
        [
            (
                record.id,
                record.audio or "",
                mark.model or "",
                mark.label,
                mark.score,
                "true" if mark.present else "false",
                "" if mark.start is None else mark.start,
                "" if mark.duration is None else mark.duration,
            )
            for mark in marks(record, origin, model, members=True)
        ]
    )


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def table_lines(record: Record, width: int = 100) -> str:
    """Return a line for people: a record's name and what is present in it, the surest first.

    Where there are stretches that have been decided on, each has a line below.

    Parameters
    ----------
    record : Record
        With predictions: those of the model that has spoken last count, without its members.
    width : int
        Columns of the terminal.
    """
    last = member_of(record.predictions[-1].model)[0] if record.predictions else None
    own = [mark for mark in marks(record) if mark.model is not None and mark.model == last]
    present = sorted((m for m in own if m.whole and m.present), key=lambda m: (-m.score, m.label))
    said = [f"{mark.label} {mark.score:.2f}" for mark in present]
    narrow = max(10, int(width * _NAME_PART))
    cut = record.source.get("start") is not None or record.audio is None
    name = _shortened(one_line(record.id if cut else str(record.audio)), narrow)
    line = _padded(name, narrow) + "  " + _fitted(said, max(10, width - narrow - 2))
    decided = {(p.model, p.label, p.start, p.duration) for p in record.predictions if p.present}
    stretches = [m for m in own if not m.whole and (m.model, m.label, m.start, m.duration) in decided]
    return "\n".join([line, *(_stretch(mark, record) for mark in stretches)]) + "\n"


def _stretch(mark: Mark, record: Record) -> str:
    start, duration = mark.span(record)
    return f"  {start:8.2f} to {start + duration:8.2f} s  {one_line(mark.label)} {mark.score:.2f}"


def _fitted(said: list[str], width: int) -> str:
    """Return as many of the words as fit, and how many more there are."""
    if not said:
        return "none"
    for count in range(len(said), 0, -1):
        rest = f", and {len(said) - count} more" if count < len(said) else ""
        if count == 1 or columns(text := one_line(", ".join(said[:count])) + rest) <= width:
            break
    return text if count > 1 else _shortened(one_line(said[0]), width - columns(rest)) + rest


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shortened(text: str, width: int) -> str:
    """Return a text that takes at most that many columns; of names the end says more."""
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[1:]
    return "…" + text


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))
