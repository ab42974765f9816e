"""One net in training: its optimizer, the history of its epochs, and when it is done."""

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
    """A net in training, for all classes or for one.

    Attributes
    ----------
    label : str or None
        The class of a net for one class; ``None``: all.
    columns : slice
        Columns of the labels that its outputs correspond to.
    net : nn.Module
        Features (batch, bins, frames) in, logits (batch, columns) out.
    config : TrainConfig
        The settings.
    weights : Tensor or None
        Class weights of its columns.
    history : list of Epoch
        Losses and metrics of its epochs.
    best : dict of str to Tensor
        Its weights after the epoch that is kept.
    pending : list of tuple of Tensor
        Examples that wait for others to fill a batch.
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
        """Make the optimizer, the moving average and the loss."""
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
    def eval_net(self) -> nn.Module:
        """The net that is validated and kept."""
        return self.net if self.average is None else self.average.net

    @property
    def losses(self) -> list[float]:
        """The validation losses so far."""
        return [epoch.validation_loss for epoch in self.history]

    @property
    def kept(self) -> int:
        """The epoch whose weights are kept; -1 before any."""
        return len(self.history) - 1 if self.config.keep == "last" else best_epoch(self.losses)

    @property
    def done(self) -> bool:
        """Whether its training is over."""
        losses, last = self.losses, self.history[-1].metrics if self.history else {}
        if len(losses) >= self.config.epochs or self._plan.stops(losses):
            return True
        goal, values = self.config.stop_precision, (last.get("precision"), last.get("accuracy"))
        return goal > 0 and all(value is not None and value >= goal for value in values)

    def begin_epoch(self) -> None:
        """Prepare for the steps of an epoch."""
        self.net.train()
        self._sums, self.pending = [], []

    def set_rate(self, epoch: float) -> None:
        """Set the learning rate; ``epoch`` is the time since the start, in epochs."""
        self.rate = self._plan.rate(epoch, self.losses)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate

    def logits(self, features: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the logits for training, as float32.

        Parameters
        ----------
        features : Tensor, shape (batch, bins, frames)
            Standardised.
        dtype : torch.dtype
            In what to compute.

        Returns
        -------
        Tensor of float32, shape (batch, columns)
            The logits.
        """
        return run_net(self._forward, features, dtype)

    def loss(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the losses, and the number of its terms.

        Parameters
        ----------
        logits : Tensor, shape (batch, columns)
            Of this net.
        targets, known : Tensor, shape (batch, classes)
            Of all classes.

        Returns
        -------
        total, count : Tensor of float, shape ()
            See `imtools.train.protocol.losses`.
        """
        return self._loss(logits, targets[:, self.columns], known[:, self.columns], self.weights)

    def scaled(self, total: Tensor | None, count: Tensor, processes: Processes) -> Tensor:
        """Clear the gradients, and return this process's part of the mean loss over all processes.

        Parameters
        ----------
        total : Tensor or None
            Sum of the losses of this process; ``None`` if it has no examples for this net.
        count : Tensor
            Number of its terms.
        processes : Processes
            Those that share the batch.

        Returns
        -------
        Tensor, shape ()
            To compute the gradients from.
        """
        self.optimizer.zero_grad(set_to_none=True)
        sums = torch.stack([torch.zeros_like(count) if total is None else total.detach(), count.detach()])
        self._sums.append(sums)
        everywhere = count.detach().clone()
        processes.sum(everywhere)
        return sums[0] if total is None else total / everywhere.clamp(min=1)

    def descend(self, processes: Processes) -> None:
        """Take an optimizer step with the gradients of all processes together."""
        processes.sum_gradients(self.net)
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.steps)
        self.steps += 1

    def training_loss(self, processes: Processes) -> float:
        """Return the mean training loss of the epoch over all processes; 0 if there were no examples."""
        if not self._sums:
            return 0.0
        total = torch.stack(self._sums).double().sum(dim=0)
        processes.sum(total)
        return float(total[0] / total[1].clamp(min=1))

    def end_epoch(self, epoch: Epoch) -> None:
        """Add an epoch to the history, and keep its weights if the settings say so.

        A net that is done goes back to its best weights: with these it is validated in later epochs of other
        nets.
        """
        self.history.append(epoch)
        if self.kept == epoch.epoch:
            self.best = {key: t.detach().cpu().clone() for key, t in self.eval_net.state_dict().items()}
        if self.done:
            self.eval_net.load_state_dict(self.best)
            self.optimizer.state.clear()
            self.optimizer.zero_grad(set_to_none=True)


def run_net(net: Net, features: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the output of a net as float32.

    Parameters
    ----------
    net : callable
        From features to logits.
    features : Tensor, shape (batch, bins, frames)
        Standardised.
    dtype : torch.dtype
        In what to compute.

    Returns
    -------
    Tensor of float32
        The logits.
    """
    with torch.autocast(features.device.type, dtype, enabled=dtype != torch.float32):
        return net(features).float()
