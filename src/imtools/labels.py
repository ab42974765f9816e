"""From labelled records to matrices: which classes are present, and for which that is known."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from .arrays import BoolArray
from .choices import UNLISTED, Unlisted
from .errors import UsageError
from .manifest import Label

__all__ = ["PRESENT", "LabelTable", "Labelled", "Unlisted", "classes_of", "label_matrix"]


class Labelled(Protocol):
    """Anything with labels: a record, or a part of its data."""

    @property
    def labels(self) -> list[Label]:
        """The labels of the item."""

    @property
    def labels_complete(self) -> bool:
        """Whether a class that is not listed is known to be absent."""


PRESENT = 0.5
"""The presence from which a label counts as present."""


def classes_of(records: Iterable[Labelled]) -> list[str]:
    """Return every class that the records list, present or absent, sorted."""
    return sorted({label.label for record in records for label in record.labels})


class LabelTable:
    """The labels of items, without the items themselves: a few bytes for each label."""

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._rows, self._listed = array("q"), array("q")
        self._presences, self._complete = array("d"), array("b")

    def add(self, item: Labelled) -> None:
        """Take in the next item."""
        row = len(self._complete)
        self._complete.append(item.labels_complete)
        for label in item.labels:
            self._rows.append(row)
            self._listed.append(self._columns.setdefault(label.label, len(self._columns)))
            self._presences.append(label.presence)

    @property
    def spoken(self) -> BoolArray:
        """Which items have any known label, shape (n,)."""
        spoken = np.array(self._complete, dtype=np.bool_)
        spoken[np.asarray(self._rows, dtype=np.int64)] = True
        return spoken

    def listed(self, rows: BoolArray) -> list[str]:
        """Return the classes that some of the items list, sorted."""
        chosen = rows[np.asarray(self._rows, dtype=np.int64)]
        places = set(np.asarray(self._listed, dtype=np.int64)[chosen].tolist())
        return sorted(name for name, place in self._columns.items() if place in places)

    def matrix(self, classes: Sequence[str], unlisted: Unlisted = "unknown") -> tuple[BoolArray, BoolArray]:
        """Return which classes are present, and for which that is known; see `label_matrix`.

        Parameters
        ----------
        classes : sequence of str
            The k columns, each once.
        unlisted : {"unknown", "absent"}
            What to assume about a class that an item with incomplete labels does not list.

        Returns
        -------
        present, known : ndarray of bool, shape (n, k)
            See `label_matrix`.
        """
        if unlisted not in UNLISTED:
            raise UsageError(
                f"unlisted labels cannot be {unlisted!r}", f"choose {' or '.join(map(repr, UNLISTED))}"
            )
        if len(set(classes)) < len(classes):
            twice = sorted({name for name in classes if list(classes).count(name) > 1})
            raise UsageError(f"classes named more than once: {', '.join(twice)}", "name each class once")
        places = np.full(len(self._columns), -1, dtype=np.int64)
        for column, name in enumerate(classes):
            if name in self._columns:
                places[self._columns[name]] = column
        columns = places[np.asarray(self._listed, dtype=np.int64)]
        wanted = columns >= 0
        rows, columns = np.asarray(self._rows, dtype=np.int64)[wanted], columns[wanted]
        there = np.asarray(self._presences)[wanted] >= PRESENT
        complete = np.array(self._complete, dtype=np.bool_)
        present = np.zeros((len(complete), len(classes)), dtype=np.bool_)
        present[rows[there], columns[there]] = True
        known = np.repeat((complete | (unlisted == "absent"))[:, None], len(classes), axis=1)
        known[rows, columns] = True
        return present, known


def label_matrix(
    records: Sequence[Labelled], classes: Sequence[str], unlisted: Unlisted = "unknown"
) -> tuple[BoolArray, BoolArray]:
    """Return the label matrix of some records and the mask of its known entries.

    Parameters
    ----------
    records : sequence of Labelled
        The n items, records for instance.
    classes : sequence of str
        The k columns, each once; labels of other classes are ignored.
    unlisted : {"unknown", "absent"}
        What to assume about a class that a record with incomplete labels does not list. With complete
        labels it is always absent.

    Returns
    -------
    present : ndarray of bool, shape (n, k)
        Whether a class has a presence of at least 0.5; where it is listed twice, in either.
    known : ndarray of bool, shape (n, k)
        Whether the entry of `present` is known; never false where `present` is true.

    Raises
    ------
    UsageError
        If a class is named twice, or `unlisted` is neither of these.
    """
    table = LabelTable()
    for record in records:
        table.add(record)
    return table.matrix(classes, unlisted)
