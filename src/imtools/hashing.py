"""Random choices made by hashes: equal on all machines and versions, in whatever order they are made."""

from __future__ import annotations

import hashlib


def stable_hash(*key: object) -> str:
    """Return 64 hexadecimal digits that depend on the key alone, by the ``repr`` of its parts."""
    return hashlib.sha256("\0".join(map(repr, key)).encode("utf-8", "surrogateescape")).hexdigest()


def uniform(*key: object) -> float:
    """Return a number from 0 to below 1 that depends on the key alone."""
    return int(stable_hash(*key)[:13], 16) / 16**13


def below(count: int, *key: object) -> int:
    """Return an integer from 0 to below a count that depends on the key alone."""
    return int(stable_hash(*key), 16) % count
