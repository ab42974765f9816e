"""The last layer of a net, which turns what the net has seen into the logits of its classes."""

from __future__ import annotations

from torch import nn

from ..errors import ModelError


def output_layer(net: nn.Module) -> tuple[str, nn.Linear | nn.Conv1d]:
    """Return the name and the layer that gives the logits: the last one that has weights.

    Raises
    ------
    ModelError
        If there is none, as in support vector machines.
    """
    found = [(name, one) for name, one in net.named_modules() if isinstance(one, nn.Linear | nn.Conv1d)]
    if not found:
        raise ModelError("this model has no layer that gives its logits", "take a model that is a net")
    return found[-1]
