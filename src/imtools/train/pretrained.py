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
class Base:
    """A model that a training builds on.

    Attributes
    ----------
    folder : Path
        Its directory.
    description : Description
        What it is.
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
    def read(cls, folder: str | os.PathLike[str], config: TrainConfig) -> Self:
        """Read a model, and check that it goes together with a training with these settings.

        Raises
        ------
        ModelError
            If there is no such model, or it is damaged.
        UsageError
            If its nets are others, or its strategy.
        """
        description = bundle.read_description(folder)
        for what, theirs, ours in (
            ("strategy", description.strategy, config.strategy),
            ("model", description.architecture, config.architecture),
            ("width", description.width, config.width),
        ):
            if theirs != ours:
                hint = "give the options that it was trained with"
                raise UsageError(f"{os.fspath(folder)}: its {what} is {theirs}, not {ours}", hint)
        base = cls(Path(folder), description, bundle.read_states(folder, description))
        base.check_strategy()
        return base

    def check_strategy(self) -> None:
        """Check that a model of this strategy can be built on in this way.

        Raises
        ------
        UsageError
            If it cannot.
        """

    def check(self, front_end: FrontEnd, shape: tuple[int, int], window: float) -> None:
        """Check that features are those of the model.

        Raises
        ------
        UsageError
            If they are not.
        """
        own = self.description
        if (own.front_end_hash, own.shape, own.window) != (front_end.config_hash, shape, window):
            what = f"{self.folder}: its nets take other features than these ({own.front_end['kind']}, "
            what += f"{own.shape[0]} x {own.shape[1]}, {own.window:g} s)"
            raise UsageError(what, "compute them with im-features --like")


class Start(Base):
    """A model whose weights a training starts from.

    Of several members, the net of a fold starts from the one that was held out from that fold, if there is
    one, and else from the first.
    """

    def check_strategy(self) -> None:
        """Check that there is a net that knows all classes."""
        if not self.description.nets_know_all:
            what = f"{self.folder}: has no net that knows all classes ({self.description.strategy})"
            raise UsageError(what, "start from a multi-label or single-label model, or --extend this one")

    def statistics(self, fold: int | None) -> FeatureStatistics:
        """Return by what its net standardises features: the net that starts from it has to do the same."""
        member = self.description.members[self._member(fold)]
        return FeatureStatistics(member.mean, member.std)

    @torch.no_grad()
    def fill(self, net: nn.Module, fold: int | None, classes: Sequence[str]) -> None:
        """Give a net the weights; the outputs for classes that the model does not know stay as they are.

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


class Extended(Base):
    """A one-vs-all model to which classes are added (Chen et al. 2024, section III)."""

    def check_strategy(self) -> None:
        """Check that there is a net for each class."""
        if self.description.strategy != "one-vs-all":
            what = f"{self.folder}: one net knows all classes ({self.description.strategy})"
            raise UsageError(what, "only one-vs-all models can be extended")

    def with_classes(self, classes: Sequence[str]) -> list[str]:
        """Return the classes of the extended model: those of this one first.

        Raises
        ------
        UsageError
            If none is new.
        """
        new = [label for label in classes if label not in self.description.labels]
        if not new:
            what = f"{self.folder}: knows {', '.join(classes)} already"
            raise UsageError(what, "name a class that it does not know, with --classes")
        return [*self.description.labels, *new]

    def extended_by(self, description: Description) -> Description:
        """Return the description of the extended model: what this one says, and the new members."""
        own, new = self.description, len(description.labels) - len(self.description.labels)
        return replace(
            description,
            members=[*own.members, *description.members],
            thresholds=[*own.thresholds, *description.thresholds[-new:]],
            aggregation=own.aggregation,
            stereo=own.stereo,
            hop=own.hop,
        )
