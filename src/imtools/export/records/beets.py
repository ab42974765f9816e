"""A shell script for beets, the music organiser, that records which instruments sound in its files."""

from __future__ import annotations

import shlex

from ...choices import Origin
from ...errors import AudioError
from ...manifest import Record
from .annotations import present_instruments
from .files import whole_file

HEADER = "#!/bin/sh\n"


def beets_command(record: Record, origin: Origin | None = None, model: str | None = None) -> str:
    """Return the command that sets, or removes, the field ``instruments`` of one file.

    Parameters
    ----------
    record : Record
        A whole file.
    origin, model
        As for `imtools.export.records.annotations.record_annotations`.

    Returns
    -------
    str
        ``beet modify -y path:... instruments='pia; vio'``; the classes in the order of their names.

    Raises
    ------
    ManifestError
        If the record has neither labels nor predictions for the whole.
    AudioError
        If it is a part of a file, or the file's name cannot be used in a query.
    """
    labels = sorted(annotation.label for annotation in present_instruments(record, origin, model))
    path = whole_file(record)
    if path.endswith(","):
        # There, a comma ends a query, and an empty one means the whole library.
        raise AudioError(f"{path}: beets cannot search for a name that ends in a comma", "rename the file")
    query = "path:" + path.replace(":", r"\:")
    value = "; ".join(labels).replace("$", "$$").replace("%", "$%")  # beets reads values as templates
    change = f"instruments={shlex.quote(value)}" if labels else "'instruments!'"
    return f"beet modify -y {shlex.quote(query)} {change}\n"
