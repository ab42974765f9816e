"""Checking that a record is a whole file: other programs work on files, not on segments."""

from __future__ import annotations

import os

from ...audio import AudioInfo, probe
from ...errors import AudioError
from ...manifest import Record
from ...units import resampled_length


def audio_of(record: Record) -> str:
    """Return the absolute path of a record's audio file.

    Raises
    ------
    AudioError
        If it has none.
    """
    if record.audio is None:
        kind, hint = ("a mix recipe", "render it first") if record.mix else ("features only", "leave it out")
        raise AudioError(f"record {record.id}: has no audio file ({kind})", hint)
    return os.path.abspath(record.audio)


def is_whole(record: Record, info: AudioInfo) -> bool:
    """Return whether a record is exactly one whole file, perhaps at another sampling rate.

    Parameters
    ----------
    record : Record
        With audio.
    info : AudioInfo
        The properties of the file.
    """
    if record.start > 0 or record.padding > 0:
        return False
    length = resampled_length(info.num_samples, info.sampling_rate, record.sampling_rate)
    return record.num_samples >= length


def whole_file(record: Record) -> str:
    """Return the absolute path of the file if a record covers all of it.

    Raises
    ------
    AudioError
        If it has no audio, the file cannot be read, or the record is a part of it.
    """
    path = audio_of(record)
    if record.start > 0 or not is_whole(record, probe(path)):
        raise not_whole(record)
    return path


def not_whole(record: Record) -> AudioError:
    """Return the error for a record that is a part of a file, where a whole one is required."""
    return AudioError(
        f"record {record.id}: is a segment of {record.audio}, not the whole file",
        "run im-predict on whole files",
    )
