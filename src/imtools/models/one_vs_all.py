"""One net for each class, independent of the others: classes can be added later (Chen et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .registry import build


class Binary(nn.Module):
    """A net with one output that answers for one class.

    Parameters
    ----------
    net : nn.Module
        Features (batch, bins, frames) in, logits (batch, 1) out.

    Attributes
    ----------
    offset : Tensor, scalar
        Added to the logits, but not in training: the logarithm of the part of the negatives that the net was
        shown. A net that meets fewer of them than there are finds its class too often; this takes it back
        (King & Zeng 2001, "Logistic regression in rare events data", the prior correction).
    """

    offset: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("offset", torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (batch, 1) of features (batch, bins, frames)."""
        logits: Tensor = self.net(features)
        return logits if self.training else logits + self.offset


def build_binary(architecture: str, *, input_shape: tuple[int, int], width: float = 1.0) -> Binary:
    """Build the net of one class, with fresh weights; arguments and errors are those of `build`."""
    return Binary(build(architecture, num_classes=1, input_shape=input_shape, width=width))
