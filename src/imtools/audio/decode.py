"""Opening audio files: their exact properties, and their samples from any position.

libsndfile comes first; an ffmpeg pipe reads what it cannot. Samples are float32 of shape
``(frames, channels)``.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import Protocol

import numpy as np

from ..arrays import Float32Array
from ..errors import AudioError
from . import ffmpeg
from .libsndfile import TRUNCATED, SndfileDecoder, UnreadableError

BLOCK = 65536
"""Frames decoded at a time."""

WITHOUT_FFMPEG = "check that it is complete audio; for m4a, aac, wma and the like, install ffmpeg"
"""The hint for a file that libsndfile cannot read."""

_BACKLOG_BLOCKS = 16  # blocks kept of a file that can only be decoded forward: 24 s at 44.1 kHz


class Decoder(Protocol):
    """Reads samples from a file, from the first to the last; see ``SndfileDecoder``."""

    sampling_rate: int
    channels: int
    num_samples: int | None
    counted: bool
    format: str
    seekable: bool

    def read(self, frames: int) -> Float32Array: ...  # noqa: D102
    def seek(self, frame: int) -> None: ...  # noqa: D102
    def rewind(self) -> None: ...  # noqa: D102
    def check_complete(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The content of an audio file.

    Attributes
    ----------
    sampling_rate : int
        Hz.
    num_samples : int
        Samples per channel after decoding.
    channels : int
        Number of channels.
    format : str
        Container and encoding, for example ``"WAV PCM_16"``, or ``"ffmpeg"`` where that decodes the file.
    """

    sampling_rate: int
    num_samples: int
    channels: int
    format: str


