"""A folder of class folders: the folder's name is the label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..manifest import Label, unique_ids
from .base import Entry, Layout
from .tree import all_audio, audio_files, has_audio, subfolders


def matches(root: Path) -> bool:
    """Whether audio lies directly in the subfolders of ``root``, and only there.

    So ``ARTIST/ALBUM/FILE`` is no match; ``ALBUM/FILE`` looks the same as class folders.
    """
    folders = subfolders(root)
    if not folders or has_audio(root):
        return False
    nested = (audio_files(inner) for folder in folders for inner in subfolders(folder))
    return any(map(has_audio, folders)) and not any(next(paths, None) for paths in nested)


def entries(root: Path) -> Iterator[Entry]:
    """Yield the files with their folder's name as the only and complete label.

    A file further down belongs to the class of the topmost folder; one beside the class folders carries
    a problem.
    """
    paths = all_audio(root)
    relative = [path.relative_to(root) for path in paths]
    for path, name, id in zip(paths, relative, unique_ids(relative), strict=True):
        if len(name.parts) == 1:
            yield Entry(id, str(path), problem=f"{path}: lies in no class folder")
            continue
        yield Entry(
            id,
            str(path),
            labels=[Label(name.parts[0])],
            labels_complete=True,
            source={"audio": name.as_posix()},
        )


LAYOUT = Layout(
    "folders", "a folder of class folders (CLASS/FILE); the folder's name is the label", matches, entries
)
