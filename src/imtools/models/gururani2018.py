"""The net of Gururani et al. (2018), which Kratimenos et al. (2020) take as their baseline."""

from __future__ import annotations

from torch import nn

from .kratimenos2020 import DENSE, DEPTHS, POOLS
from .vgg import Vgg, scaled, scaled_blocks


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build "Initial 1-Conv Model" of Kratimenos et al. (2020), Table I: one convolution a block, ELU.

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
    """
    return Vgg(
        num_classes,
        input_shape,
        depths=scaled_blocks([(depth,) for depth in DEPTHS], width),
        pools=POOLS,
        activation=nn.ELU,
        dense=scaled(DENSE, width),
    )
