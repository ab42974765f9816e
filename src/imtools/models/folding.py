"""Batch normalisation as part of the convolution before it: the same answers, one pass less over memory."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_NORMALIZATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)


def fold_normalization(net: nn.Module) -> None:
    """Fold normalisations into the convolutions that they directly follow in a net's sequences.

    What a trained normalisation does, to scale and to shift each channel, weights and biases can do as well.

    Parameters
    ----------
    net : nn.Module
        In evaluation mode; changed, and not to be trained thereafter.
    """
    for sequence in [module for module in net.modules() if isinstance(module, nn.Sequential)]:
        for i, (first, second) in enumerate(pairwise(sequence)):
            if isinstance(first, _CONVOLUTIONS) and isinstance(second, _NORMALIZATIONS):
                sequence[i] = fuse_conv_bn_eval(first, second)
                sequence[i + 1] = nn.Identity()
