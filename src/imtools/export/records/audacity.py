"""Label tracks of Audacity: a line of start, end and text for each stretch, in seconds of the file."""

from __future__ import annotations

from ...manifest import Record
from .marks import Origin, check_one_model, spans
from .text import one_line


def label_track(
    record: Record, origin: Origin | None = None, model: str | None = None, *, everything: bool = False
) -> str:
    """Return the text of a label track: what sounds when, in the order of time.

    Parameters
    ----------
    record : Record
        Times count from the beginning of its audio file, which is what Audacity opens.
    origin, model, everything
        As for `imtools.export.records.marks.spans`.

    Raises
    ------
    ManifestError
        If there are predictions of several models.
    """
    some = spans(record, origin, model, everything=everything)
    check_one_model(record, some)
    lines = []
    for mark in some:
        start, duration = mark.span(record)
        text = one_line(mark.label) + (f" {mark.score:.2f}" if mark.model is not None else "")
        lines.append((record.start + start, record.start + start + duration, text))
    return "".join(f"{start:.6f}\t{end:.6f}\t{text}\n" for start, end, text in sorted(lines))
