"""Blocks of 3 x 3 convolutions and pooling, then dense layers: the family of Han et al. (2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NoReturn

from torch import Tensor, nn

from ..errors import ModelError

Activation = Callable[[], nn.Module]
Normalization = Literal["before", "after", "none"]
Pool = tuple[int, int]


class Vgg(nn.Module):
    """A net of convolution blocks and two dense layers.

    A block consists of 3 x 3 convolutions, each with an activation and, in some papers, batch normalisation;
    then max pooling and dropout. After the blocks: global max pooling
    (in some papers), dense, activation, batch normalisation (likewise), dropout, dense.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    input_shape : tuple of int
        ``(bins, frames)``.
    depths : sequence of sequence of int
        Channels of each convolution, block by block.
    pools : sequence of tuple of int or None
        Max pooling of each block, ``(bins, frames)``, with a stride of the same size; what does not fill a
        pool is dropped. ``None``: this block has neither pooling nor dropout.
    activation : callable
        Returns a new activation.
    dense : int
        Units of the hidden dense layer.
    normalization : {"before", "after", "none"}
        Batch normalisation of each convolution, before or after its activation.
    dense_normalization : bool
        Batch normalisation of the hidden dense layer, after its activation.
    padding : int
        Zeros around the input of each convolution: 1 keeps its size, 2 enlarges it by 2.
    global_pool : bool
        Take the maximum of each channel after the blocks, so that the dense layers do not depend on the
        input's shape.
    block_dropout, dense_dropout : float
        Probabilities.

    Raises
    ------
    ModelError
        If an input of that shape is too small for the pools.
    """

    def __init__(
        self,
        num_classes: int,
        input_shape: tuple[int, int],
        *,
        depths: Sequence[Sequence[int]],
        pools: Sequence[Pool | None],
        activation: Activation,
        dense: int,
        normalization: Normalization = "before",
        dense_normalization: bool = True,
        padding: int = 1,
        global_pool: bool = False,
        block_dropout: float = 0.2,
        dense_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, bins, frames = 1, *input_shape
        for block, pool in zip(depths, pools, strict=True):
            for depth in block:
                layers += _convolution(channels, depth, padding, activation, normalization)
                channels = depth
            grown = 2 * (padding - 1) * len(block)
            bins, frames = bins + grown, frames + grown
            if pool is not None:
                layers += [nn.MaxPool2d(pool), *_dropout(block_dropout)]
                bins, frames = bins // pool[0], frames // pool[1]
        if min(bins, frames, *input_shape) < 1:
            _refuse(input_shape, [pool for pool in pools if pool is not None])
        if global_pool:
            layers.append(nn.AdaptiveMaxPool2d(1))
            bins = frames = 1
        self.blocks = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * bins * frames, dense),
            activation(),
            *([nn.BatchNorm1d(dense)] if dense_normalization else []),
            *_dropout(dense_dropout),
            nn.Linear(dense, num_classes),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (batch, classes) of features (batch, bins, frames)."""
        logits: Tensor = self.head(self.blocks(features.unsqueeze(1)))
        return logits


def _convolution(
    channels: int, depth: int, padding: int, activation: Activation, normalization: Normalization
) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, depth, 3, padding=padding)
    if normalization == "before":
        return [convolution, nn.BatchNorm2d(depth), activation()]
    if normalization == "after":
        return [convolution, activation(), nn.BatchNorm2d(depth)]
    return [convolution, activation()]


def _dropout(probability: float) -> list[nn.Module]:
    return [nn.Dropout(probability)] if probability else []


def _refuse(input_shape: tuple[int, int], pools: Sequence[Pool]) -> NoReturn:
    """Raise ModelError, naming the smallest input that the pools allow."""
    height = length = 1
    for bins, frames in pools:
        height, length = height * bins, length * frames
    raise ModelError(
        f"features of {input_shape[0]} bins x {input_shape[1]} frames are too small for this net",
        f"give at least {height} x {length}: longer windows, a smaller hop length or more bins",
    )


def scaled(count: int, width: float) -> int:
    """Return a number of channels or units at a width.

    Parameters
    ----------
    count : int
        The number at width 1.
    width : float
        The factor.

    Returns
    -------
    int
        The nearest integer, at least 1.
    """
    return max(1, round(count * width))


def scaled_blocks(depths: Sequence[Sequence[int]], width: float) -> list[list[int]]:
    """Return the channels of each block's convolutions at a width.

    Parameters
    ----------
    depths : sequence of sequence of int
        The channels at width 1, block by block.
    width : float
        The factor.

    Returns
    -------
    list of list of int
        As `scaled` gives them.
    """
    return [[scaled(depth, width) for depth in block] for block in depths]
