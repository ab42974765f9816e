"""Models that a training builds on: to fine-tune their weights, or to add classes to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from ..errors import UsageError
from ..features.front_ends.base import FrontEnd
from ..models import bundle
from ..models.description import Description
from ..models.output import output_layer
from .examples.data import FeatureStatistics
from .protocol.config import TrainConfig


@dataclass(frozen=True)
class BaseModel:
    """A model that a training builds on, in memory.

    Attributes
    ----------
    folder : Path
        Its directory.
    description : Description
        Its description.
    states : list of dict
        The tensors of its members.
    """

    folder: Path
    description: Description
    states: list[dict[str, Tensor]]

    @property
    def name(self) -> str:
        """Its full name, with the hash of its weights."""
        return bundle.full_name(self.description)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Self:
        """Read a model.

        Parameters
        ----------
        folder : path
            A model directory, or ``"bundled"``.

        Returns
        -------
        BaseModel
            With all its tensors in memory.

        Raises
        ------
        ModelError
            If there is no such model, or it is damaged.
        """
        description = bundle.read_description(folder)
        return cls(Path(folder), description, bundle.read_states(folder, description))

    def check_settings(self, config: TrainConfig) -> None:
        """Check that a training with these settings can build on the model.

        Parameters
        ----------
        config : TrainConfig
            The settings of the training.

        Raises
        ------
        UsageError
            If its strategy, architecture or width is another, or its strategy does not allow it.
        """
        for what, theirs, ours in (
            ("strategy", self.description.strategy, config.strategy),
            ("model", self.description.architecture, config.architecture),
            ("width", self.description.width, config.width),
        ):
            if theirs != ours:
                hint = "give the settings that it was trained with"
                raise UsageError(f"{self.folder}: its {what} is {theirs}, not {ours}", hint)
        self._check_strategy()

    def _check_strategy(self) -> None:
        """Check that a training can build on a model of this strategy."""

    def check_features(self, front_end: FrontEnd, shape: tuple[int, int], window: float) -> None:
        """Check that features are those that the model takes.

        Parameters
        ----------
        front_end : FrontEnd
            What computes the features.
        shape : tuple of int
            ``(bins, frames)`` of them.
        window : float
            Length of the records in seconds.

        Raises
        ------
        UsageError
            If they are not.
        """
        own = self.description
        if (own.front_end_hash, own.shape, own.window) != (front_end.config_hash, shape, window):
            what = f"{self.folder}: its nets take other features than these ({own.front_end['kind']}, "
            what += f"{own.shape[0]} x {own.shape[1]}, {own.window:g} s)"
            raise UsageError(what, "compute them by running im-features with `like`")


class InitialModel(BaseModel):
    """A model whose weights a training starts from.

    The net of a fold starts from the member that was held out from that fold or, if there is none, from the
    first member.
    """

    def _check_strategy(self) -> None:
        if not self.description.nets_know_all:
            what = f"{self.folder}: has no net that knows all classes ({self.description.strategy})"
            raise UsageError(what, "start from a multi-label or single-label model, or `extend` this one")

    def statistics(self, fold: int | None) -> FeatureStatistics:
        """Return the statistics that standardise the features of the net that a fold starts from.

        Parameters
        ----------
        fold : int or None
            The fold.

        Returns
        -------
        FeatureStatistics
            The net that starts from it has to use the same.
        """
        member = self.description.members[self._member(fold)]
        return FeatureStatistics(member.mean, member.std)

    @torch.no_grad()
    def fill(self, net: nn.Module, fold: int | None, classes: Sequence[str]) -> None:
        """Copy the weights into a net; its outputs for classes that the model does not know are not changed.

        Parameters
        ----------
        net : nn.Module
            With one output for each class.
        fold : int or None
            The fold that it is for.
        classes : sequence of str
            Their names.
        """
        state = dict(self.states[self._member(fold)])
        name, layer = output_layer(net)
        known = {label: row for row, label in enumerate(self.description.labels)}
        rows = [(row, known[label]) for row, label in enumerate(classes) if label in known]
        ours, theirs = ([pair[side] for pair in rows] for side in (0, 1))
        for part in ("weight", "bias"):
            tensor = getattr(layer, part).detach().clone()
            tensor[ours] = state[f"{name}.{part}"][theirs].to(tensor)
            state[f"{name}.{part}"] = tensor
        net.load_state_dict(state)

    def _member(self, fold: int | None) -> int:
        own = [member.fold for member in self.description.members]
        return own.index(fold) if fold in own else 0


class ExtendedModel(BaseModel):
    """A one-vs-all model to which classes are added (Chen et al. 2024, section III)."""

    def _check_strategy(self) -> None:
        if self.description.strategy != "one-vs-all":
            what = f"{self.folder}: one net knows all classes ({self.description.strategy})"
            raise UsageError(what, "only one-vs-all models can be extended")

    def with_classes(self, classes: Sequence[str]) -> list[str]:
        """Return the classes of the extended model: those of this one first.

        Parameters
        ----------
        classes : sequence of str
            What the extended model is to recognise.

        Returns
        -------
        list of str
            The classes of this model, then the new ones.

        Raises
        ------
        UsageError
            If none is new.
        """
        new = [label for label in classes if label not in self.description.labels]
        if not new:
            what = f"{self.folder}: knows {', '.join(classes)} already"
            raise UsageError(what, "add a class that it does not know to `classes`")
        return [*self.description.labels, *new]

    def extended_by(self, description: Description) -> Description:
        """Return the description of the extended model.

        Parameters
        ----------
        description : Description
            Of the members that were added, with all classes.

        Returns
        -------
        Description
            The members and prediction settings of this model, and the new members.
        """
        own, new = self.description, len(description.labels) - len(self.description.labels)
        return replace(
            description,
            members=[*own.members, *description.members],
            thresholds=[*own.thresholds, *description.thresholds[-new:]],
            aggregation=own.aggregation,
            stereo=own.stereo,
            hop=own.hop,
        )


def read_base(
    extend: str | os.PathLike[str] | None,
    init: str | os.PathLike[str] | None,
    *,
    folder: str | os.PathLike[str] | None = None,
) -> ExtendedModel | InitialModel | None:
    """Read the model that a training builds on, if there is one: the only place where it is read.

    Parameters
    ----------
    extend : path or None
        A one-vs-all model to add classes to.
    init : path or None
        A model from whose weights to start.
    folder : path, optional
        Where the trained model goes, which must be another directory.

    Returns
    -------
    ExtendedModel, InitialModel or None
        The model.

    Raises
    ------
    UsageError
        If both are given, or the trained model would replace the one that is read.
    ModelError
        If there is no such model, or it is damaged.
    """
    if extend is not None and init is not None:
        raise UsageError("`extend` and `init` do not go together", "choose one of them")
    for what, base in (("extended", extend), ("trained further", init)):
        if base is None or folder is None:
            continue
        if os.path.realpath(base) == os.path.realpath(folder):
            hint = "choose another directory for the trained model"
            raise UsageError(f"{os.fspath(base)}: cannot be {what} in place", hint)
    if extend is not None:
        return ExtendedModel.read(extend)
    return None if init is None else InitialModel.read(init)
