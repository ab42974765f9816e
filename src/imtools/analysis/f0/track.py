"""The fundamental frequency of a signal over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import BoolArray, Float32Array

RATE = 16000
"""Sampling rate in Hz at which f0 is estimated."""

HOP = 160
"""Samples at that rate from one frame to the next: 10 ms."""

FRAMES_PER_SECOND = RATE / HOP

VOICED = 0.5
"""Confidence from which a frame counts as voiced."""


@dataclass(frozen=True, slots=True)
class F0Track:
    """Estimates every 10 ms; the first is of the signal's first sample.

    Attributes
    ----------
    f0 : ndarray of float32, shape (frames,)
        Hz; meaningless where the confidence is low.
    confidence : ndarray of float32, shape (frames,)
        From 0, unvoiced, to 1.
    """

    f0: Float32Array
    confidence: Float32Array

    def __len__(self) -> int:
        return len(self.f0)

    @property
    def voiced(self) -> BoolArray:
        """Whether each frame is voiced."""
        return self.confidence >= VOICED

    def to_bytes(self) -> bytes:
        """Return the track in bytes."""
        return np.stack([self.f0, self.confidence]).astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> F0Track:
        """Return the track of `to_bytes`.

        Raises
        ------
        ValueError
            If the bytes are not those of a track.
        """
        f0, confidence = np.frombuffer(data, "<f4").reshape(2, -1)
        return cls(f0, confidence)


def num_frames(num_samples: int) -> int:
    """Return how many frames ``num_samples`` at 16 kHz have."""
    return 1 + num_samples // HOP
