"""Loading the audio of a record: a part of a file, resampled, padded and normalised.

A segment equals the same part of the whole file resampled. For that, its samples lie on the grid that the
whole file has at the new rate, and the resampling filter is given what lies on either side of it.

Files are read as ``(frames, channels)``; `load` returns ``(num_samples,)`` or ``(channels, num_samples)``.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import Protocol

import numpy as np
import soxr

from ..arrays import Float32Array
from ..errors import AudioError
from ..hashing import file_state
from ..manifest import Record
from ..units import samples_to_seconds, seconds_to_samples
from .blocks import RESAMPLING_QUALITY
from .decode import AudioFile, AudioInfo, open_audio
from .levels import check_finite, normalize, to_mono

_MARGIN_SAMPLES = 512
"""Samples of the lower rate on either side of a segment; soxr HQ's filter reaches less than 128 of them."""

_OPEN_FILES = 4  # per thread: consecutive segments of a file do not open and scan it again

Signature = tuple[int, int, int, int]


class SampleFile(Protocol):
    """A source of samples for `load`: `AudioFile`, and `imtools.sound.array.ArrayFile`."""

    path: str
    """The name in messages."""
    sampling_rate: int
    channels: int

    def seek(self, frame: int) -> None:
        """Let the next ``read`` start at the given frame, counted from 0."""

    def read(self, frames: int) -> Float32Array:
        """Return the next samples, float32 of shape (frames, channels); fewer only at the end."""


class _OpenFiles(threading.local):
    """The files that one thread has read last, each with its state when it was opened."""

    def __init__(self) -> None:
        self.files: OrderedDict[str, tuple[Signature, AudioFile]] = OrderedDict()


_local = _OpenFiles()


def signature(path: str) -> Signature:
    """Return the state of a file: its content stays the same as long as this does."""
    return file_state(path) or (0, 0, 0, 0)  # opening it reports what is wrong


def _open(path: str) -> AudioFile:
    """Return this thread's open file for a path, opened again if the file has changed."""
    files = _local.files
    now = signature(path)
    if path in files:
        known, file = files[path]
        if known == now:
            files.move_to_end(path)
            return file
        _forget(path)
    file = open_audio(path)
    _hold(path, now, file)
    return file


def probe_to_load(path: str, *, longest: float | None = None) -> AudioInfo:
    """Determine the content of a file, as `probe` does, in a thread that will load it next.

    Short files that must be decoded to determine their length stay open with the decoded samples, so that
    `load` does not decode them again.

    Parameters
    ----------
    path : str
        An audio file.
    longest : float, optional
        The longest duration that is accepted, in seconds.

    Raises
    ------
    AudioError
        If the file cannot be decoded, is truncated, has no samples, or is too long.
    """
    now = signature(path)
    file = open_audio(path)
    try:
        info = file.examine(longest)
    except BaseException:
        file.close()
        raise
    if file.is_held:
        _hold(path, now, file)
    else:
        file.close()
    return info


def _hold(path: str, now: Signature, file: AudioFile) -> None:
    """Keep a file open for this thread, as the last one read."""
    files = _local.files
    if path in files:
        _forget(path)
    files[path] = (now, file)
    if len(files) > _OPEN_FILES:
        _forget(next(iter(files)))


def _forget(path: str) -> None:
    _local.files.pop(path)[1].close()


def close_files() -> None:
    """Close the files that ``load`` keeps open for the calling thread."""
    while _local.files:
        _forget(next(iter(_local.files)))


