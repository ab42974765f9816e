"""Reading the audio of a record part by part, so that its length does not matter.

Positions are samples at the record's rate, counted from its start; parts are float32 of shape
``(num_samples,)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..arrays import Float32Array
from ..audio.levels import normalize, peak, rms
from ..audio.load import SampleFile, load
from ..manifest import Record
from .render import load_sound

_CHUNK = 2**20
"""Number of samples in memory at a time while a level is measured."""


def read_chunks(read: Callable[[int, int], Float32Array], num_samples: int) -> Iterator[Float32Array]:
    """Yield a signal in chunks of bounded size, at least one.

    Parameters
    ----------
    read : callable
        ``read(begin, end)`` returns the samples between two positions.
    num_samples : int
        Number of samples.
    """
    for begin in range(0, max(1, num_samples), _CHUNK):
        yield read(begin, min(begin + _CHUNK, num_samples))


def measure_level(read: Callable[[int, int], Float32Array], num_samples: int, how: str | None) -> float:
    """Return the level by which a signal is divided to normalise it.

    Parameters
    ----------
    read : callable
        ``read(begin, end)`` returns the samples between two positions, shape (end - begin,).
    num_samples : int
        Number of samples.
    how : {"rms", "peak", None}
        The level; ``None``: do not normalise.

    Returns
    -------
    float
        The RMS or the peak of the whole signal; 1 for silence, and where there is nothing to normalise.
    """
    if how is None:
        return 1.0
    energy = loudest = 0.0
    for part in read_chunks(read, num_samples):
        energy += rms(part) ** 2 * len(part)
        loudest = max(loudest, peak(part))
    level = loudest if how == "peak" else (energy / max(1, num_samples)) ** 0.5
    return level or 1.0


class RecordReader:
    """Reads parts of a record, mono, equal to those of what `load_sound` returns for the whole.

    Mixes are rendered, and kept, as a whole when they are first read: they cannot be rendered in parts.

    Parameters
    ----------
    record : Record
        With an audio file or a recipe. Its rate is the rate of the samples.
    file : SampleFile, optional
        Source of the samples, instead of the record's ``audio``; see `imtools.sound.array`.

    Attributes
    ----------
    num_samples : int
        Length of the record.

    Notes
    -----
    Reading forward is cheap; a step back in a file that cannot be sought (MP3, Ogg) may decode it again
    from the start.
    """

    def __init__(self, record: Record, *, file: SampleFile | None = None) -> None:
        self.num_samples = record.num_samples
        self._file = file
        self._is_mix = file is None and record.audio is None and bool(record.mix)
        self._record = record if self._is_mix else record.replace(normalize=None)
        self._normalize = record.normalize
        self._level: float | None = None if record.normalize else 1.0
        self._whole: Float32Array | None = None

    def hold(self) -> None:
        """Read everything at once and keep it: for records that fit into memory, read more than once."""
        if self._whole is None:
            self._whole = load_sound(self._record) if self._is_mix else self._joined()

    def _joined(self) -> Float32Array:
        # In chunks, because the file may have several channels and a higher rate.
        return normalize(np.concatenate(list(read_chunks(self._load, self.num_samples))), self._normalize)

    def _load(self, begin: int, end: int) -> Float32Array:
        return load(self._record.part(begin, end), file=self._file)

    def read(self, begin: int, end: int) -> Float32Array:
        """Return the samples between two positions.

        Parameters
        ----------
        begin, end : int
            The first sample, and the one after the last.

        Returns
        -------
        ndarray of float32, shape (end - begin,)

        Raises
        ------
        ImtoolsError
            As `load_sound`.
        """
        if self._is_mix:
            self.hold()
        if self._whole is not None:
            return self._whole[begin:end]
        if self._level is None:
            self._level = measure_level(self._load, self.num_samples, self._normalize)
        samples = self._load(begin, end)
        return samples if self._level == 1 else (samples / self._level).astype(samples.dtype)
