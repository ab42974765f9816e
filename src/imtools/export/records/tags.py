"""The field ``INSTRUMENT_ML`` in the tags of audio files, read and written with mutagen."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...atomic import replacing
from ...errors import AudioError, ImtoolsError
from ...manifest import Record
from .files import audio_of, not_whole, whole_file

FIELD = "INSTRUMENT_ML"
"""The field: it may hold any number of values, one for each instrument."""

_MP4_FIELD = f"----:com.apple.iTunes:{FIELD}"
_ID3_FIELD = f"TXXX:{FIELD}"
_UTF16, _UTF8 = 1, 3
_V1_REACH = 256
"""Bytes at the end of a file within which mutagen may look for, and write, an ID3v1 tag."""
_MAX_DURATION_ERROR = 0.1
"""Seconds by which a header's length may exceed the decoded length: the padding of an encoder."""


def check_mutagen() -> None:
    """Raise ImtoolsError if mutagen is not installed."""
    if importlib.util.find_spec("mutagen") is None:
        raise ImtoolsError("reading and writing tags needs mutagen", "run: pip install 'imtools[tags]'")


def read_field(path: str | os.PathLike[str]) -> list[str]:
    """Return the values of the field in a file; none where there is no such field.

    Raises
    ------
    AudioError
        If the file is not audio, or of a kind without such tags.
    """
    with _naming(path):
        return _Tags(os.fspath(path)).values()


def write_field(path: str | os.PathLike[str], values: Sequence[str], *, keep_time: bool = False) -> None:
    """Set the values of the field in a file; without values, remove it.

    A copy beside the file is changed and then takes its place, so that either the old file or the new one
    exists at any time. All other tags, the audio, and the file's mode stay as they are; other hard links to
    the file keep the old one. Files without tags get ID3 version 2.4; tags that exist keep their version.

    Parameters
    ----------
    path : path
        FLAC, Ogg (Vorbis, Opus, FLAC, Speex), MP3, WAV, AIFF or MP4. A link is followed.
    values : sequence of str
        In this order.
    keep_time : bool
        Keep the modification time, too.

    Raises
    ------
    AudioError
        If the file is not audio, of a kind without such tags, read-only, or has tags that could not be
        kept as they are.
    OSError
        If the copy cannot be made.
    """
    if read_field(path) == list(values):
        return
    target = Path(os.path.realpath(path))
    if not os.access(target, os.W_OK):
        raise AudioError(f"{os.fspath(path)}: is not writable", "change its mode, or leave it out")
    status = os.stat(target)
    with replacing(target) as temporary:
        shutil.copyfile(target, temporary)
        shutil.copystat(target, temporary)
        with _naming(path):
            _change(str(target), str(temporary), values)
        with suppress(OSError):  # only root can change the owner
            os.chown(temporary, status.st_uid, status.st_gid)
        if keep_time:
            os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))


def check_whole(record: Record) -> str:
    """Return the file of a record that covers all of it, by its header if that is reliable.

    Raises
    ------
    AudioError
        If the record is a part of a file, or the file has no tags that can be written.
    """
    path = audio_of(record)
    if record.start > 0 or record.padding > 0:
        raise not_whole(record)
    with _naming(record.audio or path):
        info = _Tags(path).file.info
    guessed = getattr(info, "bitrate_mode", None) == 0  # an MP3 whose length is estimated from its size
    if guessed or record.duration < info.length - _MAX_DURATION_ERROR:
        return whole_file(record)
    return path


def _change(original: str, copy: str, values: Sequence[str]) -> None:
    before = _Tags(original)
    changed = _Tags(copy)
    changed.set(values)
    changed.save()
    if before.leads:
        _restore_tail(original, before.size, copy, _Tags(copy).size)
    after = _Tags(copy)
    if after.values() != list(values) or after.others() != before.others():
        raise AudioError(f"{original}: its other tags would be changed", "leave it out, or repair its tags")


def _restore_tail(original: str, old_size: int, copy: str, new_size: int) -> None:
    """Restore what follows the tag: mutagen rewrites an ID3v1 tag at the end."""
    length = os.stat(original).st_size - old_size
    reach = min(length, _V1_REACH)
    with open(original, "rb") as stream:
        stream.seek(-reach, os.SEEK_END)
        tail = stream.read()
    with open(copy, "rb+") as stream:
        stream.seek(new_size + length - reach)
        stream.write(tail)
        stream.truncate()


