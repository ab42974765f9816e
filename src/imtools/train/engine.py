"""The training loop: one net on one division of the examples."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..device import place, seed_everything, stable_seed
from ..errors import ModelError
from ..models import build
from .augment import Augmentation, Decibels, mask_bands, mix_examples, roll_bins
from .checkpoint import Checkpoint, State, load_checkpoint, save_checkpoint
from .config import TrainConfig
from .data import Examples, Statistics
from .folds import Fold
from .history import Epoch, validation_metrics
from .schedule import best_epoch, learning_rate, stops

Report = Callable[[Epoch, float], None]
"""Called after each epoch with what it gave and the seconds that it took."""

Floats = NDArray[np.float32]

DEGENERATE_SPREAD = 0.05
"""A net of which no score varies by more than this over all validation records answers the same always."""


@dataclass(frozen=True)
class Trained:
    """What training on one division gave.

    Attributes
    ----------
    fold : Fold
        The division.
    state : dict of str to Tensor
        The weights after the best epoch.
    statistics : Statistics
        Of the training features.
    history : list of Epoch
        Every epoch.
    degenerate : bool
        Whether all validation records get (nearly) the same scores.
    """

    fold: Fold
    state: State
    statistics: Statistics
    history: list[Epoch]
    degenerate: bool

    @property
    def best(self) -> Epoch:
        """The epoch that the weights are from."""
        return self.history[best_epoch([epoch.validation_loss for epoch in self.history])]


class Trainer:
    """Trains a net on one division of the examples.

    Parameters
    ----------
    examples : Examples
        All examples.
    fold : Fold
        Which of them train and validate.
    config : TrainConfig
        The settings.
    front_end : dict
        Configuration of the front end, for the augmentation.
    device, dtype
        Where and in what to compute.
    """

    def __init__(
        self,
        examples: Examples,
        fold: Fold,
        config: TrainConfig,
        front_end: dict[str, Any],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._examples, self._fold, self._config = examples, fold, config
        self._device, self._dtype = device, dtype
        self._augmentation = Augmentation(config.mix, config.roll, config.mask)
        self._decibels = Decibels.of(front_end) if config.mix else None
        self._statistics = examples.statistics(fold.train)
        seed_everything(config.seed, fold.name, "weights")
        net = build(
            config.architecture,
            num_classes=examples.present.shape[1],
            input_shape=examples.shape,
            width=config.width,
        )
        self._net = place(net, device)
        self._optimizer = torch.optim.AdamW(
            self._net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._past = Checkpoint("", [], {})

    def train(self, checkpoint: Path, fingerprint: str, report: Report) -> Trained:
        """Train to the end, from the checkpoint if there is one.

        Parameters
        ----------
        checkpoint : Path
            Written after every epoch.
        fingerprint : str
            What an existing checkpoint must carry.
        report : callable
            Called after each epoch that is done now.

        Raises
        ------
        ModelError
            If the loss is no longer a number.
        """
        self._past = Checkpoint(fingerprint, [], {})
        if checkpoint.exists():
            self._past = load_checkpoint(checkpoint, fingerprint, self._net, self._optimizer)
        while not self._finished():
            start = time.perf_counter()
            row = self._run_epoch(len(self._past.history))
            self._past.history.append(row)
            if best_epoch(self._losses()) == row.epoch:
                self._past.best = {key: t.detach().cpu().clone() for key, t in self._net.state_dict().items()}
            save_checkpoint(checkpoint, self._past, self._net, self._optimizer)
            report(row, time.perf_counter() - start)
        self._net.load_state_dict(self._past.best)
        scores, _ = self._validate()
        spread = float(np.ptp(scores, axis=0).max())
        degenerate = len(scores) > 1 and spread < DEGENERATE_SPREAD
        return Trained(self._fold, self._past.best, self._statistics, self._past.history, degenerate)

    def _losses(self) -> list[float]:
        return [epoch.validation_loss for epoch in self._past.history]

    def _finished(self) -> bool:
        losses = self._losses()
        return len(losses) >= self._config.epochs or stops(self._config.schedule, losses)

    def _run_epoch(self, epoch: int) -> Epoch:
        """Train one epoch and validate; every random number in it follows from seed, fold and epoch."""
        config, fold = self._config, self._fold
        seed_everything(config.seed, fold.name, epoch)  # dropout
        generator = torch.Generator().manual_seed(stable_seed(config.seed, fold.name, epoch, "examples"))
        order = fold.train[torch.randperm(len(fold.train), generator=generator).numpy()]
        # Batches of nearly equal size: batch normalisation cannot use a rest of a single example.
        batches = np.array_split(order, math.ceil(len(order) / config.batch_size))
        losses, rate = self._losses(), 0.0
        total, weight = 0.0, 0
        self._net.train()
        for number, batch in enumerate(batches):
            rate = learning_rate(
                config.schedule,
                config.learning_rate,
                epoch=epoch + number / len(batches),
                epochs=config.epochs,
                losses=losses,
            )
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            loss, count = self._step(batch, generator)
            total, weight = total + loss * count, weight + count
        scores, validation_loss = self._validate()
        if not math.isfinite(total + validation_loss):
            hint = "lower the learning rate, or look for bad features"
            raise ModelError(f"{fold.name}: the loss of epoch {epoch} is not a finite number", hint)
        present, known = (y[fold.validation] for y in (self._examples.present, self._examples.known))
        metrics = validation_metrics(present, scores, known)
        return Epoch(fold.number, epoch, rate, total / max(1, weight), validation_loss, metrics)

    def _step(self, batch: NDArray[np.int64], generator: torch.Generator) -> tuple[float, int]:
        """Take one step of the optimizer; return the mean loss and how many labels it is the mean of."""
        features = self._examples.features(batch).to(self._device)
        present, known = (labels.to(self._device) for labels in self._examples.labels(batch))
        change = self._augmentation
        if self._decibels is not None:
            features, present, known = mix_examples(
                features, present, known, change.mix, self._decibels, generator
            )
        if change.roll:
            features = roll_bins(features, change.roll, generator)
        features = self._standardised(features)
        if change.mask:
            features = mask_bands(features, change.mask, generator)
        loss = masked_loss(self._logits(features), present, known)
        count = int(known.sum())
        mean = loss / max(1, count)
        self._optimizer.zero_grad(set_to_none=True)
        mean.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return float(mean.detach()), count

    def _standardised(self, features: Tensor) -> Tensor:
        return (features - self._statistics.mean) / self._statistics.std

    def _logits(self, features: Tensor) -> Tensor:
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            logits: Tensor = self._net(features)
        return logits.float()

    @torch.inference_mode()
    def _validate(self) -> tuple[Floats, float]:
        """Return the scores of the validation records, and the mean loss over their known labels."""
        self._net.eval()
        indices = self._fold.validation
        parts, total, count = [], 0.0, 0
        for start in range(0, len(indices), self._config.batch_size):
            batch = indices[start : start + self._config.batch_size]
            logits = self._logits(self._standardised(self._examples.features(batch).to(self._device))).cpu()
            present, known = self._examples.labels(batch)
            total += float(masked_loss(logits, present, known))
            count += int(known.sum())
            parts.append(logits.sigmoid().numpy())
        if not count:
            hint = "pass --unlisted absent, or choose other folds"
            raise ModelError(f"{self._fold.name}: nothing is known of the validation labels", hint)
        return np.concatenate(parts), total / count


def masked_loss(logits: Tensor, present: Tensor, known: Tensor) -> Tensor:
    """Return the sum of the binary cross-entropies of the known labels: unknown ones have no gradient.

    Parameters
    ----------
    logits : Tensor, shape (batch, classes)
        What the net gives.
    present, known : Tensor of bool, shape (batch, classes)
        The labels, and which of them are known.
    """
    each = binary_cross_entropy_with_logits(logits, present.float(), reduction="none")
    return each.masked_fill(~known, 0.0).sum()
