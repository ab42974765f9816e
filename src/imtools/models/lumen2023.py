"""The nets of Lumen (2023): that of Han et al. with pairs of different widths, for three inputs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from .vgg import Vgg, scaled, scaled_blocks

SPECTRUM_DEPTHS = ((8, 16), (24, 32), (64, 128), (256, 512))
CHROMA_DEPTHS = ((24, 32), (64, 128), (256, 512))
POOL = (3, 3)
DENSE = 1024
SLOPE = 0.33


def spectrum(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the net for mel spectrograms and modified group delays, Table 5.

    There is no batch normalisation. LeakyReLU follows each convolution; the text does not state what follows
    the hidden dense layer; here it is LeakyReLU, since two dense layers with nothing between them
    are one.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits; the table's softmax is applied by the loss and in prediction).
    input_shape : tuple of int
        ``(bins, frames)``, in the paper 128 x 100.
    width : float
        Factor on all channels and units.

    Returns
    -------
    nn.Module
        Features (batch, bins, frames) in, logits (batch, num_classes) out.
    """
    return _build(num_classes, input_shape, SPECTRUM_DEPTHS, width)


def chroma(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the net for chromagrams, Table 6; see `spectrum`.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits).
    input_shape : tuple of int
        ``(bins, frames)``, in the paper 36 x 100.
    width : float
        Factor on all channels and units.

    Returns
    -------
    nn.Module
        Features (batch, bins, frames) in, logits (batch, num_classes) out.
    """
    return _build(num_classes, input_shape, CHROMA_DEPTHS, width)


def _build(
    num_classes: int, input_shape: tuple[int, int], depths: Sequence[Sequence[int]], width: float
) -> nn.Module:
    return Vgg(
        num_classes,
        input_shape,
        depths=scaled_blocks(depths, width),
        pools=[POOL] * len(depths),
        activation=lambda: nn.LeakyReLU(SLOPE),
        dense=scaled(DENSE, width),
        normalization="none",
        dense_normalization=False,
        global_pool=True,
        block_dropout=0.25,
    )
