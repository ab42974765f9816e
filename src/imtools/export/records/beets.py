"""A shell script that tells beets, the music organiser, which instruments sound in its files."""

from __future__ import annotations

import shlex

from ...errors import AudioError
from ...manifest import Record
from .files import whole_file
from .marks import Origin, instruments

HEADER = "#!/bin/sh\n"


def beets_line(record: Record, origin: Origin | None = None, model: str | None = None) -> str:
    """Return the command that sets, or removes, the field ``instruments`` of one file.

    Parameters
    ----------
    record : Record
        A whole file.
    origin, model
        As for `imtools.export.records.marks.marks`.

    Returns
    -------
    str
        ``beet modify -y path:... instruments='pia; vio'``; the classes in the order of their names.

    Raises
    ------
    ManifestError
        If nothing is said of the record.
    AudioError
        If it is a part of a file, or the file's name cannot stand in a query.
    """
    labels = sorted(mark.label for mark in instruments(record, origin, model))
    path = whole_file(record)
    if path.endswith(","):
        # There, a comma ends a query, and an empty one means the whole library.
        raise AudioError(f"{path}: beets cannot search for a name that ends in a comma", "rename the file")
    query = "path:" + path.replace(":", r"\:")
    value = "; ".join(labels).replace("$", "$$").replace("%", "$%")  # beets reads values as templates
    change = f"instruments={shlex.quote(value)}" if labels else "'instruments!'"
    return f"beet modify -y {shlex.quote(query)} {change}\n"
