"""f0 by CREPE: frames, the net, and a decoder that is deterministic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...arrays import Float32Array, IntArray
from .net import BINS, FRAME, load_crepe
from .track import HOP, F0Track, num_frames

_BATCH = 64
"""Frames per batch: always the same number, so that results do not depend on it."""

_CENTS = 1997.3794084376191 + 20 * np.arange(BINS)  # above 10 Hz: 32.7 Hz (C1) to 1975.5 Hz (B6)
_HALF_WIDTH_BINS = 4  # bins on either side of the largest that are averaged
_FRAMES_PER_CHUNK = 4096  # frames of one signal that are in memory

_MIN_RMS = 1e-7
"""RMS of a frame below which it is silence: -140 dB, under the steps of 24 bits."""


@torch.inference_mode()
def crepe(
    signals: Sequence[Float32Array], capacity: str, device: torch.device, dtype: torch.dtype
) -> list[F0Track]:
    """Estimate the f0 of signals.

    Frames of 64 ms are centred every 10 ms, with zeros beyond the ends, and each is brought to mean 0 and
    standard deviation 1. The estimate is the mean of the pitches of nine bins around the most active one,
    weighted with their activations, and the confidence is the activation of that bin (Kim et al. 2018,
    section 2; no Viterbi decoding, as the reference implementation does by default). Silent frames have
    confidence 0.

    Parameters
    ----------
    signals : list of ndarray of float32, shape (n,)
        At 16 kHz.
    capacity : {"full", "tiny"}
        Size of the net.
    device : torch.device
        Where to compute.
    dtype : torch.dtype
        float32, or bfloat16 for faster products.

    Returns
    -------
    list of F0Track
        One for each signal, which does not depend on the other signals.

    Raises
    ------
    ModelError
        If the weights are missing.
    """
    net = load_crepe(capacity, device, dtype)
    tracks = [_silent(num_frames(len(signal))) for signal in signals]
    places: list[tuple[F0Track, IntArray]] = []
    results = [
        decode(net(batch.to(device))[:count].cpu().numpy())
        for batch, count in _batches(_audible(signals, tracks, places))
    ]
    if results:
        f0, confidence = (np.concatenate(values) for values in zip(*results, strict=True))
        begin = 0
        for track, frames in places:
            end = begin + len(frames)
            track.f0[frames], track.confidence[frames] = f0[begin:end], confidence[begin:end]
            begin = end
    return tracks


def _silent(frames: int) -> F0Track:
    return F0Track(np.zeros(frames, np.float32), np.zeros(frames, np.float32))


def _audible(
    signals: Sequence[Float32Array],
    tracks: Sequence[F0Track],
    places: list[tuple[F0Track, IntArray]],
) -> Iterator[Tensor]:
    """Yield the frames that are not silent, standardised, and note where their estimates belong."""
    for signal, track in zip(signals, tracks, strict=True):
        padded = functional.pad(torch.from_numpy(signal), (FRAME // 2, FRAME // 2))
        windows = padded.unfold(0, FRAME, HOP)[: len(track)]
        for first in range(0, len(windows), _FRAMES_PER_CHUNK):
            some = windows[first : first + _FRAMES_PER_CHUNK]
            deviations, means = torch.std_mean(some, dim=1, correction=0, keepdim=True)
            audible = deviations[:, 0] > _MIN_RMS
            places.append((track, first + np.flatnonzero(audible.numpy())))
            yield ((some - means) / deviations)[audible]


def _batches(frames: Iterable[Tensor]) -> Iterator[tuple[Tensor, int]]:
    """Yield batches of one size, the last one filled up with zeros, and how many rows of each are frames."""
    waiting = torch.empty(0, FRAME)
    for some in frames:
        waiting = torch.cat([waiting, some])
        full = len(waiting) - len(waiting) % _BATCH
        yield from ((batch, _BATCH) for batch in torch.split(waiting[:full], _BATCH) if len(batch))
        waiting = waiting[full:]
    if count := len(waiting):
        yield functional.pad(waiting, (0, 0, 0, _BATCH - count)), count


def decode(activations: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return f0 in Hz and confidence, each of shape (frames,), of activations (frames, 360)."""
    rows = np.arange(len(activations))
    best = activations.argmax(axis=1)
    near = best[:, None] + np.arange(-_HALF_WIDTH_BINS, _HALF_WIDTH_BINS + 1)
    inside = (near >= 0) & (near < BINS)
    near = near.clip(0, BINS - 1)
    weights = np.where(inside, activations[rows[:, None], near].astype(np.float64), 0.0)
    cents = (weights * _CENTS[near]).sum(axis=1) / weights.sum(axis=1)
    return (10 * 2 ** (cents / 1200)).astype(np.float32), activations[rows, best]
