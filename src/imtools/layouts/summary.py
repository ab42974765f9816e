"""The size of a manifest: records, recordings and hours of each class and split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..manifest import Record

UNLABELLED = "(no label)"
"""The class of records without a present label."""


@dataclass(slots=True)
class Count:
    """Records, their audio in seconds, and their groups (the original recordings)."""

    records: int = 0
    seconds: float = 0.0
    groups: set[str] = field(default_factory=set)

    def add(self, record: Record) -> None:
        """Count one record."""
        self.records += 1
        self.seconds += record.duration
        self.groups.update(record.groups)


class ManifestSummary:
    """Counts records by split and class as they pass through.

    Attributes
    ----------
    counts : dict
        `Count` by ``(split, label)``; a split of ``None`` is all records, a label of ``None`` all classes.
        A record with two labels counts in both classes.
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[str | None, str | None], Count] = {(None, None): Count()}

    def add(self, records: Iterable[Record]) -> None:
        """Count records; only the names of their groups are kept."""
        for record in records:
            for split in {None, record.split}:
                for label in (*(record.present_labels() or [UNLABELLED]), None):
                    self.counts.setdefault((split, label), Count()).add(record)

    def table(self) -> str:
        """Return the counts as aligned text, without a newline at the end.

        The classes and ``all`` of them, for the whole and then for each split, if there are any.
        """
        keys = sorted(self.counts, key=lambda key: _order(*key))
        splits = any(split is not None for split, _ in keys)
        lines = [("split", "class", "records", "recordings", "hours")]
        for split, label in keys:
            count = self.counts[split, label]
            numbers = (str(count.records), str(len(count.groups)), f"{count.seconds / 3600:.2f}")
            lines.append((split or "all", label or "all", *numbers))
        columns = list(zip(*lines, strict=True))[0 if splits else 1 :]
        names = 2 if splits else 1
        cells = [
            [text.ljust(width) if index < names else text.rjust(width) for text in column]
            for index, column in enumerate(columns)
            for width in [max(map(len, column))]
        ]
        return "\n".join("  ".join(row) for row in zip(*cells, strict=True))


def _order(split: str | None, label: str | None) -> tuple[bool, str, int, str]:
    rank = 2 if label is None else 1 if label == UNLABELLED else 0
    return split is not None, split or "", rank, label or ""
