"""Synchronisations of mixes, one module each."""

from __future__ import annotations

from ...errors import UsageError
from .base import Sync
from .genre import GenreSync
from .none import NoSync

SYNCS: dict[str, type[Sync]] = {sync.name: sync for sync in (NoSync, GenreSync)}
"""All synchronisations, by name."""


def get_sync(name: str) -> Sync:
    """Return a new synchronisation.

    Raises
    ------
    UsageError
        If there is none of this name.
    """
    if name not in SYNCS:
        raise UsageError(f"there is no synchronisation {name!r}", f"choose from {', '.join(SYNCS)}")
    return SYNCS[name]()


__all__ = ["SYNCS", "GenreSync", "NoSync", "Sync", "get_sync"]
