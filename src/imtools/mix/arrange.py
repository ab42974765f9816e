"""Arranging: choosing the records of each mix."""

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
"""Classes that are mixed together, sorted."""

Compartment = tuple[str | None, int | None, Hashable]
"""Split, fold and buckets: only records of one compartment are mixed."""


@dataclass(frozen=True, slots=True)
class Compatibility:
    """A property that records must share to be mixed.

    Attributes
    ----------
    bucket : callable
        Returns a record's bucket; records with ``None`` are not mixed at all.
    needs : str
        The property that a record without a bucket lacks, with its article: "a genre".
    """

    bucket: Callable[[Record], Hashable | None]
    needs: str


@dataclass(frozen=True, slots=True)
class PlannedMix:
    """Records that are to be mixed.

    Attributes
    ----------
    kind : str
        The kind of mix, such as ``"cel-flu"``; part of its id.
    number : int
        Its number among those, from 0.
    records : tuple of Record
        The sources, sorted by class; none for silence.
    template : Record
        A record of the same compartment: silence has its length and rate, every mix its split and fold.
    """

    kind: str
    number: int
    records: Sources
    template: Record


class SourcePool:
    """The single-label records, sorted by compartment and class.

    Parameters
    ----------
    records : iterable of Record
        In any order. Records with several present labels, or none, are left out.
    compatibilities : sequence of Compatibility
        Properties that records must share besides split and fold.

    Attributes
    ----------
    compartments : dict of Compartment to dict of str to list of Record
        Sorted; the records of each class sorted by id.
    classes : list of str
        All classes, sorted.

    Raises
    ------
    UsageError
        If no record can be used.

    Warns
    -----
    ImtoolsWarning
        If records are left out: because they have several labels or none, or no audio, or lack what a
        compatibility needs.
    """

    def __init__(self, records: Iterable[Record], compatibilities: Sequence[Compatibility] = ()) -> None:
        compartments: dict[Compartment, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
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
            buckets = [shared.bucket(record) for shared in compatibilities]
            pairs = zip(compatibilities, buckets, strict=True)
            missing = [shared.needs for shared, bucket in pairs if bucket is None]
            if missing:
                outside += 1
                lacking[missing[0]] += 1
            else:
                compartments[record.split, record.fold, tuple(buckets)][present[0]].append(record)
        if not count:
            raise UsageError("there are no records to mix", "check the input and what selects from it")
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
        self.compartments = {
            compartment: {name: sorted(pool, key=lambda record: record.id) for name, pool in classes.items()}
            for compartment, classes in sorted(compartments.items(), key=lambda item: repr(item[0]))
        }
        self.classes = sorted({name for classes in compartments.values() for name in classes})


def _warn(number: int, total: int, why: str) -> None:
    if number:
        message = f"{number} of {total} records {why} and are left out of the mixes"
        warnings.warn(ImtoolsWarning(message), stacklevel=4)


def arrange_combinations(
    pool: SourcePool,
    *,
    combinations: Literal["all"] | Sequence[Combination] = "all",
    voices: int = 2,
    limit: int | None = None,
    seed: int = 0,
) -> list[PlannedMix]:
    """Plan mixes of every combination of classes.

    For each, records of its classes are combined at random, without repetition (`combine`), so that it gets
    as many mixes as its smallest class has records (Kratimenos et al. 2020, section III.B.1). Records are
    mixed only within one compartment, and never within one group.

    Parameters
    ----------
    pool : SourcePool
        The records.
    combinations : "all" or sequence of tuple of str
        Which classes to mix; 11 classes make 55 pairs. Their order within a combination does not matter.
    voices : int
        How many classes a combination has, if it is all of them.
    limit : int, optional
        Maximum number of mixes of each combination, chosen at random.
    seed : int
        Seed of the random choices.

    Returns
    -------
    list of PlannedMix
        In the order of the combinations.

    Raises
    ------
    UsageError
        If an argument is out of range, or no records can be mixed.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"at most {limit} mixes: nothing to do", "give a limit of at least 1")
    if combinations == "all":
        if voices < 2:
            raise UsageError(f"{voices} voices are too few for a mix", "give at least 2")
        if voices > len(pool.classes):
            there = ", ".join(pool.classes)
            raise UsageError(
                f"{voices} voices take {voices} classes, and the records have only: {there}",
                "give records of more classes",
            )
        chosen: list[Combination] = list(itertools.combinations(pool.classes, voices))
    else:
        chosen = _checked(pool, combinations)
    planned = []
    for names in chosen:
        mixes = [
            sources
            for compartment, pools in pool.compartments.items()
            if all(name in pools for name in names)
            for sources in combine([pools[name] for name in names], seed, names, compartment)
        ]
        if limit is not None and len(mixes) > limit:
            digests = [stable_hash(seed, "limit", *(record.id for record in sources)) for sources in mixes]
            kept = sorted(range(len(mixes)), key=digests.__getitem__)[:limit]
            mixes = [mixes[i] for i in sorted(kept)]
        kind = "-".join(names)
        planned += [PlannedMix(kind, number, sources, sources[0]) for number, sources in enumerate(mixes)]
    if not planned:
        raise UsageError(
            "no records can be mixed",
            "partners must be of one split and fold and of different recordings",
        )
    return planned


def _checked(pool: SourcePool, combinations: Sequence[Combination]) -> list[Combination]:
    """Return combinations, each sorted and once, in order."""
    for names in combinations:
        if missing := {*names} - {*pool.classes}:
            raise UsageError(
                f"no single-label record of class {', '.join(sorted(missing))}",
                f"choose from {', '.join(pool.classes)}",
            )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"class {twice} cannot be mixed with itself", "give classes that differ")
        if len(names) < 2:
            raise UsageError(f"class {names[0]} alone is too few for a mix", "give at least two classes")
    return sorted({tuple(sorted(names)) for names in combinations})
