"""Pairing: choosing partners to mix, at random and without repetition.

After Kratimenos et al. (2020), section III.B.1. All choices are made by hashes, so they depend neither on
the order of the records nor on the version of a random generator.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from ..grouping import groups_of
from ..hashing import stable_hash
from ..manifest import Record

Sources = tuple[Record, ...]
"""Records that are mixed together, one of each class."""


def shuffled(several: Iterable[Sources], *key: object) -> list[Sources]:
    """Return sources in an order that depends on the key and their ids alone.

    Parameters
    ----------
    several : iterable of tuple of Record
        The sources of several mixes.
    *key : object
        Seeds of the order; their ``repr`` counts.
    """
    return sorted(several, key=lambda sources: (stable_hash(*key, _id(sources)), _id(sources)))


def combine(pools: Sequence[Sequence[Record]], *key: object) -> list[Sources]:
    """Combine the records of several pools at random, each at most once.

    All pools are shuffled by a hash of `key` and the records' ids, and then zipped, so that there are as
    many combinations as the smallest pool has records. Two records of one group are never combined: a
    record whose partner would be of its own group takes the next partner that is free, or, at the end,
    exchanges partners with an earlier combination. Records that still have no partner are left out; for two
    pools of records with one group each, the number of pairs is the maximum.

    Parameters
    ----------
    pools : sequence of sequence of Record
        The records of each class, none in two.
    *key : object
        Seeds of the shuffle; their ``repr`` counts.

    Returns
    -------
    list of tuple of Record
        One record of each pool in each, in the order of the pools.
    """
    first, *others = pools
    combined: list[Sources] = [(record,) for record in first]
    for number, pool in enumerate(others, start=1):
        combined = _extend(combined, pool, key, number)
    return combined


def _extend(
    combined: Sequence[Sources], pool: Sequence[Record], key: Sequence[object], number: int
) -> list[Sources]:
    """Add one record of a pool to each combination."""
    free = deque(record for (record,) in shuffled(((record,) for record in pool), *key, number))
    extended: list[Sources] = []
    left: list[Sources] = []
    hopeless: set[frozenset[str]] = (
        set()
    )  # `free` only shrinks: a combination without a partner now never finds one
    for sources in shuffled(combined, *key, 0):
        groups = _groups(sources)
        partner = None if groups in hopeless else _take(free, groups)
        if partner is not None:
            extended.append((*sources, partner))
        else:
            hopeless.add(groups)
            left.append(sources)
    for sources, partner in zip(left, free, strict=False):
        if not _exchange(extended, sources, partner):
            break
    return extended


def _id(sources: Sources) -> str:
    return "\0".join(record.id for record in sources)


def _groups(sources: Sources) -> frozenset[str]:
    return frozenset().union(*map(groups_of, sources))


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


def _exchange(extended: list[Sources], sources: Sources, partner: Record) -> bool:
    """Break up one combination, such that its records can be combined with two that share a group."""
    ours, theirs = _groups(sources), groups_of(partner)
    for i, (*others, last) in enumerate(extended):
        if ours.isdisjoint(groups_of(last)) and theirs.isdisjoint(_groups(tuple(others))):
            extended[i] = (*others, partner)
            extended.append((*sources, last))
            return True
    return False
