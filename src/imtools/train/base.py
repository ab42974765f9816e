"""A model that a training builds on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import Tensor

from ..errors import UsageError
from ..features.front_ends.base import FrontEnd
from ..models import bundle
from ..models.description import Description
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
