"""Label tracks of Audacity: a line of start, end and text for each label, in seconds of the file."""

from __future__ import annotations

from ...choices import Origin
from ...manifest import Record
from .annotations import check_one_model, timed_annotations
from .text import one_line


def audacity_labels(
    record: Record, origin: Origin | None = None, model: str | None = None, *, everything: bool = False
) -> str:
    """Return the text of a label track, in temporal order.

    Parameters
    ----------
    record : Record
        Times count from the beginning of its audio file, which is what Audacity opens.
    origin, model, everything
        As for `imtools.export.records.annotations.timed_annotations`.

    Returns
    -------
    str
        A line of start, end and text for each, separated by tabs.

    Raises
    ------
    ManifestError
        If there are predictions of several models.
    """
    found = timed_annotations(record, origin, model, everything=everything)
    check_one_model(record, found)
    lines = []
    for annotation in found:
        start, duration = annotation.span(record)
        text = one_line(annotation.label) + (
            f" {annotation.score:.2f}" if annotation.model is not None else ""
        )
        lines.append((record.start + start, record.start + start + duration, text))
    return "".join(f"{start:.6f}\t{end:.6f}\t{text}\n" for start, end, text in sorted(lines))
