"""Arranging by polyphony: so many mixes of every number of voices (Chen et al. 2024, section III.C)."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from ..errors import ImtoolsWarning, UsageError
from ..grouping import groups_of
from ..hashing import stable_hash
from ..manifest import Record
from .arrange import Compartment, PlannedMix, SourcePool
from .pairing import Sources, shuffled

_ATTEMPTS = 256
"""Choices of records that are tried before a combination of classes counts as used up."""


def arrange_levels(
    material: SourcePool, levels: Sequence[int], per_level: int, *, seed: int = 0
) -> list[PlannedMix]:
    """Let so many parties of each size meet, 0 (silence) included.

    The classes of a party differ and are chosen at random such that all of a level are heard equally
    often; their records come in a shuffled order and are used again only when all have had their turn. No
    two parties of the set are alike. The mixes of a level are dealt to the places (split, fold and bucket)
    that have enough classes.

    Parameters
    ----------
    material : SourcePool
        The records.
    levels : sequence of int
        Numbers of voices, each once.
    per_level : int
        Mixes of each level; fewer where no more can be told apart.
    seed : int
        Another seed, other parties.

    Returns
    -------
    list of PlannedMix
        Level by level; silence takes the length of the first record of its place.

    Raises
    ------
    UsageError
        If no place has the classes that a level takes.

    Warns
    -----
    ImtoolsWarning
        If a level gets fewer mixes than asked for.
    """
    if per_level < 1:
        raise UsageError(f"{per_level} mixes a level: nothing to do", "give at least 1")
    meetings: list[PlannedMix] = []
    for level in levels:
        kind = f"polyphony-{level:02d}"
        sources = {
            place: _parties(pools, level, (seed, level, place))
            for place, pools in material.places.items()
            if len(pools) >= level
        }
        if not sources:
            most = max(len(pools) for pools in material.places.values())
            raise UsageError(
                f"polyphony {level} takes {level} classes in one split and fold, and {most} are there",
                f"give --polyphony up to {most}",
            )
        found = _dealt(material, sources, per_level)
        if len(found) < per_level:
            message = f"polyphony {level}: only {len(found)} mixes differ, of {per_level} asked for"
            warnings.warn(ImtoolsWarning(message), stacklevel=2)
        meetings += [PlannedMix(kind, n, party, like) for n, (party, like) in enumerate(found)]
    return meetings


def _dealt(
    material: SourcePool, sources: Mapping[Compartment, Iterator[Sources]], count: int
) -> list[tuple[Sources, Record]]:
    """Take parties from the places by turns, as many as are wanted and there, and return them by place."""
    found: dict[Compartment, list[Sources]] = {place: [] for place in sources}
    turns = deque(sources)
    while turns and sum(map(len, found.values())) < count:
        place = turns.popleft()
        party = next(sources[place], None)
        if party is not None:
            found[place].append(party)
            turns.append(place)
    return [
        (party, party[0] if party else _first(material.places[place]))
        for place, parties in found.items()
        for party in parties
    ]


def _first(pools: Mapping[str, Sequence[Record]]) -> Record:
    return min((pool[0] for pool in pools.values()), key=lambda record: record.id)


def _parties(pools: Mapping[str, Sequence[Record]], level: int, key: tuple[object, ...]) -> Iterator[Sources]:
    """Yield different parties of so many classes, until none is found."""
    if level == 0:
        while True:
            yield ()
    if len({group for pool in pools.values() for one in pool for group in groups_of(one)}) < level:
        return  # there are not as many recordings as voices
    turns = {
        name: deque(record for (record,) in shuffled(((one,) for one in pool), *key, name))
        for name, pool in pools.items()
    }
    uses = dict.fromkeys(pools, 0)
    seen: set[frozenset[str]] = set()
    fruitless = number = 0
    while fruitless <= len(pools):
        digests = {name: stable_hash(*key, number, name) for name in pools}
        names = sorted(sorted(pools, key=lambda name: (uses[name], digests[name]))[:level])
        number += 1
        for name in names:
            uses[name] += 1
        party = _choose([turns[name] for name in names], seen)
        fruitless = 0 if party else fruitless + 1
        if party:
            seen.add(frozenset(record.id for record in party))
            yield party


def _choose(turns: Sequence[deque[Record]], seen: set[frozenset[str]]) -> Sources | None:
    """Take the next record of each class, of groups that differ, such that the party is a new one."""
    for attempt in range(min(_ATTEMPTS, max(map(len, turns)) * len(turns))):
        turns[attempt % len(turns)].rotate(-1 if attempt else 0)
        party: list[Record] = []
        groups: frozenset[str] = frozenset()
        for turn in turns:
            record = next((one for one in turn if groups.isdisjoint(groups_of(one))), None)
            if record is None:
                break
            party.append(record)
            groups |= groups_of(record)
        if len(party) == len(turns) and frozenset(record.id for record in party) not in seen:
            for turn, record in zip(turns, party, strict=True):
                turn.remove(record)
                turn.append(record)
            return tuple(party)
    return None
