"""Who meets whom: random meetings without repetition (Kratimenos et al. 2020, section III.B.1)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from ..grouping import groups_of
from ..hashing import stable_hash
from ..manifest import Record

Sources = tuple[Record, ...]
"""Records that sound together, one of each class."""


def shuffled(parties: Iterable[Sources], *key: object) -> list[Sources]:
    """Return parties in an order that depends on the key and their ids alone."""
    return sorted(parties, key=lambda party: (stable_hash(*key, _id(party)), _id(party)))


def combine(pools: Sequence[Sequence[Record]], *key: object) -> list[Sources]:
    """Let records of several sets meet one by one, at random, each at most once.

    All sets are shuffled by a hash of `key` and the records' ids, which depends neither on their order nor
    on the version of a random generator, and then zipped, so that there are as many parties as the
    smallest set has records. Two records of one group never meet: a record that would meet its own takes
    the next partner that is free, or at the end changes partners with a party. Records for which that
    does not help are left out; of two sets of records with one group each, no pairing makes more pairs.

    Parameters
    ----------
    pools : sequence of sequence of Record
        The records of each class, none in two.
    key : objects
        Seeds of the shuffle; their ``repr`` counts.

    Returns
    -------
    list of tuple of Record
        One record of each set in each, in the order of the sets.
    """
    first, *others = pools
    parties: list[Sources] = [(record,) for record in first]
    for number, pool in enumerate(others, start=1):
        parties = _join(parties, pool, key, number)
    return parties


def _join(
    parties: Sequence[Sources], pool: Sequence[Record], key: Sequence[object], number: int
) -> list[Sources]:
    """Let each party meet one more record."""
    free = deque(record for (record,) in shuffled(((record,) for record in pool), *key, number))
    joined: list[Sources] = []
    left: list[Sources] = []
    hopeless: set[frozenset[str]] = set()  # `free` only shrinks: what finds no partner once never will
    for party in shuffled(parties, *key, 0):
        groups = _groups(party)
        partner = None if groups in hopeless else _take(free, groups)
        if partner is not None:
            joined.append((*party, partner))
        else:
            hopeless.add(groups)
            left.append(party)
    for party, partner in zip(left, free, strict=False):
        if not _exchange(joined, party, partner):
            break
    return joined


def _id(party: Sources) -> str:
    return "\0".join(record.id for record in party)


def _groups(party: Sources) -> frozenset[str]:
    return frozenset().union(*map(groups_of, party))


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


def _exchange(joined: list[Sources], party: Sources, partner: Record) -> bool:
    """Break up one party, such that its members can meet two that cannot meet each other."""
    ours, theirs = _groups(party), groups_of(partner)
    for i, (*others, last) in enumerate(joined):
        if ours.isdisjoint(groups_of(last)) and theirs.isdisjoint(_groups(tuple(others))):
            joined[i] = (*others, partner)
            joined.append((*party, last))
            return True
    return False
