"""What callers of the API may give: a record, an audio file, an array; or several of these.

Arrays of samples have shape ``(num_samples,)`` or ``(channels, num_samples)``; full scale is 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import UsageError
from ..layouts import Entry, complete, detect, file_entries
from ..manifest import Record, read_manifest
from ..sound.array import ArrayFile

Source = Record | str | os.PathLike[str] | tuple[ArrayLike, int]
"""A record; the path of an audio file; or samples with their sampling rate in Hz."""


def open_source(source: Source | Entry) -> tuple[Record, ArrayFile | None]:
    """Return the record of a source, and where to read its samples if that is not a file.

    Parameters
    ----------
    source : Record, path, tuple of (array_like, int), or Entry
        A record with audio or a recipe; the path of an audio file, which is probed; or samples of shape
        ``(num_samples,)`` or ``(channels, num_samples)`` with their sampling rate in Hz. An entry is what
        `expand_source` yields for a file of a folder.

    Returns
    -------
    record : Record
        Of the whole source, at its own sampling rate. An array's has the id ``"array"`` and no ``audio``.
    file : ArrayFile or None
        To be passed on with the record as ``file``, to `load_sound`, `RecordReader`, `cut_windows` and
        `cut_stream_windows`.

    Raises
    ------
    AudioError
        If the file cannot be decoded, or there are no samples.
    UsageError
        If the source is nothing of these, or the array or its rate are not as `ArrayFile` takes them.

    Examples
    --------
    >>> record, file = open_source((np.zeros(22050), 22050))
    >>> record.duration, record.audio, file.channels
    (1.0, None, 1)
    """
    if isinstance(source, Record):
        return source, None
    if isinstance(source, Entry):
        return complete(source), None
    if isinstance(source, str | os.PathLike):
        (entry,) = file_entries([Path(source)])
        return complete(entry), None
    if isinstance(source, tuple) and len(source) == 2:
        file = ArrayFile(*source)
        return file.record(), file
    raise _no_source(source)


def is_several(source: Source | Iterable[Source]) -> bool:
    """Return whether a source is an iterable of sources, and not a single one.

    Parameters
    ----------
    source : object
        What a caller gives: a path, samples with their sampling rate, a record, or several of these.

    Raises
    ------
    UsageError
        If it is none of these, or a folder or manifest, which has to stand in a list.

    Examples
    --------
    >>> is_several("song.mp3"), is_several(["song.mp3"]), is_several((np.zeros(8), 8000))
    (False, True, False)
    """
    if isinstance(source, str | os.PathLike):
        kind = "a manifest" if _is_manifest(source) else "a folder" if os.path.isdir(source) else None
        if kind is not None:
            raise UsageError(f"{os.fspath(source)}: is {kind}", "pass a list of sources, which may hold it")
        return False
    if isinstance(source, Record) or _is_array(source):
        return False
    if isinstance(source, Iterable) and not isinstance(source, np.ndarray):
        return True
    raise _no_source(source)


def expand_source(source: Source) -> Iterator[Source | Entry]:
    """Yield what one source of a list stands for: folders and manifests are listed, nothing is decoded.

    Parameters
    ----------
    source : path, (array_like, int) or Record
        Also a folder of audio files (in any layout), or a manifest.

    Yields
    ------
    Source or Entry
        An entry for each file of a folder; see `open_source`.

    Raises
    ------
    ManifestError
        If a manifest cannot be read, or a folder holds no audio.
    """
    if isinstance(source, str | os.PathLike) and _is_manifest(source):
        yield from read_manifest(source)
    elif isinstance(source, str | os.PathLike) and os.path.isdir(source):
        yield from detect(Path(source)).entries(Path(source))
    else:
        yield source


def source_name(source: Source | Entry) -> str:
    """Return what to call a source in messages: its path, the id of a record, or ``"array"``."""
    if isinstance(source, Entry):
        return source.audio
    if isinstance(source, Record):
        return source.id
    return os.fspath(source) if isinstance(source, str | os.PathLike) else "array"


def _is_array(source: Any) -> bool:
    """Return whether a source is samples with their sampling rate, and not two sources."""
    if not isinstance(source, tuple) or len(source) != 2:
        return False
    return not isinstance(source[0], str | os.PathLike | Record) and np.ndim(source[1]) == 0


def _is_manifest(path: str | os.PathLike[str]) -> bool:
    return os.fspath(path).endswith((".jsonl", ".jsonl.gz"))


def _no_source(source: object) -> UsageError:
    what = f"a source must be a path, (samples, sampling_rate) or a record, not {type(source).__name__}"
    return UsageError(what, "pass samples together with their sampling rate")
