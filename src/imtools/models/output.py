"""The last layer of a net, which turns what the net has seen into the logits of its classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

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


@contextmanager
def watched(nets: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """Give a list to which each call of a net adds what its output layer is given: its embedding.

    Yields
    ------
    list of Tensor, shape (batch, units)
        Of a convolution along time, its mean over time.

    Raises
    ------
    ModelError
        If a net has no such layer.
    """
    seen: list[Tensor] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (given,) = inputs
        seen.append((given if given.ndim == 2 else given.mean(dim=2)).float())

    hooks = [output_layer(net)[1].register_forward_pre_hook(note) for net in nets]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
