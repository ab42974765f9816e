"""Decimation by a power of two, with the numbers of soxr's HQ resampler but in torch, in batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from .correlate import correlate

REACH = 104
"""Output samples to either side that an input sample can reach (measured: 97 to 103)."""

BLOCK = 32
"""Output samples of one step of the convolution."""

_Array = npt.NDArray[np.float32]


class Decimator(nn.Module):
    """Keeps one of ``factor`` samples after low-pass filtering, as ``soxr.resample(..., "HQ")`` does.

    soxr is linear, so its filter can be read off its answers to impulses. Two things are not a plain
    convolution. For factors above 2 it works in stages, and what a stage would give before the first
    sample is lost to the next one: ``edge`` holds the difference that this makes to the first outputs.
    And it rounds the length where ``librosa.resample`` rounds up and appends a zero.

    Parameters
    ----------
    factor : int
        A power of two, at least 2.

    Notes
    -----
    The convolution makes ``BLOCK`` outputs a step, each row of its kernel being the filter moved on by
    ``factor`` samples: several times faster than one output a step, which uses each sample only once.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        taps = _taps(factor)
        edge = _edge(factor, taps)
        kernel = np.zeros((BLOCK, 1, len(taps) + (BLOCK - 1) * factor), np.float32)
        for output in range(BLOCK):
            kernel[output, 0, output * factor :][: len(taps)] = taps[::-1]
        gain = factor**0.5  # keeps a signal's energy, which librosa.resample calls scale=True
        self.register_buffer("kernel", torch.from_numpy(kernel * np.float32(gain)), persistent=False)
        self.register_buffer("edge", torch.from_numpy(edge * np.float32(gain)), persistent=False)
        self.kernel: Tensor
        self.edge: Tensor

    def length(self, num_samples: int) -> int:
        """Return the number of outputs for that many samples."""
        return -(-num_samples // self.factor)

    def forward(self, signal: Tensor) -> Tensor:
        """Decimate signals of shape (batch, samples) to (batch, ``length(samples)``)."""
        num_samples, factor = signal.shape[1], self.factor
        length = self.length(num_samples)
        steps = -(-length // BLOCK)
        before = REACH * factor
        after = (steps - 1) * BLOCK * factor + self.kernel.shape[2] - before - num_samples
        blocks = correlate(pad(signal, (before, after)), self.kernel, BLOCK * factor)
        out = blocks.transpose(1, 2).reshape(len(signal), steps * BLOCK)[:, :length]
        if self.edge.numel():
            inputs, outputs = min(num_samples, self.edge.shape[0]), min(length, self.edge.shape[1])
            correction = signal[:, :inputs] @ self.edge[:inputs, :outputs]
            out = out + pad(correction, (0, length - outputs))
        kept = (2 * num_samples + factor) // (2 * factor)  # rounded half up
        return out if kept == length else pad(out[:, :kept], (0, length - kept))


def _answers(factor: int, positions: npt.NDArray[np.intp]) -> _Array:
    """Return what soxr makes of impulses at the positions: (4 * REACH, len(positions))."""
    answers = []
    for part in np.array_split(positions, -(-len(positions) // 64)):
        impulses = np.zeros((4 * REACH * factor, len(part)), np.float32)
        impulses[part, np.arange(len(part))] = 1
        answers.append(soxr.resample(impulses, factor, 1, quality="HQ"))
    return np.concatenate(answers, axis=1)


def _taps(factor: int) -> _Array:
    """Return the impulse response, 2 * REACH * factor + 1 taps about its middle.

    One impulse for each phase, far from both ends: output m answers to the sample p places after the
    impulse's block begins with tap ``factor * m - p``.
    """
    middle = 2 * REACH
    answers = _answers(factor, middle * factor + np.arange(factor))
    return answers[middle - REACH : middle + REACH + 1, ::-1].ravel()[factor - 1 :]


def _edge(factor: int, taps: _Array) -> _Array:
    """Return how the first outputs differ from the plain convolution: (first inputs, first outputs)."""
    if factor == 2:
        return np.zeros((0, 0), np.float32)
    inputs, outputs = np.arange(4 * factor), np.arange(REACH)
    tap = factor * outputs[:, None] - inputs + REACH * factor
    plain = taps[np.clip(tap, 0, len(taps) - 1)] * (tap < len(taps))
    return np.ascontiguousarray((_answers(factor, inputs)[:REACH] - plain).T)
