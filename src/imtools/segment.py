"""Segments: cutting records into pieces of equal length, as pointers or as files of their own.

Times are seconds; positions and lengths in samples are those of the record's signal, at its sampling rate.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from .audio import write
from .choices import LEVELS, TAILS, AudioFormat, Level, Tail
from .errors import AudioError, UsageError
from .manifest import Record
from .sound.labels import labels_within, start_in_recording
from .sound.render import load_sound
from .units import resampled_length, samples_to_seconds, seconds_to_samples


def segment_records(
    records: Iterable[Record],
    *,
    length: float,
    hop: float | None = None,
    tail: Tail = "drop",
    sampling_rate: int | None = None,
    normalize: Level | None = None,
) -> Iterator[Record]:
    """Cut records into segments that point into the same files; no audio is read or written.

    Parameters
    ----------
    records : iterable of Record
        Files, segments or mix recipes, in any order.
    length, hop, tail, sampling_rate, normalize
        See `segment_record`.

    Yields
    ------
    Record
        The segments of each record, in order.

    Raises
    ------
    UsageError, AudioError
        As `segment_record`, when its turn comes.

    Examples
    --------
    >>> song = Record("song", "song.wav", 0.0, 2.5, 44100, 110_250)
    >>> [segment.id for segment in segment_records([song], length=1.0)]
    ['song-000000000-000001000', 'song-000001000-000002000']
    """
    for record in records:
        yield from segment_record(
            record, length=length, hop=hop, tail=tail, sampling_rate=sampling_rate, normalize=normalize
        )


def segment_record(
    record: Record,
    *,
    length: float,
    hop: float | None = None,
    tail: Tail = "drop",
    sampling_rate: int | None = None,
    normalize: Level | None = None,
) -> list[Record]:
    """Cut a record into segments that point into the same file.

    Segment ``k`` starts at sample ``round(k * hop * rate)`` of the record's signal and is
    ``round(length * rate)`` samples long, so that starts do not drift and, with ``hop == length``, pieces
    tile the signal.

    Parameters
    ----------
    record : Record
        A file, a segment, or a mix recipe (of which ``start`` and ``duration`` then select a part of the
        rendered mix). Zeros that pad it are part of its signal, but no segment holds only those.
    length, hop : float
        Seconds; ``hop`` is the distance between starts, and equals ``length`` by default.
    tail : {"drop", "pad", "keep"}
        Leave out the last, partial piece, fill it up with zeros, or keep it short. There is at most one,
        and none where the piece before it reaches the end.
    sampling_rate : int, optional
        Hz that the segments are loaded at; by default the record's own.
    normalize : {"rms", "peak"}, optional
        Level that each segment is scaled to when it is loaded; by default as for the record.

    Returns
    -------
    list of Record
        At least one, in order of time. Ids end in start and end within the source, in ms. Timed labels are
        clipped and shifted to the segment, those elsewhere are dropped; features and predictions, which
        describe the whole record, are dropped; ``source`` holds the start and duration in the original
        recording.

    Raises
    ------
    UsageError
        If the length is not positive, the hop is below 1 ms or one sample, or a choice is not known.
    AudioError
        If the record is too short for one segment, or has no audio to cut.
    """
    hop = length if hop is None else hop
    _check(length, hop, tail, sampling_rate, normalize)
    if record.audio is None and not record.mix:
        raise AudioError(f"record {record.id}: has features only, no audio", "segment the audio before it")
    rate = record.sampling_rate
    size = seconds_to_samples(length, rate)
    if size < 1 or hop * rate < 1:
        what = f"length {length:g} s or hop {hop:g} s is less than one sample at {rate} Hz"
        raise UsageError(f"record {record.id}: {what}", "choose longer ones")
    pieces = _pieces(record, size, hop, tail)
    if not pieces:
        _raise_short(record, length)
    target = sampling_rate or rate
    full = seconds_to_samples(length, target)  # the same for all but a tail that is kept short
    result = []
    for index, (start, count) in enumerate(pieces):
        num_samples = full if count == size else resampled_length(count, rate, target)
        piece = _cut(record, start, count, target, num_samples)
        # From the nominal hop, not from the rounded sample: ids stay distinct down to hops of 1 ms.
        origin_ms, start_ms = round(1000 * start_in_recording(record)), 1000 * index * hop
        end_ms = start_ms + 1000 * samples_to_seconds(count, rate)
        piece.id = f"{record.id}-{origin_ms + round(start_ms):09d}-{origin_ms + round(end_ms):09d}"
        piece.normalize = normalize or record.normalize
        result.append(piece)
    return result


def _cut(record: Record, start: int, count: int, sampling_rate: int, num_samples: int) -> Record:
    """Return the record of ``count`` samples from ``start``, loaded as ``num_samples`` at another rate."""
    rate = record.sampling_rate
    content = min(count, _content(record) - start)
    zeros = num_samples - resampled_length(content, rate, sampling_rate) if content < count else 0
    offset = samples_to_seconds(start, rate)
    origin = {"start": start_in_recording(record) + offset, "duration": samples_to_seconds(content, rate)}
    return record.replace(
        start=record.start + offset,
        duration=samples_to_seconds(num_samples, sampling_rate),
        sampling_rate=sampling_rate,
        num_samples=num_samples,
        padding=samples_to_seconds(max(0, zeros), sampling_rate),
        labels=labels_within(record.labels, offset, samples_to_seconds(count, rate)),
        source=record.source | origin,
        features={},
        predictions=[],
    )


def _raise_short(record: Record, length: float) -> NoReturn:
    content = _content(record)
    if not content:
        raise AudioError(f"record {record.id}: has no samples to cut", "leave it out")
    held = f"{samples_to_seconds(content, record.sampling_rate):.3f} s"
    raise AudioError(
        f"record {record.id}: {held} is shorter than one segment of {length:g} s",
        "pass `tail=pad` or `tail=keep`, or a smaller `length`",
    )


def _check(length: float, hop: float, tail: Tail, sampling_rate: int | None, normalize: Level | None) -> None:
    if not 0 < length < float("inf"):
        raise UsageError(f"segment length must be above 0 s, not {length:g}")
    if not 0.001 <= hop < float("inf"):
        raise UsageError(f"hop must be at least 0.001 s, not {hop:g}", "segments are named by milliseconds")
    if tail not in TAILS:
        raise UsageError(f"tail {tail!r} is not known", f"choose one of {', '.join(TAILS)}")
    if sampling_rate is not None and sampling_rate < 1:
        raise UsageError(f"sampling rate must be at least 1 Hz, not {sampling_rate}")
    if normalize not in (None, *LEVELS):
        raise UsageError(f"normalisation {normalize!r} is not known", "choose 'rms' or 'peak'")


def _content(record: Record) -> int:
    """Return how many of the record's samples are not padding."""
    return max(0, record.num_samples - seconds_to_samples(record.padding, record.sampling_rate))


