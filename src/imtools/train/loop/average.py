"""The moving average of a net's weights, which is often better than the weights of the last step."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn


class MovingAverage:
    """A copy of a net that follows its weights slowly (Polyak & Juditsky 1992; exponential).

    Parameters
    ----------
    net : nn.Module
        The net in training.
    decay : float
        Weight of the old average in a step; less in the first steps, so that the random initial weights
        are soon forgotten: at most (1 + n) / (10 + n) after n steps.

    Attributes
    ----------
    net : nn.Module
        The copy. Its running statistics are those of the net itself.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self._followed, self._decay = net, decay
        self.net = deepcopy(net).requires_grad_(False)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update the average after step ``step`` of the net, counted from 0."""
        part = 1 - min(self._decay, (1 + step) / (10 + step))
        own: list[Tensor] = list(self.net.parameters())
        torch._foreach_lerp_(own, list(self._followed.parameters()), part)
        for buffer, theirs in zip(self.net.buffers(), self._followed.buffers(), strict=True):
            buffer.copy_(theirs)
