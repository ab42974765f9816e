"""Slakh2100 and BabySlakh (Manilow et al., WASPAA 2019): MIDI songs rendered with sample libraries.

Mixes and stems are two layouts: together they would hold all the music twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import ManifestError
from ..manifest import Label, make_id
from ..manifest.values import Json
from .base import Entry, Layout, split_named
from .tree import subfolders

TABLE = "metadata.yaml"
LICENSE = "CC-BY-4.0"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 10x faster, where PyYAML was built with libyaml


@dataclass(frozen=True, slots=True)
class _Stem:
    name: str
    label: str
    path: Path
    extra: dict[str, Json]


def matches(root: Path) -> bool:
    """Whether ``root`` is a ``TrackNNNNN`` folder with metadata, or some lie at most two levels below."""
    return next(_tracks(root), None) is not None


def mix_entries(root: Path) -> Iterator[Entry]:
    """Yield the mix of each track, with the instrument classes of its rendered stems."""
    for track, metadata in _read_all(root):
        if isinstance(metadata, Entry):
            yield metadata
            continue
        path, stems = _existing(track / "mix.flac"), _stems(track, metadata)
        if not stems:
            yield Entry(_id(track), str(path), problem=f"{track / TABLE}: no stem was rendered")
            continue
        labels = [Label(label) for label in sorted({stem.label for stem in stems})]
        yield _entry(_id(track), path, track, metadata, labels, {})


def stem_entries(root: Path) -> Iterator[Entry]:
    """Yield the rendered stems of each track, with one instrument class, program number and drum flag."""
    for track, metadata in _read_all(root):
        if isinstance(metadata, Entry):
            yield metadata
            continue
        for stem in _stems(track, metadata):
            id = make_id(f"{_id(track)}/{stem.name}")
            yield _entry(id, stem.path, track, metadata, [Label(stem.label)], stem.extra)


def _tracks(folder: Path, depth: int = 2) -> Iterator[Path]:
    """Yield the track folders: the folder itself, or those at most two levels below it."""
    if re.fullmatch(r"Track\d+", folder.resolve().name) and (folder / TABLE).is_file():
        yield folder
    elif depth:
        for subfolder in subfolders(folder):
            yield from _tracks(subfolder, depth - 1)


def _read_all(root: Path) -> Iterator[tuple[Path, dict[str, Any] | Entry]]:
    """Yield each track with its metadata, or with an entry that states what is wrong with it."""
    empty = True
    for track in _tracks(root):
        empty = False
        try:
            yield track, _read(track / TABLE)
        except ManifestError as error:
            yield track, Entry(_id(track), str(_existing(track / "mix.flac")), problem=error.message)
    if empty:
        raise ManifestError(f"{root}: holds no TrackNNNNN/{TABLE}", "give the folder of the tracks")


def _read(table: Path) -> dict[str, Any]:
    try:
        with open(table, "rb") as stream:
            metadata: Any = yaml.load(stream, Loader=_LOADER)
    except OSError as error:
        raise ManifestError(f"{table}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{table}:{mark.line + 1}" if mark is not None else str(table)
        raise ManifestError(f"{where}: not valid YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("stems"), dict):
        raise ManifestError(f"{table}: lists no stems")
    for name, stem in metadata["stems"].items():
        if not isinstance(stem, dict) or not isinstance(stem.get("inst_class"), str):
            raise ManifestError(f"{table}: stem {name} has no 'inst_class'")
    return metadata


def _stems(track: Path, metadata: dict[str, Any]) -> list[_Stem]:
    """Return the rendered stems; BabySlakh marks existing stems ``audio_rendered: false``, too."""
    found = []
    for name, stem in sorted((str(name), stem) for name, stem in metadata["stems"].items()):
        path = _existing(track / "stems" / f"{name}.flac")
        if stem.get("audio_rendered") is True or path.is_file():
            extra = {key: stem[key] for key in ("program_num", "is_drum") if key in stem}
            found.append(_Stem(name, stem["inst_class"], path, extra))
    return found


def _entry(
    id: str, path: Path, track: Path, metadata: dict[str, Any], labels: list[Label], extra: dict[str, Json]
) -> Entry:
    name = track.resolve().name
    audio = f"{name}/{path.relative_to(track).as_posix()}"
    return Entry(
        id,
        str(path),
        labels=labels,
        labels_complete=True,
        # Tracks made of the same MIDI file, which UUID names, are in several splits of Slakh2100-orig.
        groups=[f"slakh/{metadata.get('UUID') or name}"],
        split=split_named(track.resolve().parent.name),
        source={"dataset": "slakh2100", "audio": audio, "license": LICENSE},
        extra=extra,
    )


def _id(track: Path) -> str:
    return f"slakh/{track.resolve().name}"


def _existing(flac: Path) -> Path:
    """Return the FLAC file, or the WAV file that BabySlakh has in its place."""
    wav = flac.with_suffix(".wav")
    return wav if wav.is_file() and not flac.is_file() else flac


MIXES = Layout("slakh", "Slakh2100 or BabySlakh (TrackNNNNN/metadata.yaml): the mixes", matches, mix_entries)
STEMS = Layout("slakh-stems", "the same, but the rendered stems, with one class each", matches, stem_entries)
