"""The net of Chen et al. (2024), one of which they train for each family of instruments."""

from __future__ import annotations

from torch import nn

from .vgg import Vgg, scaled, scaled_blocks

DEPTHS = ((32,), (64,), (128,))
POOL = (2, 2)
DENSE = 128


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the net of Table IV: batch normalisation after each ReLU, dropout only after the dense layer.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits): 1 in the paper.
    input_shape : tuple of int
        ``(bins, frames)``: 1025 x 126 for the 4 s of an NSynth note. Nearly all parameters are in
        the dense layer; their number is proportional to both.
    width : float
        Factor on all channels and units.

    Returns
    -------
    nn.Module
        Features (batch, bins, frames) in, logits (batch, num_classes) out.
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
