"""From features to scores: all members of a model as one module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .description import Description


class ScoringModule(nn.Module):
    """The nets of a model, what comes before them, and the mean of what they answer.

    Each member standardises the features by its own mean and deviation. Its logits become probabilities by
    a softmax (strategy ``"single-label"``: they sum to 1) or by a sigmoid, each class for itself.

    Parameters
    ----------
    description : Description
        What the members are.
    nets : sequence of nn.Module
        One for each member, in their order: features (batch, bins, frames) in, logits out (batch, classes),
        or (batch, 1) where a member knows one class.
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
        features : Tensor, float32
            As the front end gives them.
        members : sequence of int, optional
            Which members to ask, by default all; of classes that none of them knows the score is 0.
        """
        asked = range(len(self.nets)) if members is None else members
        if self._description.strategy != "one-vs-all":
            return torch.stack([self._answer(index, features) for index in asked]).mean(dim=0)
        answers: list[list[Tensor]] = [[] for _ in self._columns]
        for index in asked:
            if (label := self._description.members[index].label) is not None:
                answers[self._columns[label]].append(self._answer(index, features)[:, 0])
        nothing = torch.zeros_like(features[:, 0, 0])
        columns = [torch.stack(some).mean(dim=0) if some else nothing for some in answers]
        return torch.stack(columns, dim=1)

    def _answer(self, index: int, features: Tensor) -> Tensor:
        member = self._description.members[index]
        logits: Tensor = self.nets[index]((features - member.mean) / member.std).float()
        return logits.softmax(dim=1) if self._description.strategy == "single-label" else logits.sigmoid()
