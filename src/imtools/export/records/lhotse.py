"""The manifests of lhotse: recordings, supervisions and cuts, each a gzipped file of JSON lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, cast

from ...atomic import replacing
from ...audio import AudioInfo
from ...choices import Origin
from ...errors import AudioError
from ...manifest import Record, make_id
from ...units import samples_to_seconds
from .annotations import check_one_model, timed_annotations
from .files import audio_of

NAMES = ("recordings", "supervisions", "cuts")

_TOLERANCE = 2
"""Number of samples by which a record, whose sampling rate may differ, may appear to exceed its file."""


def recording(path: str, info: AudioInfo) -> dict[str, Any]:
    """Return a file as a Recording.

    Parameters
    ----------
    path : str
        Absolute.
    info : AudioInfo
        Its properties.
    """
    channels = list(range(info.channels))
    return {
        "id": make_id(path.lstrip("/")),
        "sources": [{"type": "file", "channels": channels, "source": path}],
        "sampling_rate": info.sampling_rate,
        "num_samples": info.num_samples,
        "duration": samples_to_seconds(info.num_samples, info.sampling_rate),
        "channel_ids": channels,
    }


def cut(
    record: Record,
    info: AudioInfo,
    origin: Origin | None = None,
    model: str | None = None,
    *,
    everything: bool = False,
) -> dict[str, Any]:
    """Return a record as a MonoCut, or as a MultiCut where it has several channels.

    Parameters
    ----------
    record : Record
        With audio. The cut is the part of it that lies in the file: without padding, at the file's own
        rate and level.
    info : AudioInfo
        The properties of the file.
    origin, model, everything
        As for `imtools.export.records.annotations.timed_annotations`.

    Returns
    -------
    dict
        With its recording and its supervisions, whose times are relative to the cut and which hold the
        class and its score under ``custom``.

    Raises
    ------
    AudioError
        If the record reaches past the end of its file.
    ManifestError
        If there are predictions of several models.
    """
    file = recording(audio_of(record), info)
    duration = record.duration - record.padding
    missing = record.start + duration - file["duration"]
    if missing > _TOLERANCE / min(record.sampling_rate, info.sampling_rate):
        what = f"record {record.id}: reaches {missing:.3f} s past the end of {record.audio}"
        raise AudioError(what, "make the manifest again from this file")
    duration = min(duration, file["duration"] - record.start)
    found = timed_annotations(record, origin, model, everything=everything)
    check_one_model(record, found)
    channels = list(range(info.channels)) if record.channels is None else record.channels
    place = channels if len(channels) > 1 else channels[0]
    supervisions = []
    for number, annotation in enumerate(found):
        start, length = annotation.span(record)
        length = min(length, duration - start)
        if length <= 0:
            continue
        custom = {"instrument": annotation.label, "score": annotation.score, "present": annotation.present}
        supervisions.append(
            {
                "id": f"{record.id}-{number}",
                "recording_id": file["id"],
                "start": start,
                "duration": length,
                "channel": place,
                "custom": custom | ({} if annotation.model is None else {"model": annotation.model}),
            }
        )
    rest = {"split": record.split, "fold": record.fold, "genre": record.genre, "groups": record.groups}
    return {
        "id": record.id,
        "start": record.start,
        "duration": duration,
        "channel": place,
        "supervisions": supervisions,
        "recording": file,
        "custom": {key: value for key, value in rest.items() if value not in (None, [])},
        "type": "MultiCut" if len(channels) > 1 else "MonoCut",
    }


def write_manifests(
    folder: Path,
    records: Iterable[Record],
    info_of: Callable[[str], AudioInfo],
    origin: Origin | None,
    model: str | None,
    *,
    everything: bool = False,
) -> None:
    """Write ``recordings.jsonl.gz``, ``supervisions.jsonl.gz`` and ``cuts.jsonl.gz``.

    Parameters
    ----------
    folder : Path
        For the three files; equal records give equal bytes.
    records : iterable of Record
        Iterated over once.
    info_of : callable
        Returns the properties of a file, given its absolute path.
    origin, model, everything
        As for `cut`.
    """
    seen: set[str] = set()
    with ExitStack() as stack:
        streams = {name: _gzipped(stack, folder / f"{name}.jsonl.gz") for name in NAMES}
        for record in records:
            written = cut(record, info_of(audio_of(record)), origin, model, everything=everything)
            file = written["recording"]
            if file["id"] not in seen:
                seen.add(file["id"])
                _write(streams["recordings"], file)
            for supervision in written["supervisions"]:
                # In that manifest the times of a supervision are relative to its recording.
                start = written["start"] + supervision["start"]
                _write(streams["supervisions"], supervision | {"start": start})
            _write(streams["cuts"], written)


def _gzipped(stack: ExitStack, path: Path) -> IO[bytes]:
    temporary = stack.enter_context(replacing(path))
    raw = stack.enter_context(open(temporary, "wb"))  # noqa: SIM115 - closed by the stack
    packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0)
    return cast("IO[bytes]", stack.enter_context(packed))


def _write(stream: IO[bytes], value: dict[str, Any]) -> None:
    stream.write((json.dumps(value, allow_nan=False) + "\n").encode("ascii"))
