"""The net of Han et al. (2017), as Lumen (2023) describes it."""

from __future__ import annotations

from torch import nn

from .vgg import Vgg, scaled, scaled_blocks

DEPTHS = ((32, 32), (64, 64), (128, 128), (256, 256))
POOLS = ((3, 3), (3, 3), (3, 3), None)
DENSE = 1024
SLOPE = 0.33


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the net of Lumen (2023), Table 2.

    Each convolution enlarges its map by 2, as the table's shapes do. There is no batch normalisation. The
    table names no activation; here LeakyReLU follows the hidden dense layer as it follows each convolution,
    since two dense layers with nothing between them are one. The sigmoid of the table contradicts the
    categorical cross-entropy of the text, which is used here.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits).
    input_shape : tuple of int
        ``(bins, frames)``, in the paper 128 x 43. Any input is large enough.
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
        pools=POOLS,
        activation=lambda: nn.LeakyReLU(SLOPE),
        dense=scaled(DENSE, width),
        normalization="none",
        dense_normalization=False,
        padding=2,
        global_pool=True,
        block_dropout=0.25,
    )
