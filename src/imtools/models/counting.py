"""Counting a net's parameters as its authors did."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn


class ParameterCount(NamedTuple):
    """The number of a net's parameters.

    Attributes
    ----------
    trainable : int
        What training changes.
    total : int
        With the running means and variances of batch normalisation: what Keras prints as "Total params",
        and what the papers print.
    """

    trainable: int
    total: int


def count_parameters(net: nn.Module) -> ParameterCount:
    """Count the parameters of a net, on whatever device it is (``meta`` is enough)."""
    trainable = sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)
    frozen = sum(parameter.numel() for parameter in net.parameters() if not parameter.requires_grad)
    running = sum(buffer.numel() for buffer in net.buffers() if buffer.is_floating_point())
    return ParameterCount(trainable, trainable + frozen + running)
