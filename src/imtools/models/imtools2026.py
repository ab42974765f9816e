"""The net of this project: residual blocks on a mel spectrogram that knows where its bands lie."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .vgg import scaled

STEM = (2, 4)
"""Stride of the first convolution, (bins, frames): frames of 23 ms become 93 ms, and what follows cheap."""

DEPTHS = (32, 64, 128, 256)
DENSE = 256
DROPOUT = 0.4


class ResidualNet(nn.Module):
    """Convolutions with shortcuts (He et al. 2016), pooled over frequency and then, twice, over time.

    Instruments are told apart by where in frequency they sound as much as by their patterns, which a
    convolution cannot see: so each band is normalised for itself, and a second channel says which one it is.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    bins : int
        Height of the features.
    depths : sequence of int
        Channels of the blocks; each block but the first halves both dimensions.
    dense : int
        Units of the hidden dense layer.
    """

    def __init__(self, num_classes: int, bins: int, depths: Sequence[int], dense: int) -> None:
        super().__init__()
        self.normalize = nn.BatchNorm1d(bins)
        self.place = nn.Parameter(torch.linspace(-1, 1, bins))
        blocks: list[nn.Module] = [_convolution(2, depths[0], 5, STEM), nn.ReLU()]
        channels = depths[0]
        for number, depth in enumerate(depths):
            blocks.append(Residual(channels, depth, stride=2 if number else 1))
            channels = depth
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(2 * channels, dense),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(dense, num_classes),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (batch, classes) of features (batch, bins, frames)."""
        levels = self.normalize(features)
        places = self.place[None, :, None].expand_as(levels)
        over_time = self.blocks(torch.stack([levels, places], dim=1)).mean(dim=2)
        logits: Tensor = self.head(torch.cat([over_time.mean(dim=2), over_time.amax(dim=2)], dim=1))
        return logits


class Residual(nn.Module):
    """Two convolutions, and a shortcut around them.

    Parameters
    ----------
    channels, depth : int
        Of the input and of the output.
    stride : int
        Of the first convolution; the shortcut takes means.
    """

    def __init__(self, channels: int, depth: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(channels, depth, 3, (stride, stride))
        self.second = _convolution(depth, depth, 3, (1, 1))
        shortcut: list[nn.Module] = [nn.AvgPool2d(stride, ceil_mode=True)] if stride > 1 else []
        if channels != depth:
            shortcut.append(_convolution(channels, depth, 1, (1, 1)))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, depth, rows, columns) of (batch, channels, rows, columns)."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def _convolution(channels: int, depth: int, size: int, stride: tuple[int, int]) -> nn.Sequential:
    layer = nn.Conv2d(channels, depth, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(depth))


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
    return ResidualNet(num_classes, input_shape[0], depths, scaled(DENSE, width))
