"""The directory of a trained model: weights, description, card. Nothing in it is executable.

``model.safetensors`` holds the tensors of all members, ``model.json`` what is needed to apply them,
``README.md`` what users need to know.

Features are float tensors of shape (batch, bins, frames), as the front end computes them, and scores float32
of shape (batch, classes), from 0 to 1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Literal

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..atomic import write_text
from ..device import place
from ..errors import ImtoolsError, ModelError
from ..hashing import file_sha256
from .bosch2012 import for_state
from .description import Description, Member
from .folding import fold_normalization
from .locate import locate
from .one_vs_all import build_binary
from .output import watched
from .registry import build
from .scoring import ScoringModule
from .weights import write_tensors

WEIGHTS_NAME = "model.safetensors"
DESCRIPTION_NAME = "model.json"
CARD_NAME = "README.md"

_PathLike = str | os.PathLike[str]


class TrainedModel:
    """A trained model, ready to score features.

    Attributes
    ----------
    description : Description
        Architecture, classes, front end and members.
    name : str
        ``"name@1a2b3c4d"``, with the beginning of the weights' hash.
    scorer : ScoringModule
        Its members.
    device : torch.device
        Where it computes.
    dtype : torch.dtype
        The dtype in which it computes: ``torch.float32`` or ``torch.bfloat16``.
    """

    def __init__(
        self, description: Description, nets: Sequence[nn.Module], device: torch.device, dtype: torch.dtype
    ) -> None:
        self.description = description
        self.name = full_name(description)
        self.device, self.dtype = device, dtype
        self.scorer = ScoringModule(description, nets).eval()
        self._watching = Lock()  # a worker of a cluster may call it in several threads

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the scores."""
        return self.description.labels

    def members_without(self, fold: int) -> list[int]:
        """Return the indices of the members that were not trained on a fold.

        Parameters
        ----------
        fold : int
            The number of the fold.

        Returns
        -------
        list of int
            At least one.

        Raises
        ------
        ModelError
            If there is none, or none that knows some class.
        """
        every = self.description.members
        members = [i for i, member in enumerate(every) if member.fold == fold]
        known = {every[i].label for i in members}
        if missing := [label for label in self.labels if not known & {None, label}]:
            which = f" that knows {missing[0]}" if members else ""
            raise ModelError(
                f"model {self.name}: no member was held out from fold {fold}{which}",
                "train with all folds, or predict without `held_out`",
            )
        return members

    def predict_with_embeddings(
        self, features: Tensor, members: Sequence[int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the scores of features, and their embeddings: the input of the output layers.

        Parameters
        ----------
        features, members
            As for `predict_proba`.

        Returns
        -------
        scores : Tensor, shape (batch, classes), float32, on the CPU
        embeddings : Tensor, shape (batch, units), float32, on the CPU
            Of several members, side by side.

        Raises
        ------
        ModelError
            If the members are not nets that know all classes.
        """
        if not self.description.nets_know_all:
            what = f"model {self.name}: has no net that knows all classes ({self.description.strategy})"
            raise ModelError(what, "compute embeddings with a multi-label or single-label model")
        with self._watching, watched(self.scorer.nets) as embeddings:
            scores = self.predict_proba(features, members)
        return scores, torch.cat(embeddings, dim=1).cpu()

    @torch.inference_mode()
    def predict_proba(self, features: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Return the scores of features.

        Parameters
        ----------
        features : Tensor, shape (batch, bins, frames)
            As the front end computes them, on any device.
        members : sequence of int, optional
            Which members to use, by default all.

        Returns
        -------
        Tensor, shape (batch, classes), float32, on the CPU
            From 0 to 1; see `ScoringModule`.

        Raises
        ------
        ModelError
            If the features do not have the shape that the model was trained with.
        """
        expected = self.description.shape
        if features.ndim != 3 or tuple(features.shape[1:]) != expected:
            raise ModelError(
                f"model {self.name}: takes features of {expected[0]} bins x {expected[1]} frames, "
                f"not {'x'.join(map(str, features.shape[1:]))}",
                "compute features with the model's front end and window",
            )
        features = features.to(self.device, torch.float32)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            scores: Tensor = self.scorer(features, members)
        return scores.cpu()


def full_name(description: Description) -> str:
    """Return ``"name@1a2b3c4d"``, with the beginning of the weights' hash."""
    return f"{description.name}@{description.weights.removeprefix('sha256:')[:8]}"


def save(
    folder: _PathLike, description: Description, states: Sequence[dict[str, Tensor]], card: str
) -> Description:
    """Write a model directory, each file atomically.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    description : Description
        Of the model; its ``weights`` are not used.
    states : sequence of dict
        The ``state_dict`` of each member, in their order.
    card : str
        Markdown, with ``{name}`` where the full name of the model is to be inserted.

    Returns
    -------
    Description
        With ``weights``.
    """
    tensors = {
        f"{member.prefix}.{key}": tensor
        for member, state in zip(description.members, states, strict=True)
        for key, tensor in state.items()
    }
    path = Path(folder) / WEIGHTS_NAME
    write_tensors(path, tensors)
    description = replace(description, weights=f"sha256:{file_sha256(path)}")
    write_text(Path(folder) / CARD_NAME, card.replace("{name}", full_name(description)))
    write_description(folder, description)  # last: a folder that has it is complete
    return description


def write_description(folder: _PathLike, description: Description) -> None:
    """Write the description of a model directory atomically; the weights stay as they are.

    Parameters
    ----------
    folder : path
        The directory.
    description : Description
        Of the weights in it.
    """
    text = json.dumps(description.to_json(), indent=1, allow_nan=False) + "\n"
    write_text(Path(folder) / DESCRIPTION_NAME, text)


def read_card(folder: _PathLike) -> str:
    """Return the card of a model directory.

    Parameters
    ----------
    folder : path
        A model directory, or ``"bundled"``.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    ModelError
        If there is none.
    """
    path = locate(folder) / CARD_NAME
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        raise ModelError(what, "name a model directory, as im-train writes it") from None


def read_description(folder: _PathLike) -> Description:
    """Return the description of a model directory, without reading its weights.

    Parameters
    ----------
    folder : path
        A model directory, or ``"bundled"``.

    Returns
    -------
    Description
        Of the model.

    Raises
    ------
    ModelError
        If there is no ``model.json``, or it is not one that this version understands.
    """
    path = locate(folder) / DESCRIPTION_NAME
    try:
        return Description.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        what = f"{path}: cannot be read ({error.strerror})"
        raise ModelError(what, "name a model directory, as im-train writes it") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: does not describe a model ({error})", "train or fetch it again") from None


def load(
    folder: _PathLike,
    device: torch.device | Literal["cpu"] = "cpu",
    dtype: torch.dtype = torch.float32,
) -> TrainedModel:
    """Load a model to score features with; `read_states` returns its tensors for training.

    Parameters
    ----------
    folder : path
        As `save` wrote it, or ``"bundled"``: the model that comes with imtools.
    device : torch.device
        Where to compute; see `imtools.device.resolve_device`.
    dtype : torch.dtype
        The dtype in which to compute; see `imtools.device.resolve_precision`.

    Returns
    -------
    TrainedModel
        On that device.

    Raises
    ------
    ModelError
        If a file is missing or damaged, or the weights do not fit the description.

    Examples
    --------
    >>> model = load("bundled")
    >>> model.labels[:3]
    ['cel', 'cla', 'flu']
    >>> scores = model.predict_proba(torch.zeros(1, *model.description.shape))
    >>> scores.shape == (1, len(model.labels))
    True
    """
    description = read_description(folder)
    path = locate(folder) / WEIGHTS_NAME
    tensors = _read_weights(path, description)
    device = torch.device(device)
    nets = []
    for member in description.members:
        state = _state(tensors, member)
        net = _build(path.with_name(DESCRIPTION_NAME), description, member, state)
        _fill(net, state, path, member)
        fold_normalization(net.eval())
        nets.append(place(net, device))
    return TrainedModel(description, nets, device, dtype)


def read_states(folder: _PathLike, description: Description) -> list[dict[str, Tensor]]:
    """Return the tensors of each member of a model, by their names within its net.

    Parameters
    ----------
    folder : path
        A model directory, or ``"bundled"``.
    description : Description
        As `read_description` returns it.

    Returns
    -------
    list of dict of str to Tensor
        In the order of the members.

    Raises
    ------
    ModelError
        If the weights are missing or damaged.
    """
    tensors = _read_weights(locate(folder) / WEIGHTS_NAME, description)
    return [_state(tensors, member) for member in description.members]


def _state(tensors: dict[str, Tensor], member: Member) -> dict[str, Tensor]:
    start = f"{member.prefix}."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def _read_weights(path: Path, description: Description) -> dict[str, Tensor]:
    hint = "train or fetch the model again"
    try:
        if f"sha256:{file_sha256(path)}" != description.weights:
            raise ModelError(
                f"{path}: is not the file that {DESCRIPTION_NAME} describes (hash differs)", hint
            )
        tensors: dict[str, Tensor] = safetensors.torch.load_file(path)
        return tensors
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", hint) from None
    except SafetensorError as error:
        raise ModelError(f"{path}: is damaged ({error})", hint) from None


def _build(path: Path, description: Description, member: Member, state: dict[str, Tensor]) -> nn.Module:
    architecture, shape, width = description.architecture, description.shape, description.width
    classes = len(description.labels)
    try:
        if description.strategy == "svm":
            return for_state(state, classes, shape)
        if member.label is not None:
            return build_binary(architecture, input_shape=shape, width=width)
        return build(architecture, num_classes=classes, input_shape=shape, width=width)
    except ImtoolsError as error:
        raise ModelError(f"{path}: {error.message}", error.hint) from None


def _fill(net: nn.Module, state: dict[str, Tensor], path: Path, member: Member) -> None:
    expected = net.state_dict()
    wrong = sorted(state.keys() ^ expected.keys()) or sorted(
        key for key, tensor in state.items() if tensor.shape != expected[key].shape
    )
    if wrong:
        raise ModelError(
            f"{path}: tensor {member.prefix}.{wrong[0]} does not fit {DESCRIPTION_NAME} "
            f"({len(wrong)} of {len(expected)} are missing, unknown or of another shape)",
            "keep the files of a model together, as they were written",
        )
    net.load_state_dict(state)
