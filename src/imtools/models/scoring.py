"""From features to scores: all members of a model as one module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .description import Description


class ScoringModule(nn.Module):
    """The nets of a model, the standardisation before them, and the mean of their scores.

    Each member standardises the features by its own mean and deviation. Its logits become probabilities by
    a softmax (strategy ``"single-label"``: they sum to 1) or by a sigmoid for each class.

    Parameters
    ----------
    description : Description
        Of the model.
    nets : sequence of nn.Module
        One for each member, in their order: features (batch, bins, frames) in, logits out (batch, classes),
        or (batch, 1) for a member for one class.
    """

    def __init__(self, description: Description, nets: Sequence[nn.Module]) -> None:
        super().__init__()
        self._description = description
        self._columns = {label: column for column, label in enumerate(description.labels)}
        self.nets = nn.ModuleList(nets)

    def forward(self, features: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Return the scores (batch, classes), 0 to 1, of features (batch, bins, frames).

        Parameters
        ----------
        features : Tensor of float32, shape (batch, bins, frames)
            As the front end computes them.
        members : sequence of int, optional
            Which members to use, by default all; the score of a class that none of them knows is 0.

        Returns
        -------
        Tensor of float32, shape (batch, classes)
            The mean over the members that know a class.
        """
        used = range(len(self.nets)) if members is None else members
        if self._description.strategy != "one-vs-all":
            return torch.stack([self._probabilities(index, features) for index in used]).mean(dim=0)
        scores: list[list[Tensor]] = [[] for _ in self._columns]
        for index in used:
            if (label := self._description.members[index].label) is not None:
                scores[self._columns[label]].append(self._probabilities(index, features)[:, 0])
        unknown = torch.zeros_like(features[:, 0, 0])
        columns = [torch.stack(own).mean(dim=0) if own else unknown for own in scores]
        return torch.stack(columns, dim=1)

    def _probabilities(self, index: int, features: Tensor) -> Tensor:
        member = self._description.members[index]
        logits: Tensor = self.nets[index]((features - member.mean) / member.std).float()
        return logits.softmax(dim=1) if self._description.strategy == "single-label" else logits.sigmoid()
