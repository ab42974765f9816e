"""Who meets whom: random pairs without repetition (Kratimenos et al. 2020, section III.B.1)."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence

from ..manifest import Record
from ..split import groups_of

Pair = tuple[Record, Record]


def stable_hash(*parts: object) -> str:
    """Return 64 hexadecimal digits that depend on the parts alone: equal on all machines and versions."""
    return hashlib.sha256("\0".join(map(repr, parts)).encode("utf-8", "surrogateescape")).hexdigest()


def pair_up(first: Sequence[Record], second: Sequence[Record], *key: object) -> list[Pair]:
    """Pair records of two sets one by one, at random, each at most once.

    Both sets are shuffled by a hash of `key` and the records' ids, which depends neither on their order
    nor on the version of a random generator, and then zipped, so that there are as many pairs as the
    smaller set has records. Two records of one group never meet: a record that would meet its own takes
    the next partner that is free, or at the end changes partners with a pair. Records for which that
    does not help are left out; no pairing of records with one group each makes more pairs.

    Parameters
    ----------
    first, second : sequence of Record
        The records of either class, none in both.
    key : objects
        Seeds of the shuffle; their ``repr`` counts.

    Returns
    -------
    list of (Record, Record)
        One of `first` and one of `second` in each.
    """
    rows = _shuffled(first, *key, 0)
    free = deque(_shuffled(second, *key, 1))
    pairs: list[Pair] = []
    left: list[Record] = []
    hopeless: set[frozenset[str]] = set()  # `free` only shrinks: what finds no partner once never will
    for row in rows:
        groups = groups_of(row)
        partner = None if groups in hopeless else _take(free, groups)
        if partner is not None:
            pairs.append((row, partner))
        else:
            hopeless.add(groups)
            left.append(row)
    for row, partner in zip(left, free, strict=False):
        if not _exchange(pairs, row, partner):
            break
    return pairs


def _shuffled(records: Sequence[Record], *key: object) -> list[Record]:
    return sorted(records, key=lambda record: (stable_hash(*key, record.id), record.id))


def _take(free: deque[Record], groups: frozenset[str]) -> Record | None:
    """Remove and return the first record that shares no group; the others keep their order."""
    passed: list[Record] = []
    found = None
    while free and found is None:
        candidate = free.popleft()
        if groups.isdisjoint(groups_of(candidate)):
            found = candidate
        else:
            passed.append(candidate)
    free.extendleft(reversed(passed))
    return found


def _exchange(pairs: list[Pair], row: Record, partner: Record) -> bool:
    """Break up one pair, such that its members can be paired with two records that cannot meet."""
    ours, theirs = groups_of(row), groups_of(partner)
    for i, (a, b) in enumerate(pairs):
        if ours.isdisjoint(groups_of(b)) and theirs.isdisjoint(groups_of(a)):
            pairs[i] = (a, partner)
            pairs.append((row, b))
            return True
    return False
