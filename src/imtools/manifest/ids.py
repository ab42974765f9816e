"""Record ids: deterministic, unique, sortable, and made of ``[A-Za-z0-9_/-]`` only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from ..hashing import text_sha256

_INVALID = re.compile(r"[^A-Za-z0-9_/-]+")
_FIT = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")


def make_id(name: str) -> str:
    """Return an id for a name; names that differ get ids that differ.

    Parameters
    ----------
    name : str
        Any non-empty string, such as a path without its extension; undecodable bytes as surrogates.

    Returns
    -------
    str
        The name itself where it consists of id characters; otherwise every run of other characters becomes
        ``-`` and eight hexadecimal digits of the name's SHA-256 follow, so that ``a b`` and ``a,b`` stay
        apart.
    """
    if _FIT.fullmatch(name):
        return name
    digest = text_sha256(name)[:8]
    slug = re.sub("/{2,}", "/", _INVALID.sub("-", name)).strip("-/")
    return f"{slug}-{digest}" if slug else digest


def unique_ids(paths: Sequence[PurePath], prefix: str = "") -> list[str]:
    """Return one id for each relative path, without extensions where that leaves no doubt.

    Parameters
    ----------
    paths : sequence of PurePath
        Relative paths, each once.
    prefix : str
        Put before each id, with a ``/``.

    Returns
    -------
    list of str
        ``a/b`` for ``a/b.wav``; ``a/b-wav`` and ``a/b-flac`` where both lie side by side.
    """
    stems = [str(path.with_suffix("")) if path.suffix else str(path) for path in paths]
    counts = Counter(stems)
    names = [
        stem if counts[stem] == 1 else f"{stem}-{path.suffix[1:]}"
        for path, stem in zip(paths, stems, strict=True)
    ]
    # A file that is really called ``b-wav.ogg`` may stand beside ``b.wav`` and ``b.flac``.
    taken = Counter(names)
    unique = [
        name if taken[name] == 1 else f"{name}.{path.suffix}"  # the dot makes make_id add a digest
        for path, name in zip(paths, names, strict=True)
    ]
    return [f"{prefix}/{make_id(name)}" if prefix else make_id(name) for name in unique]
