"""Decoding through libsndfile, with its blind spots covered.

Measured with libsndfile 1.2.2:

- Seeking is sample-exact in PCM and FLAC only. In Ogg Vorbis a seek into the last page lands off by as
  many samples as that page was trimmed; in MP3 the last bits depend on what was read before. So all
  other files are decoded forward from their start.
- python-soundfile seeks to the current position before and after every read, which has the same effects;
  a file that reports that it cannot seek is read sequentially.
- The length of an MP3 without a Xing header is guessed from its first frame, and decoding stops there,
  even where a variable bit rate makes the file three times as long.
- WAV and AIFF files cut short are read as if they were meant to be that short.
"""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

import numpy as np
import soundfile as sf

from ..arrays import Float32Array
from ..errors import AudioError
from .mp3 import length_header_fits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

_PLAIN = re.compile(r"PCM_.*|FLOAT|DOUBLE|ULAW|ALAW")
# libsndfile's log: the size in the chunk's header, and the size that the file has room for.
_SHORT_CHUNK = re.compile(r"^\s*(?:data|SSND) : (\d+) \(should be (\d+)\)", re.MULTILINE)
# Writers to a pipe cannot know the length and put a value near the 31 or 32-bit limit.
_UNKNOWN_SIZE = 0x7FFFF000
_NO_COUNT = 0x7FFFFFFF_FFFFFFFF
_MP3_STRETCH = 64  # a first frame of 320 kbit/s before others of 8 kbit/s: a factor of 40
_OGG_PAGE = 65307  # largest size of an Ogg page (RFC 3533)

TRUNCATED = "it is truncated or damaged: fetch it again or leave it out"


class UnreadableError(Exception):
    """libsndfile cannot read this file; the message is its reason."""


class _ForwardFile(sf.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A sound file that is read sequentially, without the seeks that python-soundfile adds."""

    def seekable(self) -> bool:
        return False


class _StretchedFile(io.FileIO):
    """A file that claims to be longer than it is, so that an MP3 is decoded until it really ends."""

    def _size(self) -> int:
        return os.fstat(self.fileno()).st_size

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_END:
            return super().seek(offset + _MP3_STRETCH * self._size())
        return super().seek(offset, whence)

    def readinto(self, buffer: Buffer, /) -> int | None:
        if self.tell() <= self._size():
            return super().readinto(buffer)
        # The decoder looks for a tag at the end of the claimed size, and needs bytes there.
        view = memoryview(buffer)
        view[:] = bytes(len(view))
        super().seek(len(view), os.SEEK_CUR)
        return len(view)


class SndfileDecoder:
    """Decoder of everything that libsndfile reads.

    Attributes
    ----------
    sampling_rate, channels : int
        Hz; number of channels.
    num_samples : int or None
        Samples per channel that the file announces; ``None`` if only decoding tells.
    format : str
        For example ``"WAV PCM_16"``.
    counted : bool
        Whether decoding gives ``num_samples``, unless the data are damaged within; otherwise the file may
        have been cut short.
    seekable : bool
        Whether ``seek`` may be called; otherwise only ``rewind`` is available.

    Raises
    ------
    UnreadableError
        If libsndfile cannot open the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._raw: _StretchedFile | None = None
        self.counted = True
        self._file = self._open()
        info = self._file
        self.sampling_rate: int = info.samplerate
        self.channels: int = info.channels
        self.format = f"{info.format} {info.subtype}"
        self.seekable = info.format not in ("OGG", "MP3") and bool(_PLAIN.fullmatch(info.subtype))
        known = self._raw is None and 0 <= info.frames < _NO_COUNT
        self.num_samples: int | None = info.frames if known else None
        self.seekable = self.seekable and known

    def _open(self) -> _ForwardFile:
        file = self._attempt(os.fsencode(self.path))
        if file.format != "MP3":
            return file
        fits = length_header_fits(self.path)
        self.counted = bool(fits)
        if fits is None:
            file.close()
            self._raw = _StretchedFile(os.fsencode(self.path))
            return self._attempt(self._raw)
        return file

    def _attempt(self, source: bytes | io.FileIO) -> _ForwardFile:
        try:
            return _ForwardFile(source)
        except sf.LibsndfileError as error:
            raise UnreadableError(error.error_string.rstrip(".")) from None

    def read(self, frames: int) -> Float32Array:
        """Return the next ``(frames, channels)`` float32 samples, fewer at the end of the file."""
        try:
            block: Float32Array = self._file.read(frames, dtype="float32", always_2d=True)
        except sf.LibsndfileError as error:
            reason = error.error_string.rstrip(".")
            raise AudioError(f"{self.path}: decoding failed ({reason})", TRUNCATED) from None
        return block

    def seek(self, frame: int) -> None:
        """Continue at the given frame of a ``seekable`` file."""
        try:
            self._file.seek(frame)
        except sf.LibsndfileError as error:
            reason = error.error_string.rstrip(".")
            raise AudioError(f"{self.path}: cannot seek to sample {frame} ({reason})", TRUNCATED) from None

    def rewind(self) -> None:
        """Start again at the first frame, with a new decoder."""
        self.close()
        try:
            self._file = self._open()
        except (UnreadableError, OSError) as error:
            raise AudioError(f"{self.path}: cannot be opened again ({error})", TRUNCATED) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def check_complete(self) -> None:
        """Refuse a file whose end is missing, as far as this can be seen without decoding it.

        Raises
        ------
        AudioError
            If a WAV or AIFF chunk is longer than the file, an Ogg stream has no last page, or the last
            frame of another format cannot be decoded.
        """
        for claimed, actual in _SHORT_CHUNK.findall(self._file.extra_info):
            if int(actual) < int(claimed) < _UNKNOWN_SIZE:
                what = f"the header announces {claimed} bytes of audio, and there are {actual}"
                raise AudioError(f"{self.path}: {what}", TRUNCATED)
        if self._file.format == "OGG" and not _has_last_page(self.path):
            raise AudioError(f"{self.path}: the Ogg stream has no last page", TRUNCATED)
        if self.seekable and self.num_samples:
            self.seek(self.num_samples - 1)
            if not len(self.read(1)):
                raise AudioError(f"{self.path}: the last of {self.num_samples} samples is missing", TRUNCATED)
            self.seek(0)


def _has_last_page(path: str) -> bool:
    """Return whether an Ogg file ends with a complete page that is marked as the stream's last."""
    with open(path, "rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - 2 * _OGG_PAGE))
        tail = stream.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or not page[5] & 0x04:
        return False
    segments = page[27 : 27 + page[26]]
    return len(segments) == page[26] and len(page) >= 27 + len(segments) + int(np.sum(list(segments)))
