"""What must not be separated: the original recordings of each record, and the records that share one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from .manifest import Record


def groups_of(record: Record) -> frozenset[str]:
    """Return the names of what a record must not be separated from: its original recordings.

    These are its ``groups``; without any, its audio file; without that, its id. A mix also names the
    files of its tracks, so that it stays with those of them that have no groups.
    """
    if record.mix:
        files = [f"audio:{path}" for path in record.track_files()]
        return frozenset([*record.groups, *files]) or frozenset([f"id:{record.id}"])
    if record.groups:
        return frozenset(record.groups)
    return frozenset([f"id:{record.id}" if record.audio is None else f"audio:{record.audio}"])


def united(ties: Sequence[Sequence[Hashable]]) -> list[int]:
    """Number the connected components (union-find): items that share any tie get the same number.

    Parameters
    ----------
    ties : sequence of sequence of hashable
        The keys that tie each item to others, such as its groups.

    Returns
    -------
    list of int
        For each item, from 0 in order of first appearance.
    """
    parent = list(range(len(ties)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[Hashable, int] = {}
    for i, names in enumerate(ties):
        for name in names:
            a, b = root(first.setdefault(name, i)), root(i)
            parent[max(a, b)] = min(a, b)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(i), len(numbers)) for i in range(len(ties))]
