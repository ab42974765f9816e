"""The state of a training after an epoch, in one file that appears whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..atomic import replacing
from ..errors import ModelError, UsageError
from .history import Epoch

State = dict[str, Tensor]

_MOMENTS = ("exp_avg", "exp_avg_sq")
_META = "training"


@dataclass
class Checkpoint:
    """Where a training stands; random generators need no place here, since every epoch seeds them anew.

    Attributes
    ----------
    fingerprint : str
        Of everything that decides the result.
    history : list of Epoch
        The epochs done.
    best : dict of str to Tensor
        Weights after the epoch with the lowest validation loss.
    """

    fingerprint: str
    history: list[Epoch]
    best: State


def save_checkpoint(
    path: str | os.PathLike[str], checkpoint: Checkpoint, net: nn.Module, optimizer: torch.optim.AdamW
) -> None:
    """Write a checkpoint, atomically."""
    tensors = {f"best.{key}": tensor for key, tensor in checkpoint.best.items()}
    tensors |= {f"net.{key}": tensor for key, tensor in net.state_dict().items()}
    for name, parameter in net.named_parameters():
        state = optimizer.state[parameter]
        tensors |= {f"{moment}.{name}": state[moment] for moment in _MOMENTS}
        tensors[f"step.{name}"] = state["step"]
    history = [epoch.to_json() for epoch in checkpoint.history]
    meta = json.dumps({"fingerprint": checkpoint.fingerprint, "history": history})
    with replacing(path) as temporary:
        held = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        # Not save_file: it makes no OSError of a full disk.
        temporary.write_bytes(save(held, {_META: meta}))


def load_checkpoint(
    path: str | os.PathLike[str], fingerprint: str, net: nn.Module, optimizer: torch.optim.AdamW
) -> Checkpoint:
    """Bring net and optimizer to the state of a checkpoint, and return the rest of it.

    Raises
    ------
    UsageError
        If it belongs to a training with other records or settings.
    ModelError
        If the file is damaged.
    """
    name = os.fspath(path)
    try:
        with safe_open(name, "pt") as file:
            meta = json.loads(file.metadata()[_META])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        history = [Epoch(**row) for row in meta["history"]]
        if meta["fingerprint"] != fingerprint:
            hint = "give the same records and options, or --force to start over"
            raise UsageError(f"{name}: belongs to a training with other records or options", hint)
        net.load_state_dict(_part(tensors, "net"))
        for key, parameter in net.named_parameters():
            # Laid out in memory like the parameter: another order of the same sums may round differently.
            moments = {m: torch.empty_like(parameter).copy_(tensors[f"{m}.{key}"]) for m in _MOMENTS}
            optimizer.state[parameter] = {"step": tensors[f"step.{key}"], **moments}
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelError(f"{name}: is no checkpoint of this training ({error})", "start over") from None
    return Checkpoint(fingerprint, history, _part(tensors, "best"))


def _part(tensors: State, prefix: str) -> State:
    start = f"{prefix}."
    return {key.removeprefix(start): tensor for key, tensor in tensors.items() if key.startswith(start)}
