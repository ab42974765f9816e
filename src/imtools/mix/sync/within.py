"""Mixing within one value of a key; similar-genre mixing is one case of it."""

from __future__ import annotations

import json

from ...manifest import Record
from ..arrange import Compatibility
from .base import Sync


class Within(Sync):
    """Mix only records that have the same value of a key; those without one are left out.

    Parameters
    ----------
    key : str
        A dotted key of the record, such as ``"source.dataset"``.
    """

    name = "within"

    def __init__(self, key: str) -> None:
        self._key = key
        self._needs = f"a value of {key!r}"

    @property
    def compatibility(self) -> Compatibility:
        """The value of the key."""
        return Compatibility(self._bucket, self._needs)

    def _bucket(self, record: Record) -> str | None:
        value = record.get(self._key)
        return None if value is None else json.dumps(value, sort_keys=True)


class GenreSync(Within):
    """Similar-genre mixing (Kratimenos et al. 2020, section III.B.4)."""

    name = "genre"

    def __init__(self) -> None:
        super().__init__("genre")
        self._needs = "a genre"
