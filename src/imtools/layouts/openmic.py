"""OpenMIC-2018 (Humphrey, Durand and McFee, ISMIR 2018): 10-s clips, some of 20 instruments judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import ManifestError
from ..manifest import Label, make_id
from ..manifest.values import Json
from .base import Entry, Layout, with_strays
from .tables import read_csv, read_lines
from .tree import audio_files

NAME = "openmic-2018"
LABELS = "openmic-2018-aggregated-labels.csv"
METADATA = "openmic-2018-metadata.csv"

_HINT = "fetch the file again"


def matches(root: Path) -> bool:
    """Whether the CSV of labels is there."""
    return (root / LABELS).is_file()


def entries(root: Path) -> Iterator[Entry]:
    """Yield the clips, with the split of ``partitions/split01_*.csv`` and the licence of each track.

    A clip lists the instruments that were judged, present or not, with the relevance as presence; the
    others are unknown. This comes from the CSV of aggregated answers, which has the same content as
    ``openmic-2018.npz`` without its pickled strings.
    """
    table = root / LABELS
    labels, splits, licenses = _read_labels(table), _read_splits(root), _read_licenses(root)
    clips = (_entry(root, key, labels[key], splits.get(key), licenses.get(key)) for key in labels)
    audio = root / "audio"
    yield from with_strays(clips, audio_files(audio) if audio.is_dir() else (), table, NAME)


def _read_labels(table: Path) -> dict[str, list[Label]]:
    labels: dict[str, dict[str, Label]] = {}
    for where, row in read_csv(table, ["sample_key", "instrument", "relevance", "num_responses"]):
        try:
            relevance, count = float(row["relevance"]), int(row["num_responses"])
        except ValueError as error:
            raise ManifestError(f"{where}: {error}", _HINT) from None
        if not 0 <= relevance <= 1:
            raise ManifestError(f"{where}: relevance {relevance:g} is not within 0 and 1", _HINT)
        clip = labels.setdefault(row["sample_key"], {})
        if row["instrument"] in clip:
            what = f"{row['instrument']!r} is judged a second time for {row['sample_key']}"
            raise ManifestError(f"{where}: {what}", _HINT)
        clip[row["instrument"]] = Label(row["instrument"], relevance, extra={"num_responses": count})
    return {key: [clip[name] for name in sorted(clip)] for key, clip in labels.items()}


def _read_splits(root: Path) -> dict[str, str]:
    splits: dict[str, str] = {}
    for name in ("train", "test"):
        path = root / "partitions" / f"split01_{name}.csv"
        for where, key in read_lines(path) if path.is_file() else ():
            if splits.setdefault(key, name) != name:
                raise ManifestError(f"{where}: {key} is in two partitions", "fetch the partitions again")
    return splits


def _read_licenses(root: Path) -> dict[str, str]:
    path = root / METADATA
    if not path.is_file():
        return {}
    return {row["sample_key"]: row.get("license_title") or "" for _, row in read_csv(path, ["sample_key"])}


def _entry(root: Path, key: str, labels: list[Label], split: str | None, license: str | None) -> Entry:
    audio = f"audio/{key[:3]}/{key}.ogg"
    track, _, start = key.partition("_")  # track of the Free Music Archive, and milliseconds
    source: dict[str, Json] = {"dataset": NAME, "audio": audio}
    if start.isdecimal():
        source |= {"start": int(start) / 1000, "duration": 10.0}
    if license:
        source["license"] = license
    return Entry(
        make_id(f"{NAME}/{key}"),
        str(root / audio),
        labels=labels,
        groups=[f"{NAME}/{track}"],
        split=split,
        source=source,
    )


LAYOUT = Layout(
    NAME, "OpenMIC-2018 (audio/, aggregated labels, partitions/): judged instruments", matches, entries
)
