"""Arranging: which records sound together in which mix."""

from __future__ import annotations

import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import ImtoolsWarning, UsageError
from ..hashing import stable_hash
from ..manifest import Record
from .pairing import Sources, combine

Combination = tuple[str, ...]
"""Classes that sound together, sorted."""

Compartment = tuple[str | None, int | None, Hashable]
"""Split, fold and bucket: records of one place may meet."""


@dataclass(frozen=True, slots=True)
class Compatibility:
    """What records must share in order to meet.

    Attributes
    ----------
    bucket : callable
        Gives a record's bucket; records with ``None`` meet nobody.
    needs : str
        What a record without a bucket lacks, with its article: "a genre".
    """

    bucket: Callable[[Record], Hashable | None]
    needs: str


@dataclass(frozen=True, slots=True)
class PlannedMix:
    """Records that are to be mixed.

    Attributes
    ----------
    kind : str
        Which meetings it is one of, such as ``"cel-flu"``; part of the mix's id.
    number : int
        Its place among those.
    party : tuple of Record
        What sounds, sorted by class; nothing in silence.
    like : Record
        A record of the same place: what silence takes its length, rate, split and fold from.
    """

    kind: str
    number: int
    party: Sources
    like: Record


class SourcePool:
    """The single-label records, sorted by where they may be used and by class.

    Parameters
    ----------
    records : iterable of Record
        In any order. Records with several present labels, or none, take no part.
    conditions : sequence of Compatibility
        What records must share beside split and fold.

    Attributes
    ----------
    places : dict of Place to dict of str to list of Record
        Sorted by place; the records of each class sorted by id.
    classes : list of str
        All classes, sorted.

    Raises
    ------
    UsageError
        If no record can take part.

    Warns
    -----
    ImtoolsWarning
        If records take no part: because they have several labels or none, or no audio, or lack what a
        condition needs.
    """

    def __init__(self, records: Iterable[Record], conditions: Sequence[Compatibility] = ()) -> None:
        places: dict[Compartment, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        lacking: dict[str, int] = defaultdict(int)
        count = singles = silent = outside = 0
        for record in records:
            count += 1
            present = record.present_labels()
            if len(present) != 1:
                continue
            singles += 1
            if record.audio is None and not record.mix:
                silent += 1
                continue
            buckets = [condition.bucket(record) for condition in conditions]
            missing = [one.needs for one, bucket in zip(conditions, buckets, strict=True) if bucket is None]
            if missing:
                outside += 1
                lacking[missing[0]] += 1
            else:
                places[record.split, record.fold, tuple(buckets)][present[0]].append(record)
        if not count:
            raise UsageError("there are no records to mix", "check the input and --where")
        if not singles:
            what = f"none of {count} records has a single label"
            raise UsageError(what, "give single-instrument recordings with labels")
        if silent == singles:
            raise UsageError("no record has audio to mix", "mix before making features")
        if outside == singles - silent:
            needs = " or ".join(lacking)
            raise UsageError(f"no record has {needs}, within which to mix", "mix without that condition")
        _warn(count - singles, count, "do not have a single label")
        _warn(silent, singles, "have features only, no audio,")
        for needs, number in lacking.items():
            _warn(number, singles, f"lack {needs}")
        self.places = {
            place: {name: sorted(pool, key=lambda record: record.id) for name, pool in classes.items()}
            for place, classes in sorted(places.items(), key=lambda item: repr(item[0]))
        }
        self.classes = sorted({name for classes in places.values() for name in classes})


def _warn(number: int, of: int, why: str) -> None:
    if number:
        message = f"{number} of {of} records {why} and take no part in mixes"
        warnings.warn(ImtoolsWarning(message), stacklevel=4)


def arrange_combinations(
    material: SourcePool,
    *,
    combinations: Literal["all"] | Sequence[Combination] = "all",
    voices: int = 2,
    limit: int | None = None,
    seed: int = 0,
) -> list[PlannedMix]:
    """Let every combination of classes meet.

    For each, records of its classes are brought together at random, without repetition
    (`combine`), so that it gets as many mixes as its smallest class has records (Kratimenos et al.
    2020, section III.B.1). Records meet only within one place, and never within one group.

    Parameters
    ----------
    material : SourcePool
        The records.
    combinations : "all" or sequence of tuple of str
        Which classes to mix; 11 classes make 55 pairs. The order within one means nothing.
    voices : int
        How many classes a combination has, if it is all of them.
    limit : int, optional
        The most mixes that a combination gets, chosen at random.
    seed : int
        Another seed, other partners.

    Returns
    -------
    list of PlannedMix
        In the order of the combinations.

    Raises
    ------
    UsageError
        If an argument or the material allows no mix.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"at most {limit} mixes: nothing to do", "give a limit of at least 1")
    if combinations == "all":
        if voices < 2:
            raise UsageError(f"{voices} voices make no mix", "give at least 2")
        if voices > len(material.classes):
            there = ", ".join(material.classes)
            raise UsageError(
                f"{voices} voices take {voices} classes, and these are there: {there}",
                "give records of more classes",
            )
        wanted: list[Combination] = list(itertools.combinations(material.classes, voices))
    else:
        wanted = _checked(material, combinations)
    meetings = []
    for names in wanted:
        met = [
            party
            for place, pools in material.places.items()
            if all(name in pools for name in names)
            for party in combine([pools[name] for name in names], seed, names, place)
        ]
        if limit is not None and len(met) > limit:
            digests = [stable_hash(seed, "limit", *(record.id for record in party)) for party in met]
            chosen = sorted(range(len(met)), key=digests.__getitem__)[:limit]
            met = [met[i] for i in sorted(chosen)]
        kind = "-".join(names)
        meetings += [PlannedMix(kind, number, party, party[0]) for number, party in enumerate(met)]
    if not meetings:
        raise UsageError(
            "no records can be mixed",
            "partners must be of one split and fold and of different recordings",
        )
    return meetings


def _checked(material: SourcePool, combinations: Sequence[Combination]) -> list[Combination]:
    """Return the wanted combinations, each sorted and once, in order."""
    for names in combinations:
        if missing := {*names} - {*material.classes}:
            raise UsageError(
                f"no single-label record of class {', '.join(sorted(missing))}",
                f"choose from {', '.join(material.classes)}",
            )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"class {twice} cannot be mixed with itself", "give classes that differ")
        if len(names) < 2:
            raise UsageError(f"class {names[0]} alone makes no mix", "give at least two classes")
    return sorted({tuple(sorted(names)) for names in combinations})
