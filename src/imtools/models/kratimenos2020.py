"""The net that Kratimenos et al. (2020) propose: two convolutions in each block."""

from __future__ import annotations

from torch import nn

from .vgg import Vgg, scaled, scaled_blocks

DEPTHS = (64, 128, 256, 640)
POOLS = ((2, 2), (2, 2), (3, 3), (3, 3))
DENSE = 1024


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build "Proposed 2-Conv Model" of Table I.

    The table names batch normalisation and LeakyReLU once, below a pair of convolutions. Here both follow
    each convolution; the other reading has 2176 parameters fewer. Neither gives the 24.3 million that
    Avramidis et al. (2021), Table 5, print for this net.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits; the table's sigmoid is applied by the loss and in prediction).
    input_shape : tuple of int
        ``(bins, frames)``, in the paper 96 x 87.
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
        depths=scaled_blocks([(depth, depth) for depth in DEPTHS], width),
        pools=POOLS,
        activation=lambda: nn.LeakyReLU(0.3),
        dense=scaled(DENSE, width),
    )
