"""Records as text: CSV, and lines for display; both with any file name."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence

from ...choices import Origin
from ...manifest import Record
from ...score.model_names import member_of
from .annotations import Annotation, record_annotations

COLUMNS = ("id", "audio", "model", "label", "score", "present", "start", "duration")

_NAME_PART = 0.4
"""Maximum fraction of a line's width for a file's name."""


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
        As for `imtools.export.records.annotations.record_annotations`.

    Returns
    -------
    str
        ``present`` is ``true`` or ``false``. Start and duration are empty for annotations of the whole
        record, the model for labels.
    """
    return _csv(
        [
            (
                record.id,
                record.audio or "",
                annotation.model or "",
                annotation.label,
                annotation.score,
                "true" if annotation.present else "false",
                "" if annotation.start is None else annotation.start,
                "" if annotation.duration is None else annotation.duration,
            )
            for annotation in record_annotations(record, origin, model, members=True)
        ]
    )


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def table_lines(record: Record, width: int = 100) -> str:
    """Return a line for display: the name of a record and the classes present in it, highest score first.

    Decisions with times have a line each below.

    Parameters
    ----------
    record : Record
        With predictions; those of the last model are shown, without its members.
    width : int
        Columns of the terminal.

    Returns
    -------
    str
        One or more lines.
    """
    last = member_of(record.predictions[-1].model)[0] if record.predictions else None
    own = [one for one in record_annotations(record) if one.model is not None and one.model == last]
    present = sorted(
        (one for one in own if one.whole and one.present), key=lambda one: (-one.score, one.label)
    )
    narrow = max(10, int(width * _NAME_PART))
    cut = record.source.get("start") is not None or record.audio is None
    name = _shortened(one_line(record.id if cut else str(record.audio)), narrow)
    scores = [f"{one.label} {one.score:.2f}" for one in present]
    line = _padded(name, narrow) + "  " + _fitted(scores, max(10, width - narrow - 2))
    decided = {(p.model, p.label, p.start, p.duration) for p in record.predictions if p.present}
    timed = [
        one for one in own if not one.whole and (one.model, one.label, one.start, one.duration) in decided
    ]
    return "\n".join([line, *(_timed_line(one, record) for one in timed)]) + "\n"


def _timed_line(annotation: Annotation, record: Record) -> str:
    start, duration = annotation.span(record)
    return f"  {start:8.2f} to {start + duration:8.2f} s  {one_line(annotation.label)} {annotation.score:.2f}"


def _fitted(scores: list[str], width: int) -> str:
    """Return as many of the scores as fit, and the number of the others."""
    if not scores:
        return "none"
    for count in range(len(scores), 0, -1):
        rest = f", and {len(scores) - count} more" if count < len(scores) else ""
        if count == 1 or columns(text := one_line(", ".join(scores[:count])) + rest) <= width:
            break
    return text if count > 1 else _shortened(one_line(scores[0]), width - columns(rest)) + rest


def columns(text: str) -> int:
    """Return the number of columns that a text takes in a terminal."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shortened(text: str, width: int) -> str:
    """Return a text that takes at most ``width`` columns; cut at its start, as names differ at the end."""
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[1:]
    return "…" + text


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def to_bytes(text: str) -> bytes:
    """Return text as UTF-8; undecodable bytes of a file name are restored."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that represents no byte
        return text.encode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """Return text for display, on one line: characters that cannot be printed are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
