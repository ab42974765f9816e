"""One net for each class, independent of the others, so that classes can be added (Chen et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .registry import build


class Binary(nn.Module):
    """A net with one output, for one class.

    Parameters
    ----------
    net : nn.Module
        Features (batch, bins, frames) in, logits (batch, 1) out.

    Attributes
    ----------
    offset : Tensor, scalar
        Added to the logits, but not in training: the logarithm of the proportion of the negatives that the
        net was trained on. With fewer negatives than there are a net overestimates its class; this corrects
        it (King & Zeng 2001, "Logistic regression in rare events data", prior correction).
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
    """Build the net of one class with new weights.

    Parameters
    ----------
    architecture, input_shape, width
        As for `build`, whose errors it raises.

    Returns
    -------
    Binary
        Features (batch, bins, frames) in, logits (batch, 1) out.
    """
    return Binary(build(architecture, num_classes=1, input_shape=input_shape, width=width))
