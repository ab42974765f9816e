"""The length of an MP3 according to its first frame."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_TAGS = (b"Xing", b"Info", b"VBRI")
_FIRST_TAG_BYTES = 2048  # bytes in which the first frame's tag begins
_HAS_FRAMES, _HAS_BYTES = 0x1, 0x2
_SLACK_BYTES = 4096  # some encoders count the first frame, some do not; an ID3v1 tag may follow
_ID3V1 = 128


def length_header_fits(path: str) -> bool | None:
    """Return whether an MP3 has as many bytes as the Xing, Info or VBRI header in its first frame states.

    If so, nothing has been cut off or added since it was written, and the length in samples is right as well.

    Returns
    -------
    bool or None
        ``False`` also where the header does not state bytes and frames; ``None``: there is no such header.
    """
    with open(path, "rb") as stream:
        begin = _skip_id3v2(stream)
        first = stream.read(_FIRST_TAG_BYTES)
        size = os.fstat(stream.fileno()).st_size - begin
        stream.seek(max(0, begin + size - _ID3V1))
        if stream.read(3) == b"TAG":
            size -= _ID3V1
    found = [place for tag in _TAGS if (place := first.find(tag)) >= 0]
    if not found:
        return None
    announced = _announced(first[min(found) :])
    return announced is not None and announced <= size <= announced + _SLACK_BYTES


def _skip_id3v2(stream: BinaryIO) -> int:
    """Skip the tag at the beginning, if any, and return the position after it."""
    head = stream.read(10)
    begin = 0
    if head[:3] == b"ID3" and len(head) == 10:
        for byte in head[6:]:
            begin = begin << 7 | byte & 0x7F
        begin += 10
    stream.seek(begin)
    return begin


def _announced(header: bytes) -> int | None:
    """Return the number of bytes that a header announces, if it states the number of frames as well."""
    if header[:4] == b"VBRI" or len(header) < 16:
        return None
    flags, _, count = struct.unpack(">3I", header[4:16])
    both = _HAS_FRAMES | _HAS_BYTES
    return count if flags & both == both and count else None
