"""The items of a command: one for each record, audio file or fault among its inputs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import ImtoolsError, ManifestError, UsageError
from ..hashing import file_state, text_sha256
from ..layouts import Entry, complete, detect, file_entries, get_layout
from ..manifest import Record, dump_line, make_id
from ..manifest.stream import STDIN, read_lines
from ..manifest.values import Json

MANIFEST_NAME = "manifest.jsonl"
"""The manifest inside an output directory."""
PART_NAME, JOURNAL_NAME = MANIFEST_NAME + ".part", "journal.jsonl"
"""Its name until the run has ended; a resumed run continues from it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to process, and to count in the final line.

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

    @property
    def place(self) -> str | None:
        """The source of its audio: consecutive items from one source are best read by one thread.

        Recipes count as one place: segments of one mix follow each other.
        """
        if self.audio is None and isinstance(self.value, Record) and self.value.mix:
            return "recipes"
        return self.audio

    def digest(self) -> str:
        """Return a hash of the item and of its files' sizes and modification times.

        It is stored in the journal, so that a resumed run notices changes.
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
            files += [ref.path for ref in self.value.features.values()]
        for path in files:
            now = file_state(path)
            text += "missing" if now is None else f"{now.size} {now.modified}"
        return text_sha256(text)[:16]


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
        and directories in a known layout. If empty, standard input.
    null : bool
        Whether standard input holds paths that are separated by NUL instead of a manifest.
    layout : str, optional
        Read every file and directory by this layout, ``"auto"`` to recognise it, instead of reading
        manifests as such; used by ``im-index``.

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
            # Two roots may contain the same name: the path of the second is added to its id.
            other = make_id(f"{item.id} {item.audio}")
            if other in seen:
                again = ManifestError(f"{item.audio}: is given more than once", "name each file once")
                yield Item(other, again, item.audio)
                continue
            seen.add(other)
            yield Item(other, item.value.renamed(other), item.audio)
        else:
            hint = "ids must be unique: make one manifest with im-index, or drop the repetition"
            yield Item(
                f"{item.id}#2", ManifestError(f"id {item.id!r} appears more than once", hint), item.audio
            )


def parse_conditions(where: Sequence[str]) -> list[tuple[str, str]]:
    """Return the key and the value of each ``"KEY=VALUE"``.

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
                f"`where` {text}: has no '='", "write `where=KEY=VALUE`, such as `where=split=test`"
            )
        conditions.append((key, value))
    return conditions


def chosen_items(items: Iterable[Item], conditions: Sequence[tuple[str, str]]) -> Iterator[Item]:
    """Yield the items whose record has the required values, and all faults, so that none goes unnoticed.

    Parameters
    ----------
    items : iterable of Item
        All items.
    conditions : sequence of (str, str)
        A dotted key and its value; a list matches if it holds the value.
    """
    if not conditions:
        yield from items
        return
    for item in items:
        try:
            record = item.resolve()
            wanted = all(_matches(record.get(key), value) for key, value in conditions)
        except ImtoolsError as error:
            yield Item(item.id, error, item.audio)
            continue
        if wanted:
            yield Item(item.id, record, item.audio)


def _matches(found: Json, wanted: str) -> bool:
    if isinstance(found, list):
        return any(_matches(value, wanted) for value in found)
    if isinstance(found, dict):
        return _matches(found.get("label"), wanted)  # an entry of labels or predictions
    return found is not None and (found == wanted or json.dumps(found) == wanted)


def _all_items(inputs: list[str], null: bool, layout: str | None) -> Iterator[Item]:
    for name in inputs:
        _check_finished(name)
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


def _check_finished(name: str) -> None:
    """Refuse an output directory whose run has not ended: its files are not yet a data set."""
    held = {other for other in (PART_NAME, JOURNAL_NAME) if os.path.exists(os.path.join(name, other))}
    if held and not os.path.exists(os.path.join(name, MANIFEST_NAME)):
        raise ManifestError(f"{name}: is unfinished", "run the command that makes it again, with `resume`")


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
