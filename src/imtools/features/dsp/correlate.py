"""Strided products of signals with long kernels: nearly all the work of the constant-Q transform."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad


class Correlation(nn.Module):
    """Products of kernels with signals at every ``stride``-th sample, the signals padded with zeros.

    Parameters
    ----------
    kernels : ndarray, shape (kernels, taps)
        Not reversed.
    stride : int
        Samples from one product to the next.
    origin : int
        The tap that is multiplied with sample ``n * stride`` in product ``n``: the middle one, or slightly
        before it.
    taps_at_once : int
        Maximum number of taps summed at once: a longer running float32 sum loses digits (and from 9800 taps
        on, oneDNN 3.12 returns wrong values if ``stride`` is not a multiple of 16).

    Notes
    -----
    This is a convolution of one channel with a stride. But if the ``stride`` samples of a block are treated
    as the channels of one pixel, which moves nothing in memory, the convolution of the pixels has no
    stride: that is twice as fast.
    """

    def __init__(
        self, kernels: npt.NDArray[np.floating], stride: int, origin: int, taps_at_once: int = 1024
    ) -> None:
        super().__init__()
        self.stride = stride
        self.blocks_before = -(-origin // stride)
        self.blocks_at_once = max(1, taps_at_once // stride)
        self._far_apart = stride > taps_at_once
        count, taps = kernels.shape
        around = (-origin % stride, (origin - taps) % stride)  # zeros that complete the first and last block
        blocks = np.pad(kernels, ((0, 0), around)).reshape(count, -1, stride, 1).transpose(0, 2, 1, 3)
        weight = torch.from_numpy(blocks.astype(np.float32)).contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight, persistent=False)
        self.weight: Tensor

    def forward(self, signals: Tensor) -> Tensor:
        """Return the products, (batch, products, kernels), of signals (batch, samples).

        One product for each block of ``stride`` samples, of which the last may be incomplete; more if kernels
        reach further back than forward.
        """
        signals = extend(signals, self.stride)
        if signals.requires_grad or self._far_apart:
            return self._by_frames(signals)
        pixels = signals.view(len(signals), -1, 1, self.stride).permute(0, 3, 1, 2)
        parts = torch.split(self.weight, self.blocks_at_once, dim=2)
        if len(parts) == 1:
            products = conv2d(pixels, self.weight, padding=(self.blocks_before, 0))
        else:
            products = _in_parts(pad(pixels, (0, 0, self.blocks_before, self.blocks_before)), parts)
        return products.squeeze(3).transpose(1, 2)

    def _by_frames(self, signals: Tensor) -> Tensor:
        """Do the same as a matrix product.

        oneDNN 3.12 gets the gradient of some such convolutions wrong; and there are few frames if they lie
        far apart.
        """
        margin = self.blocks_before * self.stride
        kernels = self.weight.squeeze(3).permute(2, 1, 0).flatten(0, 1)
        return pad(signals, (margin, margin)).unfold(1, len(kernels), self.stride) @ kernels


def _in_parts(pixels: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """Return the convolution with all parts of a kernel, one after the other along its height."""
    count = pixels.shape[2] - sum(part.shape[2] for part in parts) + 1
    ends = accumulate(part.shape[2] for part in parts)
    products = [
        conv2d(pixels[:, :, end - part.shape[2] : end - 1 + count], part)
        for part, end in zip(parts, ends, strict=True)
    ]
    return torch.stack(products).sum(dim=0)


def extend(signals: Tensor, multiple: int) -> Tensor:
    """Append zeros to signals until their length is a multiple of a number.

    Parameters
    ----------
    signals : Tensor, shape (batch, samples)
        The signals.
    multiple : int
        The number.
    """
    missing = -signals.shape[1] % multiple
    return pad(signals, (0, missing)) if missing else signals.contiguous()
