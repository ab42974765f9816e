"""NSynth (Engel et al., ICML 2017): single notes of 4 s with family, pitch and velocity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ManifestError
from ..manifest import Label, make_id
from .base import Entry, Layout, split_named, with_strays
from .tree import audio_files, subfolders

TABLE = "examples.json"
LICENSE = "CC-BY-4.0"

_KEYS = {
    "instrument_str": str,
    "instrument_family_str": str,
    "instrument_source_str": str,
    "pitch": int,
    "velocity": int,
    "qualities_str": list,
}
_HINT = "fetch the file again"


def matches(root: Path) -> bool:
    """Whether there is an ``examples.json`` beside a folder ``audio``, here or one level below."""
    return bool(_parts(root))


def entries(root: Path) -> Iterator[Entry]:
    """Yield the notes of ``nsynth-train``, ``-valid`` or ``-test``, or of all below their parent.

    The families are the labels; the notes of one instrument are one group, and never in two splits.
    """
    parts = _parts(root)
    if not parts:
        raise ManifestError(f"{root}: holds no {TABLE} of NSynth", "give nsynth-train or its parent")
    for part in parts:
        table = part / TABLE
        notes = (_entry(part, name, note) for name, note in _read(table).items())
        yield from with_strays(notes, audio_files(part / "audio"), table, "nsynth")


def _parts(root: Path) -> list[Path]:
    candidates = (root, *subfolders(root))
    return [part for part in candidates if (part / TABLE).is_file() and (part / "audio").is_dir()]


def _read(table: Path) -> dict[str, Any]:
    try:
        with open(table, "rb") as stream:
            # Notes are reduced while they are parsed: the training set has 289205 of them.
            notes = json.load(stream, object_hook=_reduced)
    except OSError as error:
        raise ManifestError(f"{table}: cannot be read ({error.strerror})", "check its permissions") from None
    except json.JSONDecodeError as error:
        raise ManifestError(f"{table}:{error.lineno}: not valid JSON ({error.msg})", _HINT) from None
    except ValueError as error:
        raise ManifestError(f"{table}: not valid JSON ({error})", _HINT) from None
    if not isinstance(notes, dict):
        raise ManifestError(f"{table}: is not an object of notes", _HINT)
    return notes


def _reduced(pairs: dict[str, Any]) -> dict[str, Any]:
    return {key: pairs[key] for key in _KEYS if key in pairs} if "note_str" in pairs else pairs


def _entry(part: Path, name: str, note: Any) -> Entry:
    id, path = make_id(f"nsynth/{name}"), str(part / "audio" / f"{name}.wav")
    for key, kind in _KEYS.items():
        if not isinstance(note, dict) or not isinstance(note.get(key), kind):
            return Entry(id, path, problem=f"{part / TABLE}: note {name!r} has no valid {key!r}")
    return Entry(
        id,
        path,
        labels=[Label(note["instrument_family_str"])],
        labels_complete=True,
        groups=[f"nsynth/{note['instrument_str']}"],
        split=split_named(part.resolve().name.removeprefix("nsynth-")),
        source={"dataset": "nsynth", "audio": f"audio/{name}.wav", "license": LICENSE},
        extra={
            "pitch": note["pitch"],
            "velocity": note["velocity"],
            "instrument_source": note["instrument_source_str"],
            "qualities": note["qualities_str"],
        },
    )


LAYOUT = Layout(
    "nsynth", "NSynth (nsynth-{train,valid,test}: audio/, examples.json): families", matches, entries
)
