"""Arrays that are read as files are.

`ArrayFile` takes the place of the open audio file, so that resampling,
padding and normalising an array give the same samples as the file that it came from.

Arrays of samples have shape ``(num_samples,)`` or ``(channels, num_samples)``; full scale is 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float32Array
from ..errors import AudioError, UsageError
from ..manifest import Record
from ..units import samples_to_seconds


class ArrayFile:
    """Samples in memory, read as `imtools.audio.AudioFile` reads those of a file.

    Parameters
    ----------
    samples : array_like of float, shape (num_samples,) or (channels, num_samples)
        Full scale is 1; converted to float32.
    sampling_rate : int
        Hz.
    name : str
        Name of the array in messages.

    Attributes
    ----------
    path : str
        The name.
    sampling_rate, channels, num_samples : int
        Hz; number of channels; samples per channel.

    Raises
    ------
    UsageError
        If the array has another shape, is not of floating-point numbers, or the rate is not a positive
        integer.
    AudioError
        If it holds no samples.

    Examples
    --------
    >>> file = ArrayFile(np.zeros((2, 44100), np.float32), 44100)
    >>> file.read(1000).shape
    (1000, 2)
    """

    def __init__(self, samples: ArrayLike, sampling_rate: int, name: str = "array") -> None:
        if np.ma.isMaskedArray(samples):
            raise UsageError("samples are a masked array", "fill it, such as with samples.filled(0)")
        try:
            array = np.asarray(samples)
        except (RuntimeError, TypeError, ValueError) as error:  # ragged lists; tensors with gradients
            raise UsageError(f"samples cannot be read as an array ({error})", "pass a NumPy array") from None
        if array.ndim not in (1, 2):
            what = f"samples of shape {array.shape} are not (num_samples,) or (channels, num_samples)"
            raise UsageError(what, "pass the samples of one recording")
        if array.size == 0:
            raise AudioError(f"{name}: has no samples", "leave it out")
        array = np.atleast_2d(array)
        if array.shape[0] > array.shape[1]:
            what = f"samples of shape {array.shape} are not (channels, num_samples)"
            raise UsageError(what, "transpose the array")
        if not np.issubdtype(array.dtype, np.floating):
            integers = np.issubdtype(array.dtype, np.integer)
            hint = (
                "divide them by the full scale: 32768 for 16 bits" if integers else "pass float32 or float64"
            )
            raise UsageError(f"samples of dtype {array.dtype} are not floating-point numbers", hint)
        self.path = name
        self.sampling_rate = _checked_rate(sampling_rate)
        self.channels, self.num_samples = array.shape
        # The layout of decoded blocks: sums over samples then give the same rounding.
        self._frames = np.ascontiguousarray(array.T, dtype=np.float32)
        self._position = 0

    def seek(self, frame: int) -> None:
        """Let the next ``read`` start at the given frame (a sample position, from 0)."""
        self._position = frame

    def read(self, frames: int) -> Float32Array:
        """Return samples from the current position on.

        Parameters
        ----------
        frames : int
            How many samples per channel.

        Returns
        -------
        ndarray of float32, shape (frames, channels)
            A copy; fewer frames only at the end of the array.
        """
        part = self._frames[self._position : self._position + frames].copy()
        self._position += len(part)
        return part

    def record(self, id: str = "array") -> Record:
        """Return a record of the whole array under an id; its ``audio`` is ``None``."""
        return Record(
            id=id,
            audio=None,
            start=0.0,
            duration=samples_to_seconds(self.num_samples, self.sampling_rate),
            sampling_rate=self.sampling_rate,
            num_samples=self.num_samples,
            groups=[id],
        )


def _checked_rate(sampling_rate: Any) -> int:
    try:
        rate = 0 if isinstance(sampling_rate, bool | np.bool_) else int(sampling_rate)
    except (TypeError, ValueError, OverflowError):
        rate = 0
    if rate < 1 or rate != sampling_rate:
        raise UsageError(f"sampling rate {sampling_rate!r} is not a positive integer", "pass the rate in Hz")
    return rate
