"""The net of this project: convolutions on a mel spectrogram with the positions of its bands."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .vgg import scaled

DEPTHS = (16, 32, 64, 128, 256)
DENSE = 256
DROPOUT = 0.25
SLOPE = 0.3
"""Slope of LeakyReLU in the head, as in the net of Kratimenos et al. (2020)."""


class BandNet(nn.Module):
    """Blocks of two convolutions and a pool, then mean and maximum over time, separately in each band.

    Instruments differ in the frequencies of their sound as much as in its patterns, and convolutions do not
    depend on the position in frequency. So each band is normalised separately, a second channel holds its
    position, and the frequency axis that is left after the blocks is not pooled but passed to the dense
    layers.

    The first block has few channels, since it costs the most; each of the others has a quarter of the
    positions and twice the channels of the one before, at about the same cost.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    bins : int
        Height of the features.
    depths : sequence of int
        Channels of the blocks; each halves both dimensions.
    dense : int
        Units of the hidden dense layer.
    """

    def __init__(self, num_classes: int, bins: int, depths: Sequence[int], dense: int) -> None:
        super().__init__()
        self.normalize = nn.BatchNorm1d(bins)
        self.place = nn.Parameter(torch.linspace(-1, 1, bins))
        blocks: list[nn.Module] = []
        channels = 2
        for depth in depths:
            blocks += [*_convolution(channels, depth), *_convolution(depth, depth)]
            blocks.append(nn.MaxPool2d(2, ceil_mode=True))
            channels, bins = depth, math.ceil(bins / 2)
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(2 * channels * bins, dense),
            nn.BatchNorm1d(dense),
            nn.LeakyReLU(SLOPE),
            nn.Dropout(DROPOUT),
            nn.Linear(dense, num_classes),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (batch, classes) of features (batch, bins, frames)."""
        levels = self.normalize(features)
        places = self.place[None, :, None].expand_as(levels)
        maps = self.blocks(torch.stack([levels, places], dim=1))
        over_time = torch.cat([maps.mean(dim=3), maps.amax(dim=3)], dim=1)
        logits: Tensor = self.head(over_time.flatten(start_dim=1))
        return logits


def _convolution(channels: int, depth: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, depth, 3, padding=1, bias=False),
        nn.BatchNorm2d(depth),
        nn.ReLU(inplace=True),
    ]


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the net, which takes features of any number of frames.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits).
    input_shape : tuple of int
        ``(bins, frames)``.
    width : float
        Factor on all channels and units.

    Returns
    -------
    nn.Module
        Features (batch, bins, frames) in, logits (batch, num_classes) out.

    Raises
    ------
    ModelError
        If there are no bins or frames.
    """
    if min(input_shape) < 1:
        bins, frames = input_shape
        raise ModelError(
            f"features of {bins} bins x {frames} frames are too small for this net", "give at least 1 x 1"
        )
    depths = [scaled(depth, width) for depth in DEPTHS]
    return BandNet(num_classes, input_shape[0], depths, scaled(DENSE, width))
