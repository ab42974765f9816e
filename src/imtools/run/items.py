"""What a command works on: one item for each record, audio file or fault among its inputs."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import ImtoolsError, ManifestError, UsageError
from ..layouts import Entry, complete, detect, file_entries, get_layout
from ..manifest import Record, dump_line, make_id
from ..manifest.stream import STDIN, read_lines
from ..manifest.values import Json

MANIFEST_NAME = "manifest.jsonl"
"""The manifest inside an output directory."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to process, and to account for in the end.

    Attributes
    ----------
    id : str
        Id of the record; of the place (``file:line``) where there is no record.
    value : Record, Entry or ImtoolsError
        A record; a file that has yet to be probed; or the reason why there is neither.
    audio : str or None
        The file to name in a failure record.
    """

    id: str
    value: Record | Entry | ImtoolsError
    audio: str | None = None

    def resolve(self) -> Record:
        """Return the record, probing the file if that has not been done (this reads from disk).

        Raises
        ------
        ImtoolsError
            If the item is a fault, or its file cannot be decoded.
        """
        if isinstance(self.value, ImtoolsError):
            raise self.value
        return complete(self.value) if isinstance(self.value, Entry) else self.value

    def digest(self) -> str:
        """Return a hash of the item and of its file's size and time of change.

        A journal holds it, so that a resumed run notices what has changed meanwhile.
        """
        match self.value:
            case Record():
                text = dump_line(self.value)
            case Entry():
                text = json.dumps(asdict(self.value), sort_keys=True, default=str)
            case error:
                text = str(error)
        files = [] if self.audio is None else [self.audio]
        if isinstance(self.value, Record):
            files += self.value.track_files()
        for path in files:
            try:
                status = os.stat(path)
                text += f"{status.st_size} {status.st_mtime_ns}"
            except (OSError, ValueError):
                text += "missing"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def record_items(records: Iterable[Record]) -> Iterator[Item]:
    """Yield an item for each record."""
    for record in records:
        yield Item(record.id, record, record.audio)


def read_items(inputs: Sequence[str], *, null: bool = False, layout: str | None = None) -> Iterator[Item]:
    """Yield the items of a command's INPUT arguments, in their order.

    Parameters
    ----------
    inputs : sequence of str
        Manifests (``.jsonl``, ``.jsonl.gz``), ``-``, audio files, output directories of other commands,
        and directories in a layout that is known. None at all means standard input.
    null : bool
        Whether standard input holds paths that are separated by NUL instead of a manifest.
    layout : str, optional
        Read every file and directory by this layout, ``"auto"`` to recognise it, instead of taking
        manifests at their word; what ``im-index`` does.

    Raises
    ------
    ManifestError
        If a manifest cannot be read or a directory has no known layout.
    """
    seen: set[str] = set()
    for item in _all_items(list(inputs) or [STDIN], null, layout):
        if item.id not in seen:
            seen.add(item.id)
            yield item
        elif isinstance(item.value, Entry):
            # Two roots may hold the same name: the second is told apart by where it lies.
            other = make_id(f"{item.id} {item.audio}")
            seen.add(other)
            yield Item(other, item.value.renamed(other), item.audio)
        else:
            hint = "ids must be unique: make one manifest with im-index, or drop the repetition"
            yield Item(
                f"{item.id}#2", ManifestError(f"id {item.id!r} appears a second time", hint), item.audio
            )


def chosen_items(items: Iterable[Item], where: Sequence[str]) -> Iterator[Item]:
    """Yield the items whose record has the wanted values; faults pass, so that none goes unnoticed.

    Parameters
    ----------
    items : iterable of Item
        All items.
    where : sequence of str
        ``"KEY=VALUE"``, with a dotted key for nested ones; a list matches if it holds the value.

    Raises
    ------
    UsageError
        If a condition has no ``=``.
    """
    conditions = []
    for text in where:
        key, separator, value = text.partition("=")
        if not separator:
            raise UsageError(
                f"--where {text}: has no '='", "write --where KEY=VALUE, such as --where split=test"
            )
        conditions.append((key, value))
    for item in items:
        if not conditions:
            yield item
            continue
        try:
            record = item.resolve()
        except ImtoolsError as error:
            yield Item(item.id, error, item.audio)
            continue
        if all(_matches(record.get(key), value) for key, value in conditions):
            yield Item(item.id, record, item.audio)


def _matches(found: Json, wanted: str) -> bool:
    if isinstance(found, list):
        return any(_matches(value, wanted) for value in found)
    if isinstance(found, dict):
        return _matches(found.get("label"), wanted)  # an entry of labels or predictions
    return found is not None and (found == wanted or json.dumps(found) == wanted)


def _all_items(inputs: list[str], null: bool, layout: str | None) -> Iterator[Item]:
    for name in inputs:
        if name == STDIN and null:
            paths = [os.fsdecode(path) for path in sys.stdin.buffer.read().split(b"\0") if path]
            yield from _all_items(paths, False, layout)
        elif name == STDIN:
            yield from _manifest_items(name)
        elif layout is not None:
            root = Path(name)
            chosen = detect(root) if layout == "auto" else get_layout(layout)
            yield from map(_entry_item, chosen.entries(root))
        elif name.endswith((".jsonl", ".jsonl.gz")):
            yield from _manifest_items(name)
        elif os.path.isdir(name):
            own = os.path.join(name, MANIFEST_NAME)
            if os.path.exists(own):
                yield from _manifest_items(own)
            else:
                root = Path(name)
                yield from map(_entry_item, detect(root).entries(root))
        else:
            yield from map(_entry_item, file_entries([Path(name)]))


def _manifest_items(name: str) -> Iterator[Item]:
    for where, record in read_lines(name):
        if isinstance(record, Record):
            yield Item(record.id, record, record.audio)
        else:
            yield Item(where, record)


def _entry_item(entry: Entry | Record) -> Item:
    if isinstance(entry, Record):
        return Item(entry.id, entry, entry.audio)
    return Item(entry.id, entry, str(entry.audio))
