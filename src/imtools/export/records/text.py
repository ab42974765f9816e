"""Text that holds any file name: bytes for a stream, and lines that stay one line."""

from __future__ import annotations


def to_bytes(text: str) -> bytes:
    """Return text as UTF-8; bytes of a file name that are not UTF-8 become what they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        return text.encode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """Return text for people: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
