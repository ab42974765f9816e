"""Synchronisations of mixes, one module each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...choices import SYNCS
from ...errors import UsageError
from .base import Measure, MeasuringSync, NoSync, Sync
from .within import GenreSync, Within

if TYPE_CHECKING:
    from ..analyzer import RecordAnalyzer


def get_sync(name: str, analyzer: RecordAnalyzer | None = None, *, tempo_fold: bool = False) -> Sync:
    """Return a new synchronisation.

    Parameters
    ----------
    name : str
        One of `imtools.choices.SYNCS`.
    analyzer : RecordAnalyzer, optional
        Analyses the sound of records, for those that need it; a new one by default.
    tempo_fold : bool
        See `TempoSync`.

    Raises
    ------
    UsageError
        If there is no such synchronisation.
    """
    if name not in SYNCS:
        raise UsageError(f"there is no synchronisation {name!r}", f"choose from {', '.join(SYNCS)}")
    if name == "none":
        return NoSync()
    if name == "genre":
        return GenreSync()
    if analyzer is None:
        from ..analyzer import RecordAnalyzer

        analyzer = RecordAnalyzer()
    if name == "pitch":
        from .pitch import PitchSync

        return PitchSync(analyzer.f0)
    if name == "tempo":
        from .tempo import TempoSync

        return TempoSync(analyzer.tempo, fold=tempo_fold)
    from .key import KeySync

    return KeySync(analyzer.key)


def in_order(syncs: Sequence[Sync]) -> list[Sync]:
    """Return synchronisations in the order in which they are applied, without ``none``.

    Raises
    ------
    UsageError
        If two change the same property of a track.
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
