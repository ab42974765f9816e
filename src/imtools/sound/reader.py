"""Reading the sound of a record stretch by stretch, so that its length does not matter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..audio.levels import Samples, normalize, peak, rms
from ..audio.load import load
from ..manifest import Record
from .render import load_sound

_STRETCH = 2**20
"""Samples that are in memory at a time while a level is measured."""


class RecordReader:
    """Reads stretches of a record, mono, as `load_sound` gives them for the whole.

    Mixes are rendered, and kept, as a whole when they are first read: their parts are not to be had singly.

    Parameters
    ----------
    record : Record
        With an audio file or a recipe. Its rate is the rate of the samples.

    Notes
    -----
    Reading forward is cheap; a step back in a file that cannot be sought (MP3, Ogg) may decode it again
    from the start.
    """

    def __init__(self, record: Record) -> None:
        self.num_samples = record.num_samples
        self._is_mix = record.audio is None and bool(record.mix)
        self._record = record if self._is_mix else record.replace(normalize=None)
        self._normalize = record.normalize
        self._level: float | None = None if record.normalize else 1.0
        self._whole: Samples | None = None

    def hold(self) -> None:
        """Read everything at once and keep it: for records that fit into memory, read more than once."""
        if self._whole is None:
            self._whole = load_sound(self._record) if self._is_mix else self._joined()

    def _joined(self) -> Samples:
        # In stretches, for a file may have several channels and a higher rate.
        return normalize(np.concatenate(list(self._stretches())), self._normalize)

    def _stretches(self) -> Iterator[Samples]:
        for begin in range(0, max(1, self.num_samples), _STRETCH):
            yield load(self._record.part(begin, min(begin + _STRETCH, self.num_samples)))

    def read(self, begin: int, end: int) -> Samples:
        """Return the samples from one position to another, float32 of shape (end - begin,).

        Raises
        ------
        AudioError
            As `load_sound`.
        """
        if self._is_mix:
            self.hold()
        if self._whole is not None:
            return self._whole[begin:end]
        if self._level is None:
            self._level = self._measure()
        samples = load(self._record.part(begin, end))
        return samples if self._level == 1 else (samples / self._level).astype(samples.dtype)

    def _measure(self) -> float:
        """Return what the samples are to be divided by: their RMS or peak, 1 for silence."""
        energy = loudest = 0.0
        for part in self._stretches():
            energy += rms(part) ** 2 * len(part)
            loudest = max(loudest, peak(part))
        level = loudest if self._normalize == "peak" else (energy / self.num_samples) ** 0.5
        return level or 1.0
