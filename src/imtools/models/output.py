"""The output layer of a net, and its input: the embedding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from ..errors import ModelError


def output_layer(net: nn.Module) -> tuple[str, nn.Linear | nn.Conv1d]:
    """Return the layer that computes the logits: the last one that has weights.

    Parameters
    ----------
    net : nn.Module
        Any net of this package.

    Returns
    -------
    name : str
        Its name within the net.
    layer : nn.Linear or nn.Conv1d
        The layer.

    Raises
    ------
    ModelError
        If there is none, as in support vector machines.
    """
    layers = [
        (name, layer) for name, layer in net.named_modules() if isinstance(layer, nn.Linear | nn.Conv1d)
    ]
    if not layers:
        raise ModelError("this model has no output layer", "use a model that is a net")
    return layers[-1]


@contextmanager
def watched(nets: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """Collect the inputs of the output layers of some nets, their embeddings, while they are called.

    Parameters
    ----------
    nets : iterable of nn.Module
        The nets.

    Yields
    ------
    list of Tensor, shape (batch, units)
        Each call of a net adds one; of a convolution along time, the mean over time.

    Raises
    ------
    ModelError
        If a net has no such layer.
    """
    embeddings: list[Tensor] = []

    def collect(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (embedding,) = inputs
        embeddings.append((embedding if embedding.ndim == 2 else embedding.mean(dim=2)).float())

    hooks = [output_layer(net)[1].register_forward_pre_hook(collect) for net in nets]
    try:
        yield embeddings
    finally:
        for hook in hooks:
            hook.remove()
