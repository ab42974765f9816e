"""Many nets of one architecture computed as one: those of one-vs-all in a single pass on a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap


def grouped_logits(nets: Sequence[nn.Module], features: Tensor) -> Tensor:
    """Return the logits of several nets of one architecture, computed together.

    Their weights are stacked, so that each layer of all nets is one (grouped) operation: on a GPU, where
    the time of small nets depends on the number of operations, that is much faster than one net after the
    other. On a CPU, where it depends on the arithmetic, it is slower.

    Parameters
    ----------
    nets : sequence of nn.Module
        Equal but for their weights, all in the same mode, without recurrent layers. Each gets its own
        gradients and running statistics.
    features : Tensor, shape (batch, bins, frames)
        The input of all of them.

    Returns
    -------
    Tensor, shape (nets, batch, outputs)
        Each net has its own dropout.
    """
    parameters = _stacked([dict(net.named_parameters()) for net in nets])
    buffers = _stacked([dict(net.named_buffers()) for net in nets])

    def call(parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
        logits: Tensor = functional_call(nets[0], (parameters, buffers), (features,))
        return logits

    logits: Tensor = vmap(call, randomness="different")(parameters, buffers)
    with torch.no_grad():
        for index, net in enumerate(nets):
            for name, buffer in net.named_buffers():
                buffer.copy_(buffers[name][index])
    return logits


def _stacked(tensors: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([some[name] for some in tensors]) for name in tensors[0]}
