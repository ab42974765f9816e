"""The net that Kratimenos et al. (2020) propose: two convolutions in each block."""

from __future__ import annotations

from torch import nn

from .vgg import Vgg, scaled

DEPTHS = (64, 128, 256, 640)
POOLS = ((2, 2), (2, 2), (3, 3), (3, 3))
DENSE = 1024


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build "Proposed 2-Conv Model" of Table I.

    The table names batch normalisation and LeakyReLU once, below a pair of convolutions. Here both follow
    each convolution; the other reading has 2176 parameters fewer.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits; the table's sigmoid is applied by the loss and in prediction).
    input_shape : tuple of int
        ``(bins, frames)``, in the paper 96 x 87.
    width : float
        Factor on all channels and units.
    """
    return Vgg(
        num_classes,
        input_shape,
        depths=[scaled(depth, width) for depth in DEPTHS],
        pools=POOLS,
        convolutions=2,
        activation=lambda: nn.LeakyReLU(0.3),
        dense=scaled(DENSE, width),
    )
