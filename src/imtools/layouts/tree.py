"""Finding audio files below a folder: in one order everywhere, without hidden files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import ManifestError

AUDIO_EXTENSIONS = (
    *(".wav", ".wave", ".w64", ".rf64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc"),
    *(".au", ".snd", ".caf"),
    *(".aac", ".ac3", ".m4a", ".mka", ".mp4", ".wma", ".wv"),  # these through ffmpeg
)
"""Extensions of the files in a folder that are taken for audio, in lower case."""


def is_audio(name: str) -> bool:
    """Whether a file name looks like audio; ``.DS_Store`` and ``._song.wav`` do not."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_EXTENSIONS


def by_bytes(path: Path) -> bytes:
    """Sort key of a path: the order does not depend on the locale."""
    return os.fsencode(path)


def audio_files(root: Path) -> Iterator[Path]:
    """Yield the audio files below a folder, each folder's content sorted by the bytes of its names.

    Links to folders are followed; hidden files and folders are skipped.

    Raises
    ------
    ManifestError
        If a folder cannot be listed.
    """
    return _walk(root, ())


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:  # a link to a folder that it lies in
        return
    for entry in _listing(folder):
        if entry.is_dir():
            yield from _walk(folder / entry.name, (*above, real))
        elif is_audio(entry.name):
            yield folder / entry.name


def all_audio(root: Path) -> list[Path]:
    """Return `audio_files`.

    Raises
    ------
    ManifestError
        If there are none, or a folder cannot be listed.
    """
    paths = list(audio_files(root))
    if not paths:
        raise ManifestError(f"{root}: holds no audio files", "check the path")
    return paths


def subfolders(root: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without the hidden ones; none if it is no folder."""
    return [root / entry.name for entry in _listing(root) if entry.is_dir()] if root.is_dir() else []


def has_audio(folder: Path) -> bool:
    """Whether an audio file lies in a folder itself (not in its subfolders)."""
    return any(is_audio(entry.name) and not entry.is_dir() for entry in _listing(folder))


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        hint = "check the path and its permissions"
        raise ManifestError(f"{folder}: cannot be listed ({error.strerror})", hint) from None
    return sorted(visible, key=lambda entry: os.fsencode(entry.name))
