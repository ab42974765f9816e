"""Planning: from single-label records to the recipes of mixes of every pair of classes."""

from __future__ import annotations

import itertools
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from ..errors import ImtoolsWarning, UsageError
from ..labels import PRESENT
from ..manifest import Label, Record, make_id, unique_groups
from ..manifest.values import Json
from ..units import samples_to_seconds, seconds_to_samples
from .overlay import headroom_db
from .pairing import pair_up, stable_hash
from .recipe import Recipe
from .sync import Sync, get_sync

ClassPair = tuple[str, str]


def plan(
    records: Iterable[Record],
    *,
    sync: str | Sync = "none",
    pairs: Literal["all"] | Sequence[ClassPair] = "all",
    limit: int | None = None,
    seed: int = 0,
    headroom: bool = True,
) -> list[Record]:
    """Plan the mixes of pairs of classes.

    For each pair of classes, the records that have one of the two as their only present label are paired
    at random, one by one, without repetition (`pair_up`), so that a pair gets as many mixes as its
    smaller class has records (Kratimenos et al. 2020, section III.B.1). Records meet only within one
    split, one fold and one bucket of the synchronisation, and never within one group.

    Parameters
    ----------
    records : iterable of Record
        The material, in any order. Records with several present labels, or none, take no part.
    sync : str or Sync
        How tracks are brought together: a name in `imtools.mix.sync.SYNCS`.
    pairs : "all" or sequence of (str, str)
        Which classes to mix; 11 classes make 55 pairs. The order within a pair means nothing: the first
        track is of the class that sorts first.
    limit : int, optional
        The most mixes that a pair gets, chosen at random.
    seed : int
        Another seed, other partners.
    headroom : bool
        Whether to lower each mix by ``20 log10(number of tracks)`` dB, so that tracks within full scale
        give a mix within full scale.

    Returns
    -------
    list of Record
        Recipes (``audio`` is ``None``) in a fixed order. A mix lasts as long as its shorter track, at the
        sampling rate of its first; it has the labels and groups of both.

    Raises
    ------
    UsageError
        If an argument or the material allows no mix.

    Warns
    -----
    ImtoolsWarning
        If records take no part because they lack what the synchronisation needs.
    """
    sync = get_sync(sync) if isinstance(sync, str) else sync
    if limit is not None and limit < 1:
        raise UsageError(f"at most {limit} mixes of a pair: nothing to do", "give a limit of at least 1")
    pools = _pools(records, sync)
    planned: list[Record] = []
    for first, second in _class_pairs(pools, pairs):
        met = [
            couple
            for bucket in sorted(pools[first].keys() & pools[second].keys(), key=repr)
            for couple in pair_up(pools[first][bucket], pools[second][bucket], seed, (first, second), bucket)
        ]
        if limit is not None and len(met) > limit:
            digests = {i: stable_hash(seed, "limit", a.id, b.id) for i, (a, b) in enumerate(met)}
            met = [met[i] for i in sorted(sorted(digests, key=digests.__getitem__)[:limit])]
        name = make_id(f"mix/{sync.name}/{first}-{second}")
        for number, (a, b) in enumerate(met):
            tracks = [*sync.tracks(a, b)]
            recipe = Recipe(sync.name, seed, tracks, headroom_db(len(tracks)) if headroom else 0.0)
            planned.append(_mixed([a, b], recipe, f"{name}/{number:05d}"))
    if not planned:
        raise UsageError(
            "no two records can be mixed",
            "partners must be of one split and fold and of different recordings",
        )
    return planned


def _pools(records: Iterable[Record], sync: Sync) -> dict[str, dict[object, list[Record]]]:
    """Sort the single-label records by class and bucket."""
    pools: dict[str, dict[object, list[Record]]] = defaultdict(lambda: defaultdict(list))
    singles = outside = 0
    for record in records:
        present = record.present_labels()
        if len(present) != 1:
            continue
        if record.audio is None and not record.mix:
            raise UsageError(f"record {record.id} has no audio to mix", "mix before making features")
        singles += 1
        bucket = sync.bucket(record)
        if bucket is None:
            outside += 1
        else:
            pools[present[0]][record.split, record.fold, bucket].append(record)
    if not singles:
        raise UsageError("no record has a single label", "give single-instrument recordings with labels")
    if outside == singles:
        raise UsageError(f"no record has {sync.needs}, which sync {sync.name!r} needs", "choose another sync")
    if outside:
        message = f"{outside} of {singles} records lack {sync.needs} and take no part in mixes"
        warnings.warn(ImtoolsWarning(message), stacklevel=3)
    return pools


def _class_pairs(classes: Iterable[str], pairs: Literal["all"] | Sequence[ClassPair]) -> list[ClassPair]:
    """Return the wanted pairs, each sorted and once, in order."""
    known = sorted(classes)
    if pairs == "all":
        return list(itertools.combinations(known, 2))
    for first, second in pairs:
        if missing := {first, second} - set(known):
            raise UsageError(
                f"no single-label record of class {', '.join(sorted(missing))}",
                f"choose from {', '.join(known)}",
            )
        if first == second:
            raise UsageError(f"class {first} cannot be mixed with itself", "give two classes")
    return sorted({(min(pair), max(pair)) for pair in pairs})


def _mixed(sources: Sequence[Record], recipe: Recipe, name: str) -> Record:
    """Return the record of a mix; of the sources it keeps what is true of all."""
    rate = recipe.tracks[0].record.sampling_rate
    num_samples = min(
        seconds_to_samples(track.offset, rate) + track.record.at_rate(rate).num_samples
        for track in recipe.tracks
    )
    content = [(track.record.id, track.offset, track.gain_db) for track in recipe.tracks]
    return Record(
        id=f"{name}-{stable_hash(recipe.sync, recipe.seed, recipe.gain_db, content)[:8]}",
        audio=None,
        start=0.0,
        duration=samples_to_seconds(num_samples, rate),
        sampling_rate=rate,
        num_samples=num_samples,
        groups=unique_groups(sources),
        split=sources[0].split,
        fold=sources[0].fold,
        genre=_common([record.genre for record in sources]),
        labels=_united_labels(sources),
        labels_complete=all(record.labels_complete for record in sources),
        source={
            key: value
            for key in ("dataset", "license")
            if (value := _common([record.source.get(key) for record in sources])) is not None
        },
        mix=recipe.to_json(),
    )


def _common(values: Sequence[Json]) -> Json:
    """Return the value that all agree on, or ``None``."""
    return values[0] if all(value == values[0] for value in values) else None


def _united_labels(sources: Sequence[Record]) -> list[Label]:
    """Return the labels of a mix: what is present in any source, and what is known to be absent from all."""
    united: list[Label] = []
    for name in sorted({label.label for record in sources for label in record.labels}):
        listed = [[x for x in record.labels if x.label == name] for record in sources]
        strongest = max(itertools.chain(*listed), key=lambda label: label.presence)
        known = all(found or record.labels_complete for found, record in zip(listed, sources, strict=True))
        if strongest.presence >= PRESENT or known:
            united.append(strongest)
    return united
