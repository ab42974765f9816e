"""Arranging by polyphony: a number of mixes for each number of voices (Chen et al. 2024, section III.C)."""

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
"""Maximum number of attempts to choose records before a combination of classes counts as exhausted."""


def arrange_levels(
    pool: SourcePool, levels: Sequence[int], per_level: int, *, seed: int = 0
) -> list[PlannedMix]:
    """Plan an equal number of mixes for each level of polyphony, 0 (silence) included.

    The classes of a mix differ and are chosen at random such that, within a level, all are used equally
    often; their records are taken in a shuffled order and reused only after all have been used. No
    two mixes of a level have the same records. The mixes of a level are spread over the compartments
    (split, fold and buckets) that have enough classes.

    Parameters
    ----------
    pool : SourcePool
        The records.
    levels : sequence of int
        Numbers of voices, each once.
    per_level : int
        Mixes of each level; fewer if there are not enough different ones.
    seed : int
        Seed of the random choices.

    Returns
    -------
    list of PlannedMix
        Level by level; silence takes the length of the first record of its compartment.

    Raises
    ------
    UsageError
        If no compartment has enough classes for a level.

    Warns
    -----
    ImtoolsWarning
        If a level gets fewer mixes than ``per_level``.
    """
    if per_level < 1:
        raise UsageError(f"{per_level} mixes a level: nothing to do", "give at least 1")
    planned: list[PlannedMix] = []
    for level in levels:
        sources = {
            compartment: _all_sources(pools, level, (seed, level, compartment))
            for compartment, pools in pool.compartments.items()
            if len(pools) >= level
        }
        if not sources:
            most = max(len(pools) for pools in pool.compartments.values())
            raise UsageError(
                f"polyphony {level} takes {level} classes in one split and fold, and there are only {most}",
                f"give `polyphony` up to {most}",
            )
        mixes = _dealt(pool, sources, per_level)
        if len(mixes) < per_level:
            message = f"polyphony {level}: only {len(mixes)} different mixes can be made, not {per_level}"
            warnings.warn(ImtoolsWarning(message), stacklevel=2)
        kind = f"polyphony-{level:02d}"
        planned += [PlannedMix(kind, n, records, template) for n, (records, template) in enumerate(mixes)]
    return planned


def _dealt(
    pool: SourcePool, sources: Mapping[Compartment, Iterator[Sources]], count: int
) -> list[tuple[Sources, Record]]:
    """Take sources from the compartments in turn, at most ``count``, and return them by compartment.

    Each comes with the template of its mix.
    """
    found: dict[Compartment, list[Sources]] = {compartment: [] for compartment in sources}
    turns = deque(sources)
    while turns and sum(map(len, found.values())) < count:
        compartment = turns.popleft()
        records = next(sources[compartment], None)
        if records is not None:
            found[compartment].append(records)
            turns.append(compartment)
    return [
        (records, records[0] if records else _first(pool.compartments[compartment]))
        for compartment, several in found.items()
        for records in several
    ]


def _first(pools: Mapping[str, Sequence[Record]]) -> Record:
    return min((pool[0] for pool in pools.values()), key=lambda record: record.id)


def _all_sources(
    pools: Mapping[str, Sequence[Record]], level: int, key: tuple[object, ...]
) -> Iterator[Sources]:
    """Yield different sources of ``level`` classes each, until no more are found."""
    if level == 0:
        while True:
            yield ()
    if len({group for pool in pools.values() for record in pool for group in groups_of(record)}) < level:
        return  # there are fewer recordings than voices
    turns = {
        name: deque(record for (record,) in shuffled(((record,) for record in pool), *key, name))
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
        sources = _choose([turns[name] for name in names], seen)
        fruitless = 0 if sources else fruitless + 1
        if sources:
            seen.add(frozenset(record.id for record in sources))
            yield sources


def _choose(turns: Sequence[deque[Record]], seen: set[frozenset[str]]) -> Sources | None:
    """Take the next record of each class, of different groups, such that they have not been chosen before."""
    for attempt in range(min(_ATTEMPTS, max(map(len, turns)) * len(turns))):
        turns[attempt % len(turns)].rotate(-1 if attempt else 0)
        sources: list[Record] = []
        groups: frozenset[str] = frozenset()
        for turn in turns:
            record = next((candidate for candidate in turn if groups.isdisjoint(groups_of(candidate))), None)
            if record is None:
                break
            sources.append(record)
            groups |= groups_of(record)
        if len(sources) == len(turns) and frozenset(record.id for record in sources) not in seen:
            for turn, record in zip(turns, sources, strict=True):
                turn.remove(record)
                turn.append(record)
            return tuple(sources)
    return None
