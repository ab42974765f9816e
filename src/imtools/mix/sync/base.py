"""What a synchronisation of mixes decides."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from ...manifest import Record
from ..recipe import MixTrack


class Sync:
    """Decides which records may meet in a mix, and how their tracks are made to fit each other.

    A subclass sets `name` and overrides what it does differently; it may keep what it finds out about a
    record, since one object serves a whole plan.
    """

    name: ClassVar[str]
    """Name on the command line and in the recipes."""
    needs: ClassVar[str] = ""
    """What a record must have to take part, with its article: "a genre"."""

    def bucket(self, record: Record) -> Hashable | None:
        """Return the bucket of a record; only records of one bucket meet, those with ``None`` never."""
        return ""

    def tracks(self, first: Record, second: Record) -> tuple[MixTrack, MixTrack]:
        """Return the tracks of a mix; it is the second that is fitted to the first."""
        return MixTrack.of(first), MixTrack.of(second)
