"""The state of a training after an epoch, in one file that appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...errors import ModelError, UsageError
from ...models.weights import write_tensors
from .history import Epoch
from .learner import Learner

_MOMENTS = ("exp_avg", "exp_avg_sq")
_META = "training"


def save_checkpoint(path: str | os.PathLike[str], fingerprint: str, learners: Sequence[Learner]) -> None:
    """Write the state of some learners, atomically.

    Random generators are not in it, since every step seeds them anew. Of a learner that is done only the
    best weights are kept.

    Parameters
    ----------
    path : path
        The file.
    fingerprint : str
        Hash of everything that decides the result.
    learners : sequence of Learner
        After an epoch.
    """
    tensors: dict[str, Tensor] = {}
    meta: dict[str, object] = {"fingerprint": fingerprint}
    for number, learner in enumerate(learners):
        own = {f"best.{key}": tensor for key, tensor in learner.best.items()}
        if not learner.done:
            own |= {f"net.{key}": tensor for key, tensor in learner.net.state_dict().items()}
            if learner.average is not None:
                own |= {f"average.{key}": t for key, t in learner.average.net.state_dict().items()}
            for name, parameter in learner.net.named_parameters():
                if state := learner.optimizer.state.get(parameter):
                    own |= {f"{moment}.{name}": state[moment] for moment in _MOMENTS}
                    own[f"step.{name}"] = state["step"]
        tensors |= {f"{number}.{key}": tensor for key, tensor in own.items()}
        history = [epoch.to_json() for epoch in learner.history]
        meta[str(number)] = {"history": history, "steps": learner.steps}
    write_tensors(path, tensors, {_META: json.dumps(meta)})


def load_checkpoint(path: str | os.PathLike[str], fingerprint: str, learners: Sequence[Learner]) -> None:
    """Set new learners to the state of a checkpoint.

    Parameters
    ----------
    path : path
        The file.
    fingerprint : str
        That of this training.
    learners : sequence of Learner
        In the order in which they were saved.

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
        if meta["fingerprint"] != fingerprint:
            hint = "give the same records and options, or start over without `resume`"
            raise UsageError(f"{name}: belongs to a training with other records or options", hint)
        for number, learner in enumerate(learners):
            own = _part(tensors, str(number))
            learner.history = [Epoch(**row) for row in meta[str(number)]["history"]]
            learner.steps = meta[str(number)]["steps"]
            learner.best = _part(own, "best")
            if learner.done:
                learner.eval_net.load_state_dict(learner.best)
            else:
                _fill(learner, own)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelError(f"{name}: is no checkpoint of this training ({error})", "start over") from None


def _fill(learner: Learner, tensors: dict[str, Tensor]) -> None:
    learner.net.load_state_dict(_part(tensors, "net"))
    if learner.average is not None:
        learner.average.net.load_state_dict(_part(tensors, "average"))
    for key, parameter in learner.net.named_parameters():
        if f"step.{key}" in tensors:
            # Laid out in memory like the parameter: another order of the same sums may round differently.
            moments = {m: torch.empty_like(parameter).copy_(tensors[f"{m}.{key}"]) for m in _MOMENTS}
            learner.optimizer.state[parameter] = {"step": tensors[f"step.{key}"], **moments}


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {key.removeprefix(start): tensor for key, tensor in tensors.items() if key.startswith(start)}
