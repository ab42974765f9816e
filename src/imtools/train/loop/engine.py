"""The training loop: one net, or one for each class, on one division of the examples."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...arrays import BoolArray, Float32Array, IntArray
from ...device import place, seed_everything, stable_seed
from ...errors import ModelError, UsageError
from ...models import build
from ...models.one_vs_all import build_binary
from ..examples.checks import unknown_validation
from ..examples.data import Examples
from ..examples.feed import Feed
from ..examples.folds import Fold
from ..pretrained import InitialModel
from ..protocol.augment import Augmenter, Batch, mix_waveforms
from ..protocol.config import TrainConfig
from ..protocol.losses import class_weights, draw_negatives, kept_negatives
from .checkpoint import load_checkpoint, save_checkpoint
from .grouped import grouped_logits
from .history import Epoch, class_metrics, validation_metrics
from .learner import Learner, run_net
from .processes import Processes
from .trained import Trained

Report = Callable[[Sequence[Epoch], float], None]
"""Called after each epoch with the results of each net that was trained, and the seconds it took."""

_MAX_BATCH_VALUES = 2**26
"""Maximum number of feature values in a batch that is shared by nets with drawn negatives: 256 MiB."""


class Trainer:
    """Trains on one division of the examples.

    Parameters
    ----------
    examples : Examples
        All examples.
    fold : Fold
        Which of them train and validate.
    config : TrainConfig
        The settings.
    classes : sequence of str
        Names of the label columns.
    device : torch.device
        Where to compute.
    dtype : torch.dtype
        In what to compute.
    processes : Processes, optional
        Which of several processes this is; each holds all examples.
    only : collection of str, optional
        One-vs-all: the classes to train nets for; by default all.
    start : InitialModel, optional
        The model whose weights to start from.
    """

    def __init__(
        self,
        examples: Examples,
        fold: Fold,
        config: TrainConfig,
        classes: Sequence[str],
        device: torch.device,
        dtype: torch.dtype,
        *,
        processes: Processes | None = None,
        only: Sequence[str] | None = None,
        start: InitialModel | None = None,
    ) -> None:
        self._examples, self._fold, self._config = examples, fold, config
        self._classes = list(classes)
        self._device, self._dtype = device, dtype
        self._processes = processes or Processes()
        self._start = start
        self._statistics = examples.statistics(fold.train) if start is None else start.statistics(fold.number)
        augmentation = config.augmentation()
        self._mix_sound = augmentation.mix if examples.transform is not None else 0.0
        self._augmenter = Augmenter(
            augmentation.without_mix() if self._mix_sound else augmentation,
            examples.front_end.config,
            self._statistics.mean,
            self._statistics.std,
        )
        self.feed = Feed(examples, device)
        everything = examples.labels(np.arange(len(examples)))
        self._targets, self._known = (labels.to(device) for labels in everything)
        self.learners = self._make_learners(classes if only is None else only)

    def _make_learners(self, only: Sequence[str]) -> list[Learner]:
        config, train, classes = self._config, self._fold.train, self._classes
        present, known = self._examples.present[train], self._examples.known[train]
        weights = class_weights(present, known, config.strategy) if config.class_weights else None
        if config.strategy != "one-vs-all":
            return [self._learner(None, slice(len(classes)), weights)]
        columns = [(label, slice(c, c + 1)) for c, label in enumerate(classes) if label in only]
        learners = [self._learner(label, column, weights) for label, column in columns]
        if config.negatives is not None:
            kept = kept_negatives(present, known, config.negatives)
            for learner in learners:
                for net in {learner.net, learner.eval_net}:
                    net.get_buffer("offset").fill_(math.log(kept[learner.columns.start]))
        return learners

    def _learner(self, label: str | None, columns: slice, weights: Tensor | None) -> Learner:
        config, shape = self._config, self._examples.shape
        seed_everything(config.seed, self._fold.name, label or "", "weights")
        net: nn.Module
        if label is None:
            net = build(config.architecture, num_classes=columns.stop, input_shape=shape, width=config.width)
            if self._start is not None:
                self._start.fill(net, self._fold.number, self._classes)
        else:
            net = build_binary(config.architecture, input_shape=shape, width=config.width)
        own = None if weights is None else weights[columns].to(self._device)
        return Learner(label, columns, place(net, self._device), config, own)

    def train(self, checkpoint: Path, fingerprint: str, report: Report) -> list[Trained]:
        """Train to the end, from the checkpoint if there is one.

        Parameters
        ----------
        checkpoint : Path
            Written after every epoch.
        fingerprint : str
            That of an existing checkpoint must be the same.
        report : callable
            Called after each epoch, not for those of the checkpoint.

        Returns
        -------
        list of Trained
            One for each net.

        Raises
        ------
        ModelError
            If a loss is no longer a number.
        """
        if checkpoint.exists():
            load_checkpoint(checkpoint, fingerprint, self.learners)
        # Wait until all have read it, since it is about to be replaced.
        self._processes.agree([len(learner.history) for learner in self.learners], "checkpoints")
        while active := [learner for learner in self.learners if not learner.done]:
            start = time.perf_counter()
            rows = self.run_epoch(active)
            if self._processes.leads:
                save_checkpoint(checkpoint, fingerprint, self.learners)
                report(rows, time.perf_counter() - start)
        for learner in self.learners:
            learner.eval_net.load_state_dict(learner.best)
        scores = self._scores(self._logits_of_validation(self.learners))
        return [
            Trained(
                self._fold,
                learner.label,
                learner.best,
                self._statistics,
                learner.history,
                learner.kept,
                scores[:, learner.columns],
            )
            for learner in self.learners
        ]

    def history(self) -> list[Epoch]:
        """Return all epochs of all nets so far, in the order in which they ended."""
        rows = [epoch for learner in self.learners for epoch in learner.history]
        return sorted(rows, key=lambda row: row.epoch)

    def run_epoch(self, active: Sequence[Learner]) -> list[Epoch]:
        """Train some of the learners for an epoch and validate them; return the results of each.

        All random numbers follow from seed, fold, epoch and class: the net of a class does not depend on
        which others are trained (except, on a GPU, where nets are computed together, by dropout).
        """
        config, name, rank = self._config, self._fold.name, self._processes.rank
        epoch = len(active[0].history)
        for learner in active:
            learner.begin_epoch()
        used = self._draw(epoch)
        generator = torch.Generator().manual_seed(stable_seed(config.seed, name, epoch, rank, "augment"))
        batches = self._batches(epoch, used)
        shares = [self._processes.share(batch) for batch in batches]
        due = [self._due(learner, batches, used) for learner in active]
        for number, (indices, rows) in enumerate(self.feed.batches(shares)):
            for learner in active:
                learner.set_rate(epoch + number / len(batches))
            batch = self._prepared(indices, rows, generator, epoch / config.epochs)
            seeds = (config.seed, name, epoch, number, rank)
            if used is None:
                self._step(active, batch, seeds)
                continue
            for learner, when in zip(active, due, strict=True):
                own = np.flatnonzero(used[indices, learner.columns.start])
                at = torch.from_numpy(own).to(self._device, non_blocking=True)
                learner.pending.append((batch[0][at], batch[1][at], batch[2][at]))
                if when[number]:
                    some, targets, known = map(torch.cat, zip(*learner.pending, strict=True))
                    self._step([learner], (some, targets, known), seeds)
                    learner.pending = []
        for learner in active:
            self._processes.average_buffers(learner.net)
            if learner.average is not None:
                self._processes.average_buffers(learner.average.net)
        return self._validate(active, epoch)

    def _due(self, learner: Learner, batches: Sequence[IntArray], used: BoolArray | None) -> BoolArray:
        """Return after which batches a learner takes a step: when half a batch of its own examples has come.

        It is the same in all processes, since it follows from whole batches. The rest at the end of an epoch
        makes a step if each process has two examples, which batch normalisation needs.
        """
        due = np.ones(len(batches), dtype=np.bool_)
        if used is None:
            return due
        least, waiting = max(2 * self._processes.size, self._config.batch_size // 2), 0
        for number, batch in enumerate(batches):
            waiting += int(used[batch, learner.columns.start].sum())
            last = number + 1 == len(batches)
            due[number] = waiting >= (2 * self._processes.size if last else least)
            waiting = 0 if due[number] else waiting
        return due

    def _draw(self, epoch: int) -> BoolArray | None:
        """Return which examples the net of each class is trained on in an epoch; ``None``: on all."""
        if self._config.strategy != "one-vs-all" or self._config.negatives is None:
            return None
        examples, train = self._examples, self._fold.train
        used = np.zeros_like(examples.present)
        for column, label in enumerate(self._classes):
            seed = stable_seed(self._config.seed, self._fold.name, epoch, label, "negatives")
            generator = torch.Generator().manual_seed(seed)
            own = examples.present[train, column, None], examples.known[train, column, None]
            used[train, column, None] = draw_negatives(*own, self._config.negatives, generator)
        return used

    def _batches(self, epoch: int, used: BoolArray | None) -> list[IntArray]:
        """Return the batches of an epoch, of nearly equal size, so that none has a single example."""
        train, size = self._fold.train, float(self._config.batch_size)
        if used is not None:  # each net uses a part of every batch: as many examples as elsewhere
            train = train[used[train].any(axis=1)]
            cells = int(np.prod(self._examples.shape))
            size = max(size, min(size / float(used[train].mean()), _MAX_BATCH_VALUES / cells))
        seed = stable_seed(self._config.seed, self._fold.name, epoch, "order")
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed)).numpy()
        least = 2 * self._processes.size
        if len(train) < least:
            what = f"{self._fold.name}: {len(train)} examples for {self._processes.size} processes"
            raise UsageError(what, "start fewer processes, or give more records")
        return np.array_split(train[order], min(math.ceil(len(train) / size), len(train) // least))

    def _step(self, active: Sequence[Learner], batch: Batch, seeds: tuple[str | int, ...]) -> None:
        """Take one step with each of some learners, on the same examples."""
        features, targets, known = batch
        if self._groups(active):
            seed_everything(*seeds)
            nets = [learner.net for learner in active]
            with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
                logits = grouped_logits(nets, features).float()
            losses = [one.loss(own, targets, known) for one, own in zip(active, logits, strict=True)]
            scaled = [one.scaled(*loss, self._processes) for one, loss in zip(active, losses, strict=True)]
            torch.stack(scaled).sum().backward()  # type: ignore[no-untyped-call]
        else:
            for learner in active:
                seed_everything(*seeds, learner.label or "")  # dropout
                self._gradient(learner, features, targets, known)
        for learner in active:
            learner.descend(self._processes)

    def _gradient(self, learner: Learner, features: Tensor, targets: Tensor, known: Tensor) -> None:
        """Compute the gradient of one learner; none if its share of the batch is too small."""
        if len(features) < 2:  # batch normalisation cannot use a single example
            learner.scaled(None, torch.zeros((), device=self._device), self._processes)
            return
        total, count = learner.loss(learner.logits(features, self._dtype), targets, known)
        learner.scaled(total, count, self._processes).backward()  # type: ignore[no-untyped-call]

    def _groups(self, active: Sequence[Learner]) -> bool:
        """Return whether the nets of some learners are computed faster as one."""
        if self._device.type != "cuda" or len(active) < 2 or self._config.compile:
            return False
        return not any(isinstance(module, nn.RNNBase) for module in active[0].net.modules())

    def _prepared(self, indices: IntArray, rows: Tensor, generator: torch.Generator, done: float) -> Batch:
        """Return standardised features, targets and which are known, after augmentation."""
        at = torch.from_numpy(indices).to(self._device, non_blocking=True)
        targets, known = self._targets[at], self._known[at]
        if self._mix_sound:
            waveforms, targets, known = mix_waveforms(
                rows[:, 0], targets, known, self._mix_sound, generator, self._config.voices
            )
            rows = waveforms[:, None]
        return self._augmenter(self._examples.transformed(rows), targets, known, generator, done)

    @torch.inference_mode()
    def _logits_of_validation(self, learners: Sequence[Learner]) -> Tensor:
        """Return the logits of some nets for the validation records, (n, classes); 0 for other classes."""
        validation = self._fold.validation
        logits = torch.zeros(len(validation), self._examples.present.shape[1], device=self._device)
        places = self._processes.share(np.arange(len(validation)))
        size = self._config.batch_size
        batches = [places[start : start + size] for start in range(0, len(places), size)]
        for learner in learners:
            learner.eval_net.eval()
        for own, (_, rows) in zip(batches, self.feed.batches([validation[b] for b in batches]), strict=True):
            features = self._examples.transformed(rows)
            features = (features - self._statistics.mean) / self._statistics.std
            at = torch.from_numpy(own).to(self._device)
            for learner in learners:
                logits[at, learner.columns] = run_net(learner.eval_net, features, self._dtype)
        self._processes.sum(logits)
        return logits

    def _scores(self, logits: Tensor) -> Float32Array:
        single = self._config.strategy == "single-label"
        scores: Float32Array = (logits.softmax(dim=1) if single else logits.sigmoid()).cpu().numpy()
        return scores

    def _validate(self, active: Sequence[Learner], epoch: int) -> list[Epoch]:
        """Validate the nets that have just been trained, and add the results to their histories."""
        logits, validation = self._logits_of_validation(active), self._fold.validation
        at = torch.from_numpy(validation).to(self._device)
        targets, known = self._targets[at], self._known[at]
        scores = self._scores(logits)
        present, certain = self._examples.present[validation], self._examples.known[validation]
        rows = []
        for learner in active:
            total, count = learner.loss(logits[:, learner.columns], targets, known)
            if not count:
                raise unknown_validation(self._fold, learner.label)
            train_loss, loss = learner.training_loss(self._processes), float(total / count)
            if not math.isfinite(train_loss + loss):
                hint = "lower the learning rate, or look for bad features"
                raise ModelError(f"{self._fold.name}: the loss of epoch {epoch} is not a finite number", hint)
            if learner.label is None:
                metrics = validation_metrics(present, scores, certain)
            else:
                column = learner.columns.start
                metrics = class_metrics(present[:, column], scores[:, column], certain[:, column])
            row = Epoch(self._fold.number, learner.label, epoch, learner.rate, train_loss, loss, metrics)
            learner.end_epoch(row)
            rows.append(row)
        return rows
