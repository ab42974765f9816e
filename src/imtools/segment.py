"""Segments: cutting records into pieces of equal length, as pointers or as files of their own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from .audio import write
from .errors import AudioError, UsageError
from .manifest import Label, Record
from .sound.render import load_sound
from .units import resampled_length, samples_to_seconds, seconds_to_samples

TAILS = ("drop", "pad", "keep")
"""What to do with the last piece when it is shorter than the others."""


def segments(
    record: Record,
    *,
    length: float,
    hop: float | None = None,
    tail: str = "drop",
    sampling_rate: int | None = None,
    normalize: str | None = None,
) -> list[Record]:
    """Cut a record into segments that point into the same file.

    Segment ``k`` starts at sample ``round(k * hop * rate)`` of the record's signal and is
    ``round(length * rate)`` samples long, so that starts do not drift and, with ``hop == length``, pieces
    tile the signal.

    Parameters
    ----------
    record : Record
        A file, a segment, or a mix recipe (of which ``start`` and ``duration`` are then a stretch of the
        rendered mix). Zeros that pad it are part of its signal, but no segment holds only those.
    length, hop : float
        Seconds; ``hop`` is the distance between starts, and equals ``length`` where it is not given.
    tail : {"drop", "pad", "keep"}
        Leave out the last, partial piece, fill it up with zeros, or keep it short. There is one at most,
        and none where the piece before it reaches the end.
    sampling_rate : int, optional
        Hz that the segments are loaded at; without it, the record's own.
    normalize : {"rms", "peak"}, optional
        Level that each segment is loaded at; without it, as the record says.

    Returns
    -------
    list of Record
        At least one, in order of time. Ids end in start and end within the source, in ms. Timed labels are
        clipped and shifted to the segment, those elsewhere are dropped; features and predictions, which
        describe another stretch, are dropped; ``source`` tells the stretch of the original recording.

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
        origin_ms, start_ms = round(1000 * _origin(record)), 1000 * index * hop
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
    stretch = {"start": _origin(record) + offset, "duration": samples_to_seconds(content, rate)}
    return record.replace(
        start=record.start + offset,
        duration=samples_to_seconds(num_samples, sampling_rate),
        sampling_rate=sampling_rate,
        num_samples=num_samples,
        padding=samples_to_seconds(max(0, zeros), sampling_rate),
        labels=_labels_within(record.labels, offset, samples_to_seconds(count, rate)),
        source=record.source | stretch,
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
        "use --tail pad or --tail keep, or a shorter --length",
    )


def _check(length: float, hop: float, tail: str, sampling_rate: int | None, normalize: str | None) -> None:
    if not 0 < length < float("inf"):
        raise UsageError(f"segment length must be above 0 s, not {length:g}")
    if not 0.001 <= hop < float("inf"):
        raise UsageError(f"hop must be at least 0.001 s, not {hop:g}", "segments are named by milliseconds")
    if tail not in TAILS:
        raise UsageError(f"tail {tail!r} is not known", f"choose one of {', '.join(TAILS)}")
    if sampling_rate is not None and sampling_rate < 1:
        raise UsageError(f"sampling rate must be at least 1 Hz, not {sampling_rate}")
    if normalize not in (None, "rms", "peak"):
        raise UsageError(f"normalisation {normalize!r} is not known", "choose 'rms' or 'peak'")


def _content(record: Record) -> int:
    """Return how many of the record's samples are not padding."""
    return max(0, record.num_samples - seconds_to_samples(record.padding, record.sampling_rate))


def _pieces(record: Record, size: int, hop: float, tail: str) -> list[tuple[int, int]]:
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


def _origin(record: Record) -> float:
    """Return where the record starts in the original recording, in seconds."""
    start = record.source.get("start")
    if isinstance(start, int | float) and not isinstance(start, bool):
        return float(start)
    return record.start


def _labels_within(labels: list[Label], offset: float, seconds: float) -> list[Label]:
    """Return the labels of a stretch, with their times relative to it."""
    kept = []
    for label in labels:
        if label.start is None and label.duration is None:
            kept.append(label)
            continue
        start = (label.start or 0.0) - offset
        end = seconds if label.duration is None else start + label.duration
        if start >= seconds or (end <= 0 and start < 0):
            continue
        first = max(0.0, start)
        kept.append(replace(label, start=first, duration=min(seconds, end) - first))
    return kept


def write_segment(record: Record, folder: str | os.PathLike[str], fmt: str = "flac") -> Record:
    """Render what a record points at to a file of its own.

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
        Pointing at the new file from its start; ``source`` tells where the audio came from.

    Raises
    ------
    UsageError
        If the record is normalised to unit RMS and the format is FLAC, where full scale is 1.
    AudioError
        If the record cannot be loaded, or its samples exceed full scale in FLAC.
    OSError
        If the file cannot be written.
    """
    if record.normalize == "rms" and fmt == "flac":
        raise flac_holds_no_rms()
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


def flac_holds_no_rms() -> UsageError:
    """Return the error for audio of unit RMS in a format with a full scale."""
    hint = "use --format wav, or --normalize peak"
    return UsageError("audio of unit RMS has peaks above full scale, which FLAC cannot hold", hint)
