"""Blocks of 3 x 3 convolutions and pooling, then dense layers: the family that Han et al. (2017) began."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ..errors import ModelError

Activation = Callable[[], nn.Module]


class Vgg(nn.Module):
    """A net of convolution blocks and two dense layers.

    A block is ``convolutions`` times (3 x 3 convolution with zero padding, batch normalisation,
    activation), then max pooling and dropout. After the blocks: dense, activation, batch normalisation,
    dropout, dense.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    input_shape : tuple of int
        ``(bins, frames)``.
    depths : sequence of int
        Channels of each block.
    pools : sequence of tuple of int
        Max pooling of each block, ``(bins, frames)``; what does not fill a pool is dropped.
    convolutions : int
        Convolutions in a block.
    activation : callable
        Makes an activation.
    dense : int
        Units of the hidden dense layer.
    block_dropout, dense_dropout : float
        Probabilities.

    Raises
    ------
    ModelError
        If the pools leave nothing of an input of that shape.
    """

    def __init__(
        self,
        num_classes: int,
        input_shape: tuple[int, int],
        *,
        depths: Sequence[int],
        pools: Sequence[tuple[int, int]],
        convolutions: int,
        activation: Activation,
        dense: int,
        block_dropout: float = 0.2,
        dense_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, (bins, frames) = 1, input_shape
        for depth, pool in zip(depths, pools, strict=True):
            layers += _block(channels, depth, convolutions, activation)
            layers += [nn.MaxPool2d(pool), nn.Dropout(block_dropout)]
            channels, bins, frames = depth, bins // pool[0], frames // pool[1]
        if bins < 1 or frames < 1:
            height, length = _least(pools)
            raise ModelError(
                f"features of {input_shape[0]} bins x {input_shape[1]} frames are too small for this net",
                f"give at least {height} x {length}: longer windows, a smaller hop length or more bins",
            )
        self.blocks = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * bins * frames, dense),
            activation(),
            nn.BatchNorm1d(dense),
            nn.Dropout(dense_dropout),
            nn.Linear(dense, num_classes),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (batch, classes) of features (batch, bins, frames)."""
        logits: Tensor = self.head(self.blocks(features.unsqueeze(1)))
        return logits


def _block(channels: int, depth: int, convolutions: int, activation: Activation) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(channels, depth, 3, padding=1), nn.BatchNorm2d(depth), activation()]
        channels = depth
    return layers


def _least(pools: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the smallest input of which the pools leave something."""
    height = length = 1
    for bins, frames in pools:
        height, length = height * bins, length * frames
    return height, length


def scaled(count: int, width: float) -> int:
    """Return a number of channels or units at a width: the nearest integer, at least 1."""
    return max(1, round(count * width))