class AudioFile:
    """An open audio file; a context manager.

    Where the format allows an exact seek it is used. Otherwise the file is decoded forward, the last 16
    blocks are kept for steps back, and a longer step starts again at the beginning: slower, but a sample
    does not depend on how it was reached.

    Attributes
    ----------
    path : str
        As given.
    sampling_rate, channels : int
        Hz; number of channels.
    """

    def __init__(self, path: str, decoder: Decoder) -> None:
        self.path = path
        self.sampling_rate = decoder.sampling_rate
        self.channels = decoder.channels
        self._decoder = decoder
        self._position = 0
        self._decoded = 0  # position of the decoder
        self._backlog: deque[Float32Array] = deque()  # the blocks that end at self._decoded

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and end the process that decodes it, if any."""
        self._backlog.clear()
        self._decoder.close()

    def check_complete(self) -> None:
        """Refuse a file whose end is missing, as far as this can be seen without decoding it.

        Call it before the first ``read``.

        Raises
        ------
        AudioError
            If the file announces more than it holds.
        """
        self._decoder.check_complete()

    def examine(self, longest: float | None = None) -> AudioInfo:
        """Determine the content of the file and check that it is complete; see `probe`.

        Call it before the first ``read``.

        Parameters
        ----------
        longest : float, optional
            The longest duration that is accepted, in seconds: decoding stops there.

        Raises
        ------
        AudioError
            If the file cannot be decoded, is truncated, has no samples, or is too long.
        """
        most = inf if longest is None else longest * self.sampling_rate
        decoder = self._decoder
        announced = decoder.num_samples
        self._check_length(announced or 0, most)
        self.check_complete()
        if announced is None or not decoder.counted:
            count = self._count(most)
            self._check_length(count, most)
        else:
            count = announced
        if count == 0:
            raise AudioError(f"{self.path}: has no samples", "leave it out")
        return AudioInfo(self.sampling_rate, count, self.channels, decoder.format)

    def _check_length(self, count: int, most: float) -> None:
        if count > most:
            what = f"is longer than {most / self.sampling_rate:g} s"
            raise AudioError(f"{self.path}: {what}", "cut it into shorter pieces")

    def _count(self, most: float) -> int:
        """Count the samples, at least up to ``most``."""
        count = 0
        while count <= most and (length := len(self.read(BLOCK))):
            count += length
        return count

    @property
    def is_held(self) -> bool:
        """Whether everything that has been decoded, from the first frame on, is still in memory."""
        return 0 < self._decoded == sum(map(len, self._backlog))

    def seek(self, frame: int) -> None:
        """Let the next ``read`` start at the given frame (a sample position, from 0)."""
        if frame < 0:
            raise ValueError(f"frame must not be negative: {frame}")
        self._position = frame

    def read(self, frames: int) -> Float32Array:
        """Decode from the current position.

        Parameters
        ----------
        frames : int
            How many samples per channel.

        Returns
        -------
        ndarray of float32, shape (frames, channels)
            Fewer frames only at the end of the file.

        Raises
        ------
        AudioError
            If decoding fails, or ends before the length that the file itself announces.
        """
        samples = self._read_seekable(frames) if self._decoder.seekable else self._read_forward(frames)
        self._position += len(samples)
        announced = self._decoder.num_samples
        if len(samples) < frames and announced is not None and self._position < announced:
            what = f"decoding stops after {self._position} of {announced} samples"
            raise AudioError(f"{self.path}: {what}", TRUNCATED)
        return samples

    def _read_seekable(self, frames: int) -> Float32Array:
        total = self._decoder.num_samples or 0
        frames = max(0, min(frames, total - self._position))
        if frames and self._position != self._decoded:
            self._decoder.seek(self._position)
        samples = self._decoder.read(frames) if frames else self._empty()
        self._decoded = self._position + len(samples) if frames else self._decoded
        return samples

    def _read_forward(self, frames: int) -> Float32Array:
        if self._position < self._decoded - sum(map(len, self._backlog)):
            self._backlog.clear()
            self._decoder.rewind()
            self._decoded = 0
        span = slice(self._position, self._position + frames)
        parts = [self._empty()]
        start = self._decoded - sum(map(len, self._backlog))
        for block in self._backlog:
            parts.append(_overlap(block, start, span))
            start += len(block)
        while self._decoded < span.stop and len(block := self._decoder.read(BLOCK)):
            # A block that is only passed over must not be kept alive by an empty view of it.
            if self._decoded + len(block) > span.start:
                parts.append(_overlap(block, self._decoded, span))
            self._decoded += len(block)
            self._backlog.append(block)
            if len(self._backlog) > _BACKLOG_BLOCKS:
                self._backlog.popleft()
        return np.concatenate(parts)

    def _empty(self) -> Float32Array:
        return np.zeros((0, self.channels), dtype=np.float32)


def _overlap(block: Float32Array, start: int, span: slice) -> Float32Array:
    """Return the frames of a span that are in a block, which starts at frame ``start``."""
    return block[max(0, span.start - start) : max(0, span.stop - start)]


def _open_decoder(name: str) -> Decoder:
    _check_file(name)
    try:
        return SndfileDecoder(name)
    except UnreadableError as error:
        if ffmpeg.installed():
            try:
                return ffmpeg.FfmpegDecoder(name)
            except AudioError as second:
                raise AudioError(f"{second.message}, nor can libsndfile ({error})", second.hint) from None
        raise AudioError(f"{name}: cannot be decoded ({error})", WITHOUT_FFMPEG) from None


def _check_file(name: str) -> None:
    """Refuse anything that is not a readable file, so that the error is not about its audio."""
    try:
        with open(name, "rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        hint = "check the path and its permissions"
        raise AudioError(f"{name}: cannot be read ({error.strerror})", hint) from None
    except ValueError as error:  # a NUL in the name
        raise AudioError(f"{name!r}: is not a file name ({error})", "check the path") from None
    if empty:
        raise AudioError(f"{name}: the file is empty", "fetch it again or leave it out")


def open_audio(path: str | os.PathLike[str]) -> AudioFile:
    """Open an audio file for reading.

    Parameters
    ----------
    path : path
        Any name that the file system has, undecodable bytes as surrogates.

    Returns
    -------
    AudioFile
        To be used in a ``with`` statement, or closed.

    Raises
    ------
    AudioError
        If it cannot be read, or neither libsndfile nor ffmpeg (where installed) decodes it.
    """
    name = os.fspath(path)
    return AudioFile(name, _open_decoder(name))


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """Determine the content of an audio file and check that it is complete.

    The length is exact: where no trustworthy header gives it (MP3s without one, or whose size differs from
    it; everything that ffmpeg decodes), the file is decoded to count it.

    Parameters
    ----------
    path : path
        An audio file.

    Raises
    ------
    AudioError
        If the file cannot be decoded, is truncated, or has no samples.
    """
    with open_audio(path) as file:
        return file.examine()
