"""Layouts of files and data sets on a disk: one module each, all with one interface.

A new layout is one module with a `Layout`, and one line in ``LAYOUTS``.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ManifestError, UsageError
from . import (
    files,
    folders,
    irmas,
    irmas_mel,
    manifests,
    medley_solos,
    nsynth,
    openmic,
    slakh,
)
from .base import Entry, Layout, check, complete
from .files import file_entries
from .summary import ManifestSummary
from .tree import is_audio

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        irmas_mel.LAYOUT,
        nsynth.LAYOUT,
        openmic.LAYOUT,
        medley_solos.LAYOUT,
        slakh.MIXES,
        slakh.STEMS,
        irmas.TRAINING,
        manifests.LAYOUT,
        irmas.TESTING,
        folders.LAYOUT,
        files.LAYOUT,
    )
}
"""Every layout by name, the most specific first: the order in which `detect` tries them."""


def detect(root: Path) -> Layout:
    """Return the most specific layout that a file or folder has.

    A path that does not exist but is named like audio has the layout ``files``: it fails when it is
    probed, and others go on.

    Raises
    ------
    ManifestError
        If the path does not exist otherwise, or is a folder without any audio.
    """
    if not root.exists() and not is_audio(root.name):
        raise ManifestError(f"{root}: does not exist", "check the path")
    for layout in LAYOUTS.values():
        if layout.matches(root):
            return layout
    raise ManifestError(
        f"{root}: holds no audio files, so it has none of the layouts {', '.join(LAYOUTS)}", "check the path"
    )


def get_layout(name: str) -> Layout:
    """Return the layout of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in LAYOUTS:
        raise UsageError(f"there is no layout {name!r}", f"choose from auto, {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


__all__ = [
    "LAYOUTS",
    "Entry",
    "Layout",
    "ManifestSummary",
    "check",
    "complete",
    "detect",
    "file_entries",
    "get_layout",
]
