"""Manifests as input: those of imtools pass through, other JSON lines with paths and labels are read."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import ManifestError
from ..manifest import Label, Record, make_id, unique_ids
from ..manifest.stream import read_lines
from ..manifest.values import Json, load_json
from .base import Entry, Layout, split_named
from .recordings import recording_group

MANIFEST_NAME = "manifest.jsonl"

_READ_COLUMNS = {"path", "group", "recording", "licence", "license", "original_path"}
_PROBED_COLUMNS = {"seconds"}  # probing gives it exactly, as it does ``sampling_rate`` and others
_RECORD_FIELDS = {field.name for field in fields(Record)}
_NOT_EXTRA = _READ_COLUMNS | _PROBED_COLUMNS | _RECORD_FIELDS


def matches(root: Path) -> bool:
    """Whether the name is that of a manifest, or a folder has one."""
    return root.name.endswith((".jsonl", ".jsonl.gz")) or (root / MANIFEST_NAME).is_file()


def entries(root: Path) -> Iterator[Entry | Record]:
    """Yield records of imtools as they are, and an entry for each line of other manifests.

    Keys of a line that is not ours: ``path`` (relative to the manifest), ``labels`` (strings; complete
    unless ``labels_complete`` is false), ``source`` (name of the data set), ``original_path``, ``licence``
    or ``license``, ``groups``, ``group`` or ``recording``, ``split``, ``fold``, ``genre``. Without groups,
    `recording_group` derives them from ``source``, ``kind``, labels and name. What a record measures
    itself, such as ``sampling_rate``, is left out; all else passes through.
    """
    path = root / MANIFEST_NAME if root.is_dir() else root
    first = next(_objects(path), None)
    if first is not None and str(first[1].get("schema", "")).startswith("imtools/"):
        yield from _own(path)
    else:
        yield from _foreign(path)


def _own(path: Path) -> Iterator[Entry | Record]:
    for where, record in read_lines(path):
        if isinstance(record, Record):
            yield record
        else:
            yield Entry(make_id(where), str(path), problem=record.message)


def _foreign(path: Path) -> Iterator[Entry]:
    lines: dict[str, tuple[str, dict[str, Json]]] = {}
    for where, row in _objects(path):
        name = os.path.normpath(_typed(row, "path", str, where) or "")
        if name == ".":
            raise ManifestError(f"{where}: has no 'path'", "each line must name an audio file")
        if name in lines:
            raise ManifestError(f"{where}: {name} is listed a second time", "drop the repetition")
        lines[name] = where, row
    ids = unique_ids([Path(name) for name in lines])
    for (name, (where, row)), id in zip(lines.items(), ids, strict=True):
        yield _entry(id.lstrip("/"), path.parent / name, row, where)


def _entry(id: str, audio: Path, row: dict[str, Json], where: str) -> Entry:
    if row.get("start"):
        hint = "list whole files and cut them with im-segment, or write a manifest of imtools"
        raise ManifestError(f"{where}: names a part of a file ('start')", hint)
    labels = _strings(row, "labels", where)
    dataset, kind = _typed(row, "source", str, where), _typed(row, "kind", str, where)
    groups = [group for key in ("groups", "group", "recording") for group in _strings(row, key, where)]
    if not groups and dataset is not None:
        derived = recording_group(dataset, kind, labels, audio.stem)
        groups = [] if derived is None else [derived]
    complete = _typed(row, "labels_complete", bool, where)
    split = _typed(row, "split", str, where)
    source = {
        "dataset": dataset,
        "audio": _typed(row, "original_path", str, where) or row["path"],
        "license": _typed(row, "license", str, where) or _typed(row, "licence", str, where),
    }
    return Entry(
        id,
        str(audio),
        labels=[Label(label) for label in labels],
        labels_complete=bool(labels) if complete is None else complete,
        groups=groups,
        split=None if split is None else split_named(split) or split,
        fold=_typed(row, "fold", int, where),
        genre=_typed(row, "genre", str, where),
        source={key: value for key, value in source.items() if value is not None},
        extra={key: value for key, value in row.items() if key not in _NOT_EXTRA},
    )


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Json]]]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield f"{path}:{number}", _object(line, f"{path}:{number}")
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ManifestError(f"{path}: cannot be read ({reason})", "check the path") from None


def _object(line: bytes, where: str) -> dict[str, Json]:
    hint = "each line must hold one JSON object"
    try:
        row = load_json(line)
    except ValueError as error:
        raise ManifestError(f"{where}: not valid JSON ({error})", hint) from None
    if not isinstance(row, dict):
        raise ManifestError(f"{where}: is not a JSON object", hint)
    return row


def _typed(row: dict[str, Json], key: str, kind: type, where: str) -> Any:
    value = row.get(key)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise ManifestError(f"{where}: key {key!r} is {value!r}", f"it must be of type {kind.__name__}")
    return value


def _strings(row: dict[str, Json], key: str, where: str) -> list[str]:
    value = row.get(key)
    values = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise ManifestError(f"{where}: key {key!r} is {value!r}", "it must be a string or a list of strings")
    return list(dict.fromkeys(values))


LAYOUT = Layout("manifest", "a manifest: ours, or other JSON lines with 'path', 'labels'", matches, entries)
