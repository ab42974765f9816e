"""Hugging Face's audiofolder: audio files in a folder for each split, with ``metadata.jsonl`` beside them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from ...atomic import replacing
from ...audio import probe, write
from ...choices import Origin
from ...manifest import Record, make_id
from ...sound.render import load_sound
from ...units import samples_to_seconds
from .annotations import present_instruments, record_annotations
from .files import audio_of, is_whole

METADATA_NAME = "metadata.jsonl"

UNSPLIT = "train"
"""The folder of records without a split, as the reader names files without one."""

_READABLE = (".aiff", ".flac", ".mp3", ".ogg", ".opus", ".wav")
"""Suffixes of files that are used as they are; others are decoded."""


def place_audio(record: Record, folder: Path, fmt: str = "flac", *, copy: bool = False) -> Record:
    """Put a record's audio into the folder of its split.

    Parameters
    ----------
    record : Record
        With audio or a recipe.
    folder : Path
        The data set. The file becomes ``folder/<split>/<id>`` with the suffix of its format.
    fmt : {"flac", "wav"}
        Format of files that must be written: segments, recipes, resampled or normalised audio, and
        formats that the reader may not know.
    copy : bool
        Copy whole files instead of linking them. A link shares its bytes with the original; if links are
        not possible, files are copied.

    Returns
    -------
    Record
        Pointing at the file.

    Raises
    ------
    AudioError
        If the audio cannot be read or written.
    """
    base = folder / _split_folder(record) / record.id
    changes: dict[str, Any] = {"start": 0.0, "padding": 0.0, "channels": None, "normalize": None}
    if (suffix := _suffix_as_is(record)) is not None:
        target = base.with_name(base.name + suffix)
        _link_or_copy(audio_of(record), target, copy=copy)
    else:
        target = base.with_name(f"{base.name}.{fmt}")
        write(target, load_sound(record, mono=False), record.sampling_rate, fmt)
    changes["duration"] = samples_to_seconds(record.num_samples, record.sampling_rate)
    origin = {} if record.audio is None else {"audio": record.audio, "start": record.start}
    return record.replace(audio=os.fspath(target), source=origin | record.source, **changes)


def _suffix_as_is(record: Record) -> str | None:
    """Return the suffix of a file that can be used as it is, or ``None``."""
    if record.audio is None or record.normalize is not None or record.channels is not None:
        return None
    suffix = os.path.splitext(record.audio)[1].lower()
    if suffix not in _READABLE:
        return None
    info = probe(record.audio)
    return suffix if info.sampling_rate == record.sampling_rate and is_whole(record, info) else None


def _split_folder(record: Record) -> str:
    return make_id(record.split or UNSPLIT).replace("/", "-")


def _link_or_copy(source: str, target: Path, *, copy: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy and _linked(os.path.realpath(source), target):
        return
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _linked(source: str, target: Path) -> bool:
    """Make a hard link, replacing the target; return whether that is possible here."""
    if target.exists() and os.path.samefile(source, target):
        return True  # renaming one link of a file to another does nothing, and would leave both
    temporary = target.with_name(f".{target.name}.link")
    try:
        temporary.unlink(missing_ok=True)
        os.link(source, temporary)
    except OSError:  # another file system, or no support for links
        return False
    os.replace(temporary, target)
    return True


def metadata(record: Record, folder: Path, origin: Origin | None, model: str | None) -> dict[str, Any]:
    """Return a record's line of the metadata: the same keys for every record, as the reader requires.

    Parameters
    ----------
    record : Record
        As `place_audio` returned it.
    folder : Path
        The folder of its split.
    origin, model
        As for `imtools.export.records.annotations.record_annotations`.
    """
    present = present_instruments(record, origin, model) if record_annotations(record, origin, model) else []
    return {
        "file_name": Path(os.path.relpath(audio_of(record), folder)).as_posix(),
        "id": record.id,
        "labels": [annotation.label for annotation in present],
        "scores": [float(annotation.score) for annotation in present],
        "groups": record.groups,
        "genre": record.genre or "",
        "license": str(record.source.get("license") or ""),
    }


def write_metadata(
    folder: Path, records: Iterable[Record], origin: Origin | None, model: str | None
) -> list[Path]:
    """Write ``metadata.jsonl`` into the folder of each split.

    Parameters
    ----------
    folder : Path
        The data set.
    records : iterable of Record
        As `place_audio` returned them.
    origin, model
        As for `imtools.export.records.annotations.record_annotations`.

    Returns
    -------
    list of Path
        The files.
    """
    streams: dict[str, IO[str]] = {}
    with ExitStack() as stack:
        for record in records:
            split = _split_folder(record)
            if split not in streams:
                temporary = stack.enter_context(replacing(folder / split / METADATA_NAME))
                streams[split] = stack.enter_context(open(temporary, "w", encoding="ascii"))
            line = metadata(record, folder / split, origin, model)
            streams[split].write(json.dumps(line, allow_nan=False) + "\n")
    return [folder / split / METADATA_NAME for split in streams]