class _Tags:
    """The tags of one file, whatever its format.

    Attributes
    ----------
    file : mutagen.FileType
        The file.
    leads : bool
        Whether the tags are a block before the audio, after which there may be others.
    size : int
        Bytes of that block.
    """

    def __init__(self, path: str) -> None:
        check_mutagen()
        self._path = path
        module = importlib.import_module
        found = module("mutagen").File(path)
        if found is None:
            raise AudioError(f"{path}: is not an audio file whose tags can be written", "leave it out")
        id3 = (module("mutagen.mp3").MP3, module("mutagen.wave").WAVE, module("mutagen.aiff").AIFF)
        self.file: Any = found
        self.leads = isinstance(found, id3[0])
        self._id3 = isinstance(found, id3)
        self._mp4 = isinstance(found, module("mutagen.mp4").MP4)
        if self._id3:
            # Frames as they are in the file: not those of an ID3v1 tag, not those of another version.
            self.file = type(found)(path, translate=False, **({"load_v1": False} if self.leads else {}))
        tags = self.file.tags
        comments = module("mutagen._vorbis").VComment
        if not (self._id3 or self._mp4 or isinstance(tags, comments) or hasattr(found, "metadata_blocks")):
            kind = type(found).__name__
            raise AudioError(f"{path}: tags of {kind} files cannot be written", "leave it out")
        if self._id3 and tags is not None and tags.version < (2, 3):
            hint = "convert them to version 2.3 or 2.4 first"
            raise AudioError(f"{path}: has tags of ID3 version 2.2, which cannot be kept", hint)
        self.size = int(tags.size) if self.leads and tags is not None else 0

    @property
    def _key(self) -> str:
        return _ID3_FIELD if self._id3 else _MP4_FIELD if self._mp4 else FIELD

    def values(self) -> list[str]:
        """Return the values of the field."""
        tags = self.file.tags
        if tags is None or self._key not in tags:
            return []
        held = tags[self._key]
        if self._id3:
            return [str(value) for value in held.text]
        if self._mp4:
            return [bytes(value).decode("utf-8", "replace") for value in held]
        return [str(value) for value in held]

    def others(self) -> tuple[Any, Any]:
        """Return all other tags, known and unknown, for comparison."""
        tags = self.file.tags
        if tags is None:
            return [], []
        if self._id3:
            frames = sorted((key, repr(frame)) for key, frame in tags.items() if key != self._key)
            return frames, sorted(map(bytes, tags.unknown_frames))
        if self._mp4:
            return sorted((key, repr(value)) for key, value in tags.items() if key != self._key), []
        pairs = [(key, value) for key, value in tags if key.upper() != FIELD]
        if any("\ufffd" in value for _, value in pairs):
            raise AudioError(f"{self._path}: has comments that are not UTF-8", "repair its tags first")
        return pairs, []

    def set(self, values: Sequence[str]) -> None:
        """Change the field, in memory."""
        if self.file.tags is None:
            self.file.add_tags()
        tags = self.file.tags
        if not values:
            if self._key in tags:
                del tags[self._key]
        elif self._id3:
            encoding = _UTF16 if self._version == 3 else _UTF8
            frame = importlib.import_module("mutagen.id3").TXXX
            tags.add(frame(encoding=encoding, desc=FIELD, text=list(values)))
        elif self._mp4:
            form = importlib.import_module("mutagen.mp4").MP4FreeForm
            tags[self._key] = [form(value.encode("utf-8")) for value in values]
        else:
            tags[self._key] = list(values)

    @property
    def _version(self) -> int:
        version = getattr(self.file.tags, "version", (2, 4, 0))
        return 3 if version[:2] == (2, 3) else 4

    def save(self) -> None:
        """Write the tags into the file."""
        if self._id3:
            # Values are separated by NUL in 2.3 too: joining them would change those of other fields.
            self.file.save(v2_version=self._version, v23_sep=None)
        else:
            self.file.save()


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn errors of mutagen into one that names the file."""
    check_mutagen()
    mutagen = importlib.import_module("mutagen")
    try:
        yield
    except mutagen.MutagenError as error:
        reason = str(error) or type(error).__name__
        raise AudioError(f"{os.fspath(path)}: its tags cannot be read or written ({reason})") from None
