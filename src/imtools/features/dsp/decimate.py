"""Decimation by a power of two, with the numbers of soxr's HQ resampler but in torch, in batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor, nn

from ...arrays import Float32Array
from .correlate import Correlation

BLOCK = 32
"""Maximum number of output samples per step of the convolution."""

_TAPS_PER_CHUNK = 512
"""Maximum number of taps summed at once: frequencies beyond the filter's band have to cancel exactly."""


class Decimator(nn.Module):
    """Keeps one of ``factor`` samples after low-pass filtering, as ``soxr.resample(..., "HQ")`` does.

    soxr is linear, so its impulse responses give its filter. Two things are not a plain convolution. For
    factors above 2 it works in stages, and what a stage would output before the first sample does not reach
    the next one: ``edge`` holds the difference that this makes to the first outputs. And it rounds the
    length where ``librosa.resample`` rounds up and appends a zero.

    Parameters
    ----------
    factor : int
        A power of two, at least 2.

    Attributes
    ----------
    reach : int
        Input samples to either side of its place on which an output depends.

    Notes
    -----
    The convolution gives up to ``BLOCK`` outputs a step, each row of its kernel being the filter shifted by
    ``factor`` samples: several times faster than one output a step, which uses each sample only once.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.reach = _reach(factor) * factor
        taps = _taps(factor)
        block = max(1, min(BLOCK, _TAPS_PER_CHUNK // factor))
        kernels = np.zeros((block, len(taps) + (block - 1) * factor), np.float32)
        for output, kernel in enumerate(kernels):
            kernel[output * factor :][: len(taps)] = taps[::-1]
        gain = np.float32(factor**0.5)  # keeps a signal's energy, as librosa.resample with scale=True
        self.filter = Correlation(kernels * gain, block * factor, self.reach, _TAPS_PER_CHUNK)
        self.register_buffer("edge", torch.from_numpy(_edge(factor, taps) * gain), persistent=False)
        self.edge: Tensor

    def length(self, num_samples: int) -> int:
        """Return the number of outputs for that many samples."""
        return -(-num_samples // self.factor)

    def forward(self, signal: Tensor) -> Tensor:
        """Decimate signals of shape (batch, samples) to (batch, ``length(samples)``)."""
        return self.extended(signal, signal.shape[1])[:, : self.length(signal.shape[1])]

    def extended(self, signal: Tensor, num_samples: int) -> Tensor:
        """Decimate zero-padded signals to zero-padded signals, which saves copying.

        Parameters
        ----------
        signal : Tensor, shape (batch, samples)
            Zero from ``num_samples`` on.
        num_samples : int
            Length of the signals proper.

        Returns
        -------
        Tensor, shape (batch, outputs), contiguous
            Zero from ``length(num_samples)`` on, to the end of a block.
        """
        out: Tensor = self.filter(signal).flatten(1)
        if self.edge.numel():
            inputs, outputs = min(signal.shape[1], self.edge.shape[0]), min(out.shape[1], self.edge.shape[1])
            out[:, :outputs] += signal[:, :inputs] @ self.edge[:inputs, :outputs]
        out[:, (2 * num_samples + self.factor) // (2 * self.factor) :] = 0  # rounded half up
        return out


def _reach(factor: int) -> int:
    """Return how many outputs an input can reach to either side, in whole blocks.

    Measured: 97 to 103. Beyond 96 the response is smaller than the rounding of soxr's own filter when it
    halves.
    """
    return (3 if factor == 2 else 4) * BLOCK


def _responses(factor: int, positions: npt.NDArray[np.intp]) -> Float32Array:
    """Return soxr's responses to impulses at the positions: (4 * reach, len(positions))."""
    responses = []
    for part in np.array_split(positions, -(-len(positions) // 64)):
        impulses = np.zeros((4 * _reach(factor) * factor, len(part)), np.float32)
        impulses[part, np.arange(len(part))] = 1
        responses.append(soxr.resample(impulses, factor, 1, quality="HQ"))
    return np.concatenate(responses, axis=1)


def _taps(factor: int) -> Float32Array:
    """Return the impulse response, 2 * reach * factor + 1 taps about its middle.

    One impulse for each phase, far from both ends: in output m, the sample at place p of the impulse's
    block is multiplied with tap ``factor * m - p``.
    """
    reach = _reach(factor)
    responses = _responses(factor, 2 * reach * factor + np.arange(factor))
    return responses[reach : 3 * reach + 1, ::-1].ravel()[factor - 1 :]


def _edge(factor: int, taps: Float32Array) -> Float32Array:
    """Return how the first outputs differ from the plain convolution: (first inputs, first outputs)."""
    if factor == 2:
        return np.zeros((0, 0), np.float32)
    reach = _reach(factor)
    inputs, outputs = np.arange(4 * factor), np.arange(reach)
    tap = factor * outputs[:, None] - inputs + reach * factor
    plain = taps[np.clip(tap, 0, len(taps) - 1)] * (tap < len(taps))
    return np.ascontiguousarray((_responses(factor, inputs)[:reach] - plain).T)
