"""The interface of layouts: entries, cheap to list, that become records when their audio is probed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..audio import stream
from ..audio.load import probe_to_load
from ..errors import AudioError, ManifestError
from ..hashing import file_sha256, text_sha256
from ..manifest import Label, Record
from ..manifest.values import Json
from ..units import samples_to_seconds, seconds_to_samples


@dataclass(frozen=True, slots=True)
class Entry:
    """What the names and tables of a data set state about one audio file, before anything is decoded.

    Attributes
    ----------
    id : str
        The record's id.
    audio : str
        The file, absolute or relative to the working directory.
    labels, labels_complete, groups, split, fold, genre, source, extra
        As in `Record`. Without ``groups`` the file is a recording of its own.
    problem : str or None
        Why there can be no record, naming the file (and line) at fault: the item fails, others go on.
    """

    id: str
    audio: str
    labels: list[Label] = field(default_factory=list)
    labels_complete: bool = False
    groups: list[str] = field(default_factory=list)
    split: str | None = None
    fold: int | None = None
    genre: str | None = None
    source: dict[str, Json] = field(default_factory=dict)
    extra: dict[str, Json] = field(default_factory=dict)
    problem: str | None = None

    def renamed(self, id: str) -> Entry:
        """Return the entry under another id."""
        return replace(self, id=id)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files and tables of one data set lie on a disk.

    Attributes
    ----------
    name : str
        Its name.
    summary : str
        One line for the list of layouts.
    matches : callable
        Whether a path looks like this layout, judged by a few names: nothing is decoded.
    entries : callable
        Yields an entry for each audio file, always in the same order. A file that only a table mentions
        and one that no table mentions have an entry too: the first fails when it is probed, the second
        carries a problem. A table that cannot be read is a ManifestError naming the line at fault.
    convert : callable or None
        For files that hold features instead of audio: writes them into a folder (second argument) and
        yields their records.
    """

    name: str
    summary: str
    matches: Callable[[Path], bool]
    entries: Callable[[Path], Iterator[Entry | Record]]
    convert: Callable[[Path, Path], Iterator[Record]] | None = None


def complete(entry: Entry, *, checksum: bool = False) -> Record:
    """Make the record of an entry by probing its file.

    Parameters
    ----------
    entry : Entry
        From a layout.
    checksum : bool
        Also read the whole file and note its SHA-256 in ``source``.

    Returns
    -------
    Record
        Of the whole file, at its own sampling rate.

    Raises
    ------
    ManifestError
        If the entry carries a problem.
    AudioError
        If the file is missing, empty, truncated, or no audio.
    """
    if entry.problem is not None:
        raise ManifestError(entry.problem, "fix the data set or leave this file out")
    info = probe_to_load(entry.audio)
    source = entry.source | ({"sha256": _sha256(entry.audio)} if checksum else {})
    return Record(
        id=entry.id,
        audio=entry.audio,
        start=0.0,
        duration=samples_to_seconds(info.num_samples, info.sampling_rate),
        sampling_rate=info.sampling_rate,
        num_samples=info.num_samples,
        groups=entry.groups or [entry.id],
        split=entry.split,
        fold=entry.fold,
        genre=entry.genre,
        labels=entry.labels,
        labels_complete=entry.labels_complete,
        source=source,
        extra=entry.extra,
    )


def _sha256(path: str) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror})", "check its permissions") from None


def check(record: Record) -> None:
    """Decode a record's file from beginning to end, in constant memory; nothing if it names none.

    Raises
    ------
    AudioError
        If the file does not decode to its end, holds a sample that is NaN or infinite, or ends before
        the part that the record stands for.
    """
    if record.audio is None:
        return
    rate = record.sampling_rate
    decoded = sum(block.shape[1] for block in stream(record.audio, rate, mono=False))
    end = seconds_to_samples(record.start + record.duration - record.padding, rate)
    # Start and length are rounded one by one, at this rate and before at the file's.
    if decoded < end - 2:
        what = f"{decoded} samples decode where {end} are expected"
        raise AudioError(f"{record.audio}: {what}", "fetch the file again, or index it anew")


def with_strays(
    entries: Iterable[Entry], files: Iterable[Path], table: Path, dataset: str
) -> Iterator[Entry]:
    """Yield the entries of a table together with the audio files that it does not mention.

    Parameters
    ----------
    entries : iterable of Entry
        One for each row, whether or not its file exists.
    files : iterable of Path
        The audio files on the disk.
    table : Path
        To name in the problem that a file without a row has.
    dataset : str
        First part of the ids of such files.

    Yields
    ------
    Entry
        Sorted by the bytes of their paths.
    """
    found = {entry.audio: entry for entry in entries}
    for path in map(str, files):
        if path not in found:
            stray = text_sha256(path)[:16]
            found[path] = Entry(f"{dataset}/stray-{stray}", path, problem=f"{path}: is not in {table}")
    for path in sorted(found, key=os.fsencode):
        yield found[path]


_SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def split_named(name: str) -> str | None:
    """Return ``"train"``, ``"validation"`` or ``"test"`` for a data set's own word, or ``None``."""
    return _SPLITS.get(name.lower())
