"""The net of Chen et al. (2024), of which they train one for each family of instruments."""

from __future__ import annotations

from torch import nn

from .vgg import Vgg, scaled, scaled_blocks

DEPTHS = ((32,), (64,), (128,))
POOL = (2, 2)
DENSE = 128


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the net of Table IV: batch normalisation follows each ReLU, and dropout the dense layer alone.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits): 1 in the paper.
    input_shape : tuple of int
        ``(bins, frames)``: 1025 x 126 for the 4 s of an NSynth note. Nearly all parameters are those of
        the dense layer, and proportional to both.
    width : float
        Factor on all channels and units.
    """
    return Vgg(
        num_classes,
        input_shape,
        depths=scaled_blocks(DEPTHS, width),
        pools=[POOL] * len(DEPTHS),
        activation=nn.ReLU,
        dense=scaled(DENSE, width),
        normalization="after",
        dense_normalization=False,
        block_dropout=0,
    )
