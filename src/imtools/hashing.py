"""Hashes: fingerprints of files and texts, and random choices that are equal on all machines and versions.

A choice depends on its key alone, not on the order in which choices are made.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple


class FileState(NamedTuple):
    """The system's data about a file: as long as they stay the same, so does the content."""

    device: int
    inode: int
    size: int
    modified: int
    """Nanoseconds."""


def file_state(path: str | os.PathLike[str]) -> FileState | None:
    """Return the state of a file, or ``None`` if there is no such file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's content in hexadecimal digits.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, undecodable bytes as they were, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def stable_hash(*key: object) -> str:
    """Return 64 hexadecimal digits that depend on the key alone, by the ``repr`` of its parts."""
    return text_sha256("\0".join(map(repr, key)))


def uniform(*key: object) -> float:
    """Return a number from 0 to below 1 that depends on the key alone."""
    return int(stable_hash(*key)[:13], 16) / 16**13


def below(count: int, *key: object) -> int:
    """Return an integer from 0 to below a count that depends on the key alone.

    Parameters
    ----------
    count : int
        How many integers there are to choose from.
    *key : object
        What the choice depends on, by the ``repr`` of its parts.

    Examples
    --------
    >>> below(6, "die", 1) == below(6, "die", 1)
    True
    """
    return int(stable_hash(*key), 16) % count
