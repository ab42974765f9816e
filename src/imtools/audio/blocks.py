"""Streaming: a file of any length as a sequence of blocks, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

import soxr

from ..arrays import Float32Array
from ..errors import UsageError
from ..units import seconds_to_samples
from .decode import open_audio
from .levels import check_finite, to_mono

RESAMPLING_QUALITY = "HQ"
"""soxr's quality wherever imtools resamples."""


def stream(
    path: str | os.PathLike[str],
    sampling_rate: int | None = None,
    *,
    mono: bool = True,
    block_seconds: float = 10.0,
) -> Iterator[Float32Array]:
    """Yield the samples of a file, block by block.

    Together, the blocks equal the whole file resampled at once, sample for sample, and
    ``units.resampled_length`` is their total length; memory does not grow with the file.

    Parameters
    ----------
    path : path
        An audio file.
    sampling_rate : int, optional
        Hz to resample to; by default the file's own.
    mono : bool
        Whether to return the mean of the channels.
    block_seconds : float
        How much to decode at a time, in seconds.

    Yields
    ------
    ndarray of float32, shape (channels, n)
        One channel if ``mono``; ``n`` varies and is never 0.

    Raises
    ------
    AudioError
        If the file cannot be decoded, is truncated, or holds NaN or infinite samples; the message has
        the position of the first.
    """
    if block_seconds <= 0:
        raise UsageError(f"block length must be above 0 s, not {block_seconds:g}")
    with open_audio(path) as file:
        file.check_complete()
        rate = file.sampling_rate
        size = max(1, seconds_to_samples(block_seconds, rate))
        resampler = None
        if sampling_rate is not None and sampling_rate != rate:
            channels = 1 if mono else file.channels
            resampler = soxr.ResampleStream(
                rate, sampling_rate, channels, dtype="float32", quality=RESAMPLING_QUALITY
            )
        position = 0
        while True:
            frames = file.read(size)
            check_finite(frames, file.path, rate, position)
            position += len(frames)
            last = not len(frames)
            block = to_mono(frames) if mono else frames
            if resampler is not None:
                block = resampler.resample_chunk(block, last=last)
            if len(block):
                yield block.T
            if last:
                return
