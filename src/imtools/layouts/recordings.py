"""Which clips of mixed collections come from one recording, where only their names show it."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Source, pattern in the file's name, and what the group is called after it.
_RULES = (
    # Medley-solos-DB without its table has no song numbers; but its subsets share no artist.
    ("medleysolos", re.compile(r"(training|validation|test)-(\d)_"), r"\1-\2"),
    # Excerpts of a recording are numbered by the second at which they start.
    ("vocadito", re.compile(r"vocadito_(\d+)_t\d+"), r"\1"),
)

# Stops of one organ, guitars of one session: sources that are one sample library.
_LIBRARY = re.compile(r"(burea|blackgreen)-.+")


def recording_group(source: str, kind: str | None, labels: Sequence[str], stem: str) -> str | None:
    """Return the group of a clip, or ``None`` if it is a recording of its own.

    Single notes of a sample library share player, instrument and room, so they are one recording.

    Parameters
    ----------
    source : str
        The collection that the clip was taken from.
    kind : str or None
        ``"notes"`` for single notes.
    labels : sequence of str
        The instruments.
    stem : str
        The file's name without its extension.
    """
    for name, pattern, group in _RULES:
        if name == source and (match := pattern.search(stem)):
            return f"{source}/{match.expand(group)}"
    if kind == "notes" and labels:
        library = match[1] if (match := _LIBRARY.fullmatch(source)) else source
        return f"{library}/{'+'.join(sorted(labels))}"
    return None
