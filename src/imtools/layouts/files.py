"""Audio files whose folders carry no information: a file, or a folder with subfolders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..manifest import unique_ids
from .base import Entry, Layout
from .tree import all_audio, audio_files


def matches(root: Path) -> bool:
    """Return whether there is any audio; anything but a folder is taken for an audio file."""
    return not root.is_dir() or next(audio_files(root), None) is not None


def entries(root: Path) -> Iterator[Entry]:
    """Yield the files without labels, named by their path below ``root``; each is its own recording."""
    if not root.is_dir():
        yield from file_entries([root])
        return
    paths = all_audio(root)
    relative = [path.relative_to(root) for path in paths]
    for path, name, id in zip(paths, relative, unique_ids(relative), strict=True):
        yield Entry(id, str(path), source={"audio": name.as_posix()})


def file_entries(paths: Iterable[Path]) -> Iterator[Entry]:
    """Yield an entry for each audio file, named by its own name; it need not exist until it is probed.

    Two files of the same name get the same id; the reader of several inputs makes them differ.
    """
    for path in paths:
        (id,) = unique_ids([Path(path.name)])
        yield Entry(id, str(path), source={"audio": path.name})


LAYOUT = Layout(
    "files", "an audio file, or a folder of audio files at any depth; no labels", matches, entries
)
