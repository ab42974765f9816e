"""One net that learns: its optimizer, what its epochs gave, and when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..protocol.augment import Batch
from ..protocol.config import TrainConfig
from ..protocol.losses import LOSSES, with_listwise
from ..protocol.schedule import best_epoch
from .average import MovingAverage
from .history import Epoch
from .processes import Processes

State = dict[str, Tensor]
Net = Callable[[Tensor], Tensor]


@dataclass
class Learner:
    """A net for all classes, or for one.

    Attributes
    ----------
    label : str or None
        The one class that it is for; ``None``: all.
    columns : slice
        Of the labels, those that its outputs stand for.
    net : nn.Module
        Features (batch, bins, frames) in, logits (batch, columns) out.
    config : TrainConfig
        The settings.
    weights : Tensor or None
        Class weights of its columns.
    history : list of Epoch
        What its epochs gave.
    best : dict of str to Tensor
        Its weights after the epoch that is kept.
    pending : list of tuple of Tensor
        Features, targets and which are known of examples that wait for others to make a batch.
    """

    label: str | None
    columns: slice
    net: nn.Module
    config: TrainConfig
    weights: Tensor | None = None
    history: list[Epoch] = field(default_factory=list)
    best: State = field(default_factory=dict)
    pending: list[Batch] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make what goes with the net."""
        self._plan = self.config.plan()
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )
        self.average = MovingAverage(self.net, self.config.ema) if self.config.ema else None
        self._forward: Net = torch.compile(self.net) if self.config.compile else self.net
        listwise = self.config.listwise
        self._loss = with_listwise(listwise) if listwise else LOSSES[self.config.strategy]
        self.steps = 0
        self.rate = 0.0
        self._sums: list[Tensor] = []

    @property
    def judged(self) -> nn.Module:
        """The net that is validated and kept."""
        return self.net if self.average is None else self.average.net

    @property
    def losses(self) -> list[float]:
        """The validation losses so far."""
        return [epoch.validation_loss for epoch in self.history]

    @property
    def kept(self) -> int:
        """The epoch of which the weights are kept; -1 before any."""
        return len(self.history) - 1 if self.config.keep == "last" else best_epoch(self.losses)

    @property
    def done(self) -> bool:
        """Whether it has nothing more to learn."""
        losses, last = self.losses, self.history[-1].metrics if self.history else {}
        if len(losses) >= self.config.epochs or self._plan.stops(losses):
            return True
        wanted, values = self.config.stop_precision, (last.get("precision"), last.get("accuracy"))
        return wanted > 0 and all(value is not None and value >= wanted for value in values)

    def begin_epoch(self) -> None:
        """Make ready for the steps of an epoch."""
        self.net.train()
        self._sums, self.pending = [], []

    def set_rate(self, epoch: float) -> None:
        """Set the learning rate for a moment, in epochs from the start."""
        self.rate = self._plan.rate(epoch, self.losses)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate

    def logits(self, features: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the logits for training, as float32."""
        return called(self._forward, features, dtype)

    def loss(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the losses of logits (batch, columns), and of how many it is the sum.

        Parameters
        ----------
        targets, known : Tensor, shape (batch, classes)
            Of all classes.
        """
        return self._loss(logits, targets[:, self.columns], known[:, self.columns], self.weights)

    def scaled(self, total: Tensor | None, count: Tensor, processes: Processes) -> Tensor:
        """Clear the gradients, and return the loss to go back from: a part of the mean over all processes.

        Parameters
        ----------
        total : Tensor or None
            Sum of the losses of this process; ``None`` if it has no examples for this net.
        count : Tensor
            Of how many labels.
        """
        self.optimizer.zero_grad(set_to_none=True)
        sums = torch.stack([torch.zeros_like(count) if total is None else total.detach(), count.detach()])
        self._sums.append(sums)
        everywhere = count.detach().clone()
        processes.sum(everywhere)
        return sums[0] if total is None else total / everywhere.clamp(min=1)

    def descend(self, processes: Processes) -> None:
        """Take a step down the gradient, of all processes together."""
        processes.sum_gradients(self.net)
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.steps)
        self.steps += 1

    def training_loss(self, processes: Processes) -> float:
        """Return the mean loss over the epoch's labels, of all processes; 0 if there were none."""
        if not self._sums:
            return 0.0
        total = torch.stack(self._sums).double().sum(dim=0)
        processes.sum(total)
        return float(total[0] / total[1].clamp(min=1))

    def end_epoch(self, epoch: Epoch) -> None:
        """Note what an epoch gave, and keep the weights if they are to be kept.

        A net that is done goes back to its best weights: later epochs of other nets judge it by them.
        """
        self.history.append(epoch)
        if self.kept == epoch.epoch:
            self.best = {key: t.detach().cpu().clone() for key, t in self.judged.state_dict().items()}
        if self.done:
            self.judged.load_state_dict(self.best)
            self.optimizer.state.clear()
            self.optimizer.zero_grad(set_to_none=True)


def called(net: Net, features: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the output of a net, computed in a type, as float32."""
    with torch.autocast(features.device.type, dtype, enabled=dtype != torch.float32):
        return net(features).float()