def load(record: Record, *, mono: bool = True, file: SampleFile | None = None) -> Float32Array:
    """Return the samples that a record stands for.

    Parameters
    ----------
    record : Record
        A record with ``audio``. The part from ``start`` is decoded, reduced to ``channels``, resampled to
        ``sampling_rate``, padded with zeros at the end for ``padding`` seconds, and normalised.
    mono : bool
        Whether to return the mean of the channels.
    file : SampleFile, optional
        Where to read the samples, instead of the record's ``audio``.

    Returns
    -------
    ndarray of float32
        Shape ``(num_samples,)`` if ``mono``, otherwise ``(channels, num_samples)``.

    Raises
    ------
    AudioError
        If the file cannot be decoded, lacks samples or channels that the record refers to, or holds NaN or
        infinite samples in that part; or if the record has no audio file.

    Notes
    -----
    Thread-safe, except for ``file``, which belongs to one thread at a time. A few audio files per thread stay
    open between calls; see ``close_files``.
    """
    if file is not None:
        return _load(record, file, mono)
    if record.audio is None:
        kind, hint = ("a mix recipe", "render it first") if record.mix else ("features only", "use those")
        raise AudioError(f"record {record.id}: has no audio file ({kind})", hint)
    opened = _open(record.audio)
    try:
        return _load(record, opened, mono)
    except AudioError:
        if record.audio in _local.files:  # a decoder that has failed may not recover
            _forget(record.audio)
        raise


def _load(record: Record, file: SampleFile, mono: bool) -> Float32Array:
    rate = record.sampling_rate
    first = seconds_to_samples(record.start, rate)
    zeros = min(record.num_samples, seconds_to_samples(record.padding, rate))
    content = record.num_samples - zeros
    samples = _resampled(record, file, first, content, mono)
    if zeros:
        samples = np.pad(samples, ((0, zeros), (0, 0)))
    samples = np.ascontiguousarray(normalize(samples, record.normalize).T)
    return samples[0] if mono else samples


def _resampled(record: Record, file: SampleFile, first: int, content: int, mono: bool) -> Float32Array:
    """Return ``(content, channels)`` samples from position ``first`` of the file at the record's rate."""
    rate, own = record.sampling_rate, file.sampling_rate
    if rate == own:
        return _decode(record, file, first, content, first + content, mono)
    common = math.gcd(rate, own)
    step, own_step = rate // common, own // common  # both grids coincide after these steps
    margin = _MARGIN_SAMPLES * max(1, math.ceil(rate / own))
    common_point = max(0, first - margin) // step
    begin, skipped = common_point * own_step, first - common_point * step
    end = math.ceil((first + content + margin) * own_step / step)
    # Rounding the start and the length to the new rate may reach past the end by a sample of each grid.
    needed = math.floor((first + content) * own_step / step) - math.ceil(1 + own_step / step)
    frames = _decode(record, file, begin, end - begin, needed, mono)
    short = end - begin - len(frames)
    if short > 0:  # beyond the end of the file there is silence
        frames = np.pad(frames, ((0, short), (0, 0)))
    out: Float32Array = soxr.resample(frames, own, rate, quality=RESAMPLING_QUALITY)
    return out[skipped : skipped + content]


def _decode(
    record: Record, file: SampleFile, begin: int, count: int, needed: int, mono: bool
) -> Float32Array:
    """Return up to ``count`` frames from ``begin``, which must reach to the position ``needed``."""
    own = file.sampling_rate
    file.seek(begin)
    frames = file.read(count)
    if begin + len(frames) < needed:
        _raise_short(record, file, needed)
    if record.channels is not None:
        if max(record.channels, default=file.channels) >= file.channels:
            what = f"record {record.id} refers to channels {record.channels}, counted from 0"
            raise AudioError(f"{file.path}: has {file.channels} channels; {what}", "run im-index again")
        frames = frames[:, record.channels]
    check_finite(frames, file.path, own, begin)
    return to_mono(frames) if mono else frames


def _raise_short(record: Record, file: SampleFile, needed: int) -> None:
    own = file.sampling_rate
    file.seek(0)
    there = 0
    while length := len(file.read(65536)):
        there += length
    seconds = samples_to_seconds(needed, own)
    raise AudioError(
        f"{file.path}: has {there} samples ({samples_to_seconds(there, own):.3f} s), "
        f"and record {record.id} needs {needed} ({seconds:.3f} s)",
        "the file has changed or is truncated; run im-index again",
    )
