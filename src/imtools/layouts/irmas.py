"""IRMAS, training and testing data (Bosch, Janer, Fuhrmann and Herrera, ISMIR 2012)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..errors import ManifestError
from ..manifest import Label, unique_ids
from ..manifest.values import Json
from .base import Entry, Layout
from .tables import read_lines
from .tree import all_audio, audio_files, by_bytes

INSTRUMENTS = ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")
"""The eleven classes: cello, clarinet, flute, acoustic and electric guitar, organ, piano, saxophone,
trumpet, violin, voice."""

LICENSE = "CC-BY-NC-SA-3.0"

# By position, since ``cla`` is an instrument and a genre:
# [inst][genre]NNNN__k, NNN__[inst][dru|nod][genre]NNNN__k and NNN__[inst][---][genre]NNNN__k.
_CLIP = re.compile(
    r"(?:\d+__)?\[(?P<label>[a-z]{3})\](?:\[(?P<drums>dru|nod|---)\])?\[(?P<genre>[a-z_]+)\]"
    r"(?P<recording>\d+)__\d+"
)


@dataclass(frozen=True, slots=True)
class Clip:
    """The parts of a training clip's name.

    Attributes
    ----------
    label : str
        The predominant instrument.
    genre : str
        ``cla``, ``cou_fol``, ``jaz_blu``, ``lat_sou`` or ``pop_roc``.
    drums : bool or None
        Whether there are drums; ``None`` if the name does not state it.
    recording : str
        Number of the recording. A few numbers have clips both with and without ``NNN__`` in front; they
        are taken for one recording, to be safe.
    """

    label: str
    genre: str
    drums: bool | None
    recording: str

    @classmethod
    def parse(cls, stem: str) -> Clip | None:
        """Read a file name without its extension; ``None`` if it is not of IRMAS."""
        match = _CLIP.fullmatch(stem)
        if match is None or match["label"] not in INSTRUMENTS:
            return None
        drums = {"dru": True, "nod": False}.get(match["drums"])
        return cls(match["label"], match["genre"], drums, match["recording"])

    def labels(self) -> list[Label]:
        """Return the label: it is predominant, other instruments may sound too."""
        return [Label(self.label, role="predominant")]

    def groups(self) -> list[str]:
        """Return the recording as a group."""
        return [f"irmas/{self.recording}"]

    def extra(self) -> dict[str, Json]:
        """Return ``drums``, if it is known."""
        return {} if self.drums is None else {"drums": self.drums}


def matches_training(root: Path) -> bool:
    """Whether a folder of one of the classes holds names like those of IRMAS."""
    folders = [root / label for label in INSTRUMENTS if (root / label).is_dir()]
    return any(Clip.parse(path.stem) for folder in folders for path in islice(audio_files(folder), 1))


def training_entries(root: Path) -> Iterator[Entry]:
    """Yield the clips; one whose name and folder disagree carries a problem."""
    paths = all_audio(root)
    relative = [path.relative_to(root) for path in paths]
    for path, name, id in zip(paths, relative, unique_ids(relative, "irmas-train"), strict=True):
        clip = Clip.parse(path.stem)
        if clip is None:
            yield Entry(id, str(path), problem=f"{path}: is not named like a clip of IRMAS")
        elif clip.label != path.parent.name:
            what = f"is labelled {clip.label!r} but lies in folder {path.parent.name!r}"
            yield Entry(id, str(path), problem=f"{path}: {what}")
        else:
            yield Entry(
                id,
                str(path),
                labels=clip.labels(),
                groups=clip.groups(),
                genre=clip.genre,
                source=_source(name),
                extra=clip.extra(),
            )


def matches_testing(root: Path) -> bool:
    """Whether one of the first excerpts has a list of labels beside it."""
    if not root.is_dir():
        return False
    return any(_is_label_list(path.with_suffix(".txt")) for path in islice(audio_files(root), 20))


def testing_entries(root: Path) -> Iterator[Entry]:
    """Yield the excerpts of all parts, or of the one that ``root`` is, and label lists without one.

    An excerpt without a valid list of labels carries a problem. Excerpts are numbered at the end of
    their names; those of a recording are one group.
    """
    found = all_audio(root)
    stems = {path.with_suffix("") for path in found}
    lists = (path for folder in {path.parent for path in found} for path in folder.glob("*.txt"))
    orphans = [p.with_suffix(".wav") for p in lists if p.with_suffix("") not in stems and _is_label_list(p)]
    relative = [path.relative_to(root) for path in sorted([*found, *orphans], key=by_bytes)]
    for name, id in zip(relative, unique_ids(relative, "irmas-test"), strict=True):
        path = root / name
        try:
            labels = _labels(path.with_suffix(".txt"))
        except ManifestError as error:
            yield Entry(id, str(path), problem=error.message)
            continue
        recording = re.sub(r"-\d+$", "", path.stem)
        yield Entry(
            id,
            str(path),
            labels=[Label(label, role="predominant") for label in labels],
            labels_complete=True,
            groups=[f"irmas-test/{recording}"],
            split="test",
            source=_source(name),
        )


def _source(name: Path) -> dict[str, Json]:
    return {"dataset": "irmas", "audio": name.as_posix(), "license": LICENSE}


def _is_label_list(path: Path) -> bool:
    try:
        return bool(_labels(path))
    except ManifestError:
        return False


def _labels(path: Path) -> list[str]:
    """Read the labels of an excerpt: one a line, with a TAB at the end of each."""
    lines = read_lines(path)
    for where, text in lines:
        if text not in INSTRUMENTS:
            raise ManifestError(f"{where}: {text!r} is not an IRMAS instrument")
    if not lines:
        raise ManifestError(f"{path}: lists no labels")
    return list(dict.fromkeys(text for _, text in lines))


TRAINING = Layout(
    "irmas-train",
    "IRMAS-TrainingData (CLASS/[inst][genre]NNNN__k.wav): one predominant instrument each",
    matches_training,
    training_entries,
)
TESTING = Layout(
    "irmas-test",
    "IRMAS-TestingData, all parts or one (NAME.wav, NAME.txt): all predominant instruments",
    matches_testing,
    testing_entries,
)
