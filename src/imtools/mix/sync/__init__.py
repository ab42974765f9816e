"""Synchronisations of mixes, one module each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import UsageError
from .base import Measure, MeasuringSync, NoSync, Sync
from .within import GenreSync, Within

if TYPE_CHECKING:
    from ..analyzer import RecordAnalyzer

SYNCS = ("none", "genre", "pitch", "tempo", "key")
"""All synchronisations, by name."""


def get_sync(name: str, analyst: RecordAnalyzer | None = None, *, tempo_fold: bool = False) -> Sync:
    """Return a new synchronisation.

    Parameters
    ----------
    name : str
        One of `SYNCS`.
    analyst : RecordAnalyzer, optional
        Listens to records, for those that need it; a new one by default.
    tempo_fold : bool
        See `TempoSync`.

    Raises
    ------
    UsageError
        If there is none of this name.
    """
    if name not in SYNCS:
        raise UsageError(f"there is no synchronisation {name!r}", f"choose from {', '.join(SYNCS)}")
    if name == "none":
        return NoSync()
    if name == "genre":
        return GenreSync()
    if analyst is None:
        from ..analyzer import RecordAnalyzer

        analyst = RecordAnalyzer()
    if name == "pitch":
        from .pitch import PitchSync

        return PitchSync(analyst.f0)
    if name == "tempo":
        from .tempo import TempoSync

        return TempoSync(analyst.tempo, fold=tempo_fold)
    from .key import KeySync

    return KeySync(analyst.key)


def in_order(syncs: Sequence[Sync]) -> list[Sync]:
    """Return synchronisations in the order in which they work; ``none`` beside others is left out.

    Raises
    ------
    UsageError
        If two change the same of a track.
    """
    chain = sorted((sync for sync in syncs if sync.name != "none"), key=lambda sync: sync.order)
    for changed in {sync.changes for sync in chain if sync.changes}:
        rivals = [sync.name for sync in chain if sync.changes == changed]
        if len(rivals) > 1:
            raise UsageError(f"syncs {' and '.join(rivals)} both change the {changed}", "choose one of them")
    return chain


__all__ = [
    "SYNCS",
    "GenreSync",
    "Measure",
    "MeasuringSync",
    "NoSync",
    "Sync",
    "Within",
    "get_sync",
    "in_order",
]
