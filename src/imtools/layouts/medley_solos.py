"""Medley-solos-DB (Lostanlen and Cella, ISMIR 2016): 3-s clips of eight solo instruments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import ManifestError
from ..manifest import Label, make_id
from .base import Entry, Layout, split_named, with_strays
from .tables import read_csv
from .tree import audio_files

NAME = "medley-solos-db"
TABLE = "Medley-solos-DB_metadata.csv"
LICENSE = "CC-BY-4.0"

_HINT = "fetch the file again"


def matches(root: Path) -> bool:
    """Whether the CSV file is in ``root`` or its folder ``annotation``."""
    return _table(root) is not None


def entries(root: Path) -> Iterator[Entry]:
    """Yield the clips, which may lie anywhere below ``root``, with the data set's own split.

    Labels are the data set's own names, such as ``"distorted electric guitar"`` or ``"female singer"``;
    the clips of a song are one group.
    """
    table = _table(root)
    if table is None:
        raise ManifestError(f"{root}: holds no {TABLE}", "put it beside the clips")
    paths = {path.name: path for path in audio_files(root)}
    yield from with_strays(_rows(table, root, paths), paths.values(), table, NAME)


def _table(root: Path) -> Path | None:
    return next((path for path in (root / TABLE, root / "annotation" / TABLE) if path.is_file()), None)


def _rows(table: Path, root: Path, paths: dict[str, Path]) -> Iterator[Entry]:
    names: dict[str, str] = {}
    seen: set[str] = set()
    for where, row in read_csv(table, ["subset", "instrument", "instrument_id", "song_id", "uuid4"]):
        subset, number, instrument = row["subset"], row["instrument_id"], row["instrument"]
        clip = f"{subset}-{number}_{row['uuid4']}"
        split = split_named(subset)
        if split is None:
            raise ManifestError(f"{where}: {subset!r} is not a subset of Medley-solos-DB", _HINT)
        if names.setdefault(number, instrument) != instrument:
            what = f"instrument {number} is {names[number]!r} in other rows, not {instrument!r}"
            raise ManifestError(f"{where}: {what}", _HINT)
        if clip in seen:
            raise ManifestError(f"{where}: {clip} is listed a second time", _HINT)
        seen.add(clip)
        audio = f"Medley-solos-DB_{clip}.wav"
        yield Entry(
            make_id(f"{NAME}/{clip}"),
            str(paths.get(audio, root / audio)),
            labels=[Label(instrument)],
            labels_complete=True,
            groups=[f"{NAME}/{subset}-{row['song_id']}"],
            split=split,
            source={"dataset": NAME, "audio": audio, "license": LICENSE},
        )


LAYOUT = Layout(
    NAME, "Medley-solos-DB (clips, Medley-solos-DB_metadata.csv): solo instruments", matches, entries
)
