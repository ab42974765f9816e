"""The moving average of a net's weights, which is often a better net than the last step's."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn


class MovingAverage:
    """A copy of a net that follows its weights slowly (Polyak & Juditsky 1992; exponential).

    Parameters
    ----------
    net : nn.Module
        What to follow.
    decay : float
        Part of the average that stays in a step; less in the first steps, when it would be stuck at the
        first random weights: (1 + n) / (10 + n) after n of them.

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
        """Follow the net after its step number ``step``, counted from 0."""
        part = 1 - min(self._decay, (1 + step) / (10 + step))
        own: list[Tensor] = list(self.net.parameters())
        torch._foreach_lerp_(own, list(self._followed.parameters()), part)
        for buffer, theirs in zip(self.net.buffers(), self._followed.buffers(), strict=True):
            buffer.copy_(theirs)
