"""The musical key of a recording, and the transposition that brings two recordings to one key signature.

The key-finding algorithm is that of Krumhansl and Schmuckler [1]_: the weight of the twelve pitch classes is
correlated with the profiles of Krumhansl and Kessler [2]_ in all 24 keys. Only the weight is our own, taken
from sound instead of notes: the mean over time of imtools' chromagram.

References
----------
.. [1] C. L. Krumhansl, "Cognitive Foundations of Musical Pitch", Oxford University Press, 1990, chapter 4.
.. [2] C. L. Krumhansl and E. J. Kessler, "Tracing the Dynamic Changes in Perceived Tonal Organization in a
   Spatial Representation of Musical Keys", Psychological Review 89(4), 1982.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np
import soxr

from ..arrays import Float32Array, Float64Array
from ..audio.blocks import RESAMPLING_QUALITY
from ..audio.levels import peak

if TYPE_CHECKING:
    from ..features.front_ends.base import FrontEnd

Mode = Literal["major", "minor"]

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""Names of the pitch classes from 0 up."""

MIN_SECONDS = 0.5
"""Minimum duration for a key estimate, in seconds."""

MAX_SECONDS = 60.0
"""Maximum duration that is analysed, from the start, in seconds; bounds the memory."""

MIN_SPREAD = 0.3
"""Minimum standard deviation of the weights of the pitch classes, as a fraction of their mean.

White noise has 0.03 (three seconds of it), the edges of a constant 0.25; of 143 recordings of instruments
none has less than 0.34, and a tone has 3.
"""

_PROFILES: dict[Mode, tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""How well each pitch class fits, from the tonic up: the ratings of Krumhansl and Kessler (1982)."""

_building = Lock()


@dataclass(frozen=True)
class Key:
    """A musical key.

    Attributes
    ----------
    tonic : int
        Pitch class of the tonic, from 0 (C) to 11 (B).
    mode : str
        ``"major"`` or ``"minor"``.
    """

    tonic: int
    mode: Mode

    @property
    def name(self) -> str:
        """The name with sharps, such as ``"F# minor"``."""
        return f"{TONICS[self.tonic]} {self.mode}"

    @property
    def signature(self) -> int:
        """Pitch class of the major key that has the same key signature: C for A minor."""
        return self.tonic if self.mode == "major" else (self.tonic + 3) % 12


def estimate_key(samples: Float32Array, sampling_rate: int) -> Key | None:
    """Return the key that best fits the pitch classes of a recording.

    Parameters
    ----------
    samples : ndarray of shape (n,), float32
        Mono, at any level, finite, tuned to A4 = 440 Hz. At most the first minute is analysed.
    sampling_rate : int
        Hz.

    Returns
    -------
    Key or None
        ``None`` where no key is found: silence, noise, less than half a second. A single note has a key,
        the one of which it is most likely the tonic: read it as a pitch class.

    Notes
    -----
    Thread-safe.
    """
    if len(samples) < MIN_SECONDS * sampling_rate:
        return None
    weights = _pitch_classes(samples[: round(MAX_SECONDS * sampling_rate)], sampling_rate)
    if weights is None or weights.std() < MIN_SPREAD * weights.mean():
        return None
    fits = _standardised_profiles() @ weights  # correlations, up to a common factor
    best = int(np.argmax(fits))
    return Key(best % 12, "major" if best < 12 else "minor")


def interval(first: Key, second: Key) -> int:
    """Return the transposition of the second key that gives it the key signature of the first.

    Parameters
    ----------
    first, second : Key
        A major key and its relative minor have one signature: C major and A minor.

    Returns
    -------
    int
        Semitones, the smallest movement; in -5..6: a tritone goes up.
    """
    return (first.signature - second.signature + 5) % 12 - 5


def _pitch_classes(samples: Float32Array, sampling_rate: int) -> Float64Array | None:
    """Return the mean magnitude of the pitch classes from C up; ``None`` for silence."""
    level = peak(samples)
    if level == 0:
        return None
    import torch

    model = _chromagram()
    y = (samples / np.float64(level)).astype(np.float32)
    if sampling_rate != model.sampling_rate:
        y = soxr.resample(y, sampling_rate, model.sampling_rate, quality=RESAMPLING_QUALITY)
    if len(y) < model.min_samples:
        return None
    with torch.inference_mode():
        chroma = model(torch.from_numpy(y)[None])[0]
    weights: Float64Array = chroma.mean(dim=1).double().numpy()
    return weights


def _chromagram() -> FrontEnd:
    with _building:  # two threads would otherwise build two
        return _build_chromagram()


@cache
def _build_chromagram() -> FrontEnd:
    from ..features.presets import front_end

    return front_end(kind="chroma", norm="none")


@cache
def _standardised_profiles() -> Float64Array:
    """Return the 24 profiles, (24, 12), of mean 0 and norm 1: major keys from C up, then minor ones."""
    rows = np.array([np.roll(profile, tonic) for profile in _PROFILES.values() for tonic in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    standardised: Float64Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return standardised
