"""Starting a training from the weights of a model, for the same classes or for others (fine-tuning)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..errors import UsageError
from ..models.output import output_layer
from .base import Base
from .examples.data import Statistics


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

    def statistics(self, fold: int | None) -> Statistics:
        """Return by what its net standardises features: the net that starts from it has to do the same."""
        member = self.description.members[self._member(fold)]
        return Statistics(member.mean, member.std)

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