def _pieces(record: Record, size: int, hop: float, tail: Tail) -> list[tuple[int, int]]:
    """Return start and length of each segment, in samples of the record's signal."""
    content = _content(record)
    pieces: list[tuple[int, int]] = []
    while True:
        start = seconds_to_samples(len(pieces) * hop, record.sampling_rate)
        if start >= content or start + size > record.num_samples:
            break
        pieces.append((start, size))
    reached = sum(pieces[-1]) if pieces else 0
    if tail != "drop" and start < content and reached < content:
        pieces.append((start, size if tail == "pad" else content - start))
    return pieces


def write_segment(record: Record, folder: str | os.PathLike[str], fmt: AudioFormat = "flac") -> Record:
    """Write the sound of a record to a file of its own.

    Parameters
    ----------
    record : Record
        A record with an audio file, or a recipe. What loading does (channels, resampling, padding,
        normalisation) is done now and is part of the file.
    folder : path
        The file becomes ``folder/audio/<id>.<fmt>``; a ``/`` in the id makes a subfolder.
    fmt : {"flac", "wav"}
        24-bit FLAC, or 32-bit float WAV, which audio normalised to unit RMS needs.

    Returns
    -------
    Record
        Pointing at the new file from its start; ``source`` holds where the audio came from.

    Raises
    ------
    UsageError
        If the record is normalised to unit RMS and the format is FLAC, where full scale is 1.
    AudioError
        If the record cannot be loaded, or its samples exceed full scale in FLAC.
    OSError
        If the file cannot be written.
    """
    check_format(fmt, record.normalize)
    path = Path(folder) / "audio" / f"{record.id}.{fmt}"
    write(path, load_sound(record, mono=False), record.sampling_rate, fmt)
    content = samples_to_seconds(_content(record), record.sampling_rate)
    origin = {"audio": record.audio, "start": record.start, "duration": content}
    return record.replace(
        audio=os.fspath(path),
        start=0.0,
        duration=samples_to_seconds(record.num_samples, record.sampling_rate),
        channels=None,
        padding=0.0,
        normalize=None,
        source=origin | record.source,
    )


def check_format(fmt: str, normalize: str | None) -> None:
    """Refuse to write audio of unit RMS in a format with a full scale.

    Parameters
    ----------
    fmt : {"flac", "wav"}
        Format of the files.
    normalize : {"rms", "peak", None}
        How the audio is normalised.

    Raises
    ------
    UsageError
        If it is FLAC and RMS.
    """
    if fmt == "flac" and normalize == "rms":
        hint = "pass `fmt=wav`, or `normalize=peak`"
        raise UsageError("audio of unit RMS has peaks above full scale, which FLAC cannot hold", hint)
