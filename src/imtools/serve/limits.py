"""Limits on requests."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UsageError

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on a request, and on all requests together.

    Attributes
    ----------
    upload : int
        Bytes of an upload.
    duration : float
        Seconds of audio.
    timeout : float
        Seconds that an upload may take, that it may wait for a process to decode it, and that this may take;
        a response that takes three times as long in total is abandoned.
    waiting : int
        Requests that are received or answered at the same time; more are refused.
    uploads : int
        Uploads that are received at the same time.
    decoders : int
        Processes that decode.
    memory : int
        Bytes that each of them may use.

    Raises
    ------
    UsageError
        If a limit is not above 0.
    """

    upload: int = 200 * 2**20
    duration: float = 3600.0
    timeout: float = 120.0
    waiting: int = 64
    uploads: int = 32
    decoders: int = 2
    memory: int = 2**30

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise UsageError(f"a limit of {getattr(self, name)} ({name}) allows no request", "raise it")


def parse_size(text: str) -> int:
    """Return the number of bytes of ``"200M"``.

    Raises
    ------
    UsageError If the text is not a size.
    """
    match = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise UsageError(f"{text!r} is not a size", "write bytes, or 500K, 200M, 2G")
    return int(match[1]) * _UNITS[match[2].upper()]
