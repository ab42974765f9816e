"""A convolution over few positions with a long kernel, done as three matrix products.

CREPE's layers have kernels of 64 taps over 128 positions and fewer, where most products of a convolution
repeat what a transform along the positions does once: the second layer takes a fifteenth of the products of
a direct convolution. The transforms are matrix products as well, which processors and GPUs do
better than short FFTs over many channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class SpectralConv(nn.Module):
    """A one-dimensional convolution that keeps the length, by way of the discrete Fourier transform.

    Parameters
    ----------
    weight : Tensor, shape (out_channels, in_channels, taps)
        As for ``torch.nn.functional.conv1d``.
    length : int
        Positions of the input, and of the output.
    before : int
        Zeros before the input; as many follow as are needed to keep the length.
    """

    transform: Tensor
    kernel: Tensor
    inverse: Tensor

    def __init__(self, weight: Tensor, length: int, before: int) -> None:
        super().__init__()
        size = _transform_size(length + weight.shape[2] - 1)
        bins = size // 2 + 1
        frequency = 2 * math.pi / size * torch.arange(bins, dtype=torch.float64)
        # Real and imaginary part of a bin lie side by side, so that complex products are real ones of
        # twice the width: (xr, xi) times ((wr, wi), (-wi, wr)).
        angle = frequency[:, None] * (torch.arange(length) + before)
        transform = torch.stack([angle.cos(), -angle.sin()], dim=1).flatten(0, 1)
        spectrum = torch.fft.rfft(weight.double(), size).conj().permute(2, 1, 0)  # bins, in, out
        upper = torch.cat([spectrum.real, spectrum.imag], dim=2)
        lower = torch.cat([-spectrum.imag, spectrum.real], dim=2)
        angle = torch.arange(length)[:, None] * frequency
        share = torch.full((bins,), 2.0 / size, dtype=torch.float64)
        share[0] = share[-1] = 1.0 / size  # the size is even: first and last bin are real
        inverse = torch.stack([angle.cos() * share, -angle.sin() * share], dim=2).flatten(1, 2)
        self.register_buffer("transform", transform.float())
        self.register_buffer("kernel", torch.cat([upper, lower], dim=1).float().contiguous())
        self.register_buffer("inverse", inverse.float())

    def forward(self, x: Tensor) -> Tensor:
        """Convolve a tensor of shape (batch, length, in_channels); the result has out_channels."""
        batch, bins, width = len(x), len(self.kernel), self.kernel.shape[1]
        spectrum = torch.matmul(self.transform, x).view(batch, bins, width).transpose(0, 1)
        product = torch.bmm(spectrum, self.kernel)
        product = product.view(bins, batch, 2, -1).permute(1, 0, 2, 3).reshape(batch, 2 * bins, -1)
        return torch.matmul(self.inverse, product)


def _transform_size(least: int) -> int:
    """Return the smallest even ``2^n`` or ``3 * 2^n`` that is large enough."""
    power = 1 << (least - 1).bit_length()
    return max(2, power * 3 // 4 if power >= 8 and power * 3 // 4 >= least else power)
