"""Similar-genre mixing (Kratimenos et al. 2020, section III.B.4)."""

from __future__ import annotations

from ...manifest import Record
from .base import Sync


class GenreSync(Sync):
    """Mix within one genre only; records without a genre take no part."""

    name = "genre"
    needs = "a genre"

    def bucket(self, record: Record) -> str | None:
        """Return the genre."""
        return record.genre
