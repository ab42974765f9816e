"""Adding classes to a one-vs-all model: its nets stay as they are (Chen et al. 2024, section III)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from ..errors import UsageError
from ..features.front_ends.base import FrontEnd
from ..models import bundle
from ..models.description import Description
from .protocol.config import TrainConfig


@dataclass(frozen=True)
class Base:
    """A model that is to be extended.

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
    def read(cls, folder: str | os.PathLike[str], config: TrainConfig) -> Base:
        """Read a model, and check that nets of a training with these settings fit in.

        Raises
        ------
        ModelError
            If there is no such model, or it is damaged.
        UsageError
            If it is not one-vs-all, or its nets are others.
        """
        description = bundle.read_description(folder)
        hint = "give the options that it was trained with"
        for what, theirs, ours in (
            ("strategy", description.strategy, config.strategy),
            ("model", description.architecture, config.architecture),
            ("width", description.width, config.width),
        ):
            if theirs != ours:
                raise UsageError(f"{os.fspath(folder)}: its {what} is {theirs}, not {ours}", hint)
        if description.strategy != "one-vs-all":
            what = f"{os.fspath(folder)}: one net knows all classes ({description.strategy})"
            raise UsageError(what, "only one-vs-all models can be extended")
        return cls(Path(folder), description, bundle.read_states(folder, description))

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
