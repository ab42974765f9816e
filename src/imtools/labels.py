"""From labelled records to matrices: which classes are present, and of which that is known at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError
from .manifest import Record

Unlisted = Literal["unknown", "absent"]
"""What to think of a class that a record without complete labels does not list."""

PRESENT = 0.5
"""The presence from which a label counts as present."""


def classes_of(records: Iterable[Record]) -> list[str]:
    """Return every class that the records list, present or absent, sorted."""
    return sorted({label.label for record in records for label in record.labels})


def label_matrix(
    records: Sequence[Record], classes: Sequence[str], unlisted: Unlisted = "unknown"
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the label matrix of some records and the mask of its known entries.

    Parameters
    ----------
    records : sequence of Record
        The n items.
    classes : sequence of str
        The k columns, each once; labels of other classes are passed over.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list. A record whose labels are
        complete always says that it is absent.

    Returns
    -------
    present : ndarray of bool, shape (n, k)
        Whether a class has a presence of at least 0.5; where it is listed twice, in either.
    known : ndarray of bool, shape (n, k)
        Whether the entry of `present` is knowledge; never false where `present` is true.

    Raises
    ------
    UsageError
        If a class is named twice, or `unlisted` is neither word.
    """
    if unlisted not in ("unknown", "absent"):
        raise UsageError(f"unlisted labels cannot be {unlisted!r}", "say 'unknown' or 'absent'")
    columns = {name: column for column, name in enumerate(classes)}
    if len(columns) < len(classes):
        twice = sorted({name for name in classes if list(classes).count(name) > 1})
        raise UsageError(f"classes named more than once: {', '.join(twice)}", "name each class once")
    present = np.zeros((len(records), len(classes)), dtype=np.bool_)
    known = np.zeros_like(present)
    for row, record in enumerate(records):
        known[row] = record.labels_complete or unlisted == "absent"
        for label in record.labels:
            if (column := columns.get(label.label)) is not None:
                known[row, column] = True
                present[row, column] |= label.presence >= PRESENT
    return present, known
