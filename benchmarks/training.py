"""Training: an epoch of the engine, validation included, against a plain float32 loop with channels first.

The plain loop is what a paper's own code does: shuffle, slice, step, and the validation at the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.report import Row
from imtools.device import resolve_precision, tune_malloc
from imtools.features import front_end
from imtools.manifest import Label, Record
from imtools.models import build
from imtools.train import TrainConfig
from imtools.train.examples.data import Examples
from imtools.train.examples.folds import Fold
from imtools.train.examples.rows import InMemoryRows
from imtools.train.loop.engine import Trainer

CPU = torch.device("cpu")
BATCH, TRAIN, HELD_OUT = 32, 256, 64
FAMILIES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "vocal")
CHEN_SHAPE = (128, 43)  # the whole STFT of four seconds would take an hour


@dataclass
class Case:
    """Random features of ten classes, as many of each."""

    features: NDArray[np.float32]
    labels: NDArray[np.float32]

    @classmethod
    def make(cls, shape: tuple[int, int]) -> Case:
        """Return a case with features of a shape."""
        count = TRAIN + HELD_OUT
        features = np.random.default_rng(0).standard_normal((count, *shape)).astype(np.float32)
        return cls(features, np.eye(len(FAMILIES), dtype=np.float32)[np.arange(count) % len(FAMILIES)])

    def trainer(self, config: TrainConfig, dtype: torch.dtype) -> Trainer:
        """Return the engine, ready to train on it."""
        names = [FAMILIES[i % len(FAMILIES)] for i in range(len(self.features))]
        records = [
            Record(f"r/{i}", None, 0.0, 1.0, 22050, 22050, labels=[Label(name)], labels_complete=True)
            for i, name in enumerate(names)
        ]
        examples = Examples(InMemoryRows(front_end("irmas-mel"), self.features), records, FAMILIES, "absent")
        numbers = np.arange(len(records))
        return Trainer(examples, Fold(None, numbers[:TRAIN], numbers[TRAIN:]), config, FAMILIES, CPU, dtype)

    def plain_epoch(self, net: nn.Module, outputs: int) -> float:
        """Return the time of an epoch of a plain loop, in ms."""
        optimiser = torch.optim.Adam(net.parameters(), 1e-4)
        x, y = torch.from_numpy(self.features), torch.from_numpy(self.labels[:, :outputs])
        mean, std = x[:TRAIN].mean(), x[:TRAIN].std()

        def epoch() -> None:
            net.train()
            for batch in torch.randperm(TRAIN).split(BATCH):
                loss = binary_cross_entropy_with_logits(net((x[batch] - mean) / std), y[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            net.eval()
            with torch.no_grad():
                for start in range(TRAIN, TRAIN + HELD_OUT, BATCH):
                    net((x[start : start + BATCH] - mean) / std)

        return _shortest(epoch)


def _shortest(function: object, repeat: int = 3) -> float:
    """Return the shortest time of a call in ms, after one that counts for nothing."""
    times = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        function()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return 1000 * min(times[1:])


def _epoch(trainer: Trainer) -> float:
    return _shortest(lambda: trainer.run_epoch(trainer.learners))


def run() -> list[Row]:
    dtype = resolve_precision("auto", CPU)
    images, spectrograms = Case.make((96, 87)), Case.make(CHEN_SHAPE)
    settings = {"batch_size": BATCH, "unlisted": "absent"}
    naive = {}
    for width in (1.0, 0.25):
        net = build("kratimenos2020", num_classes=len(FAMILIES), input_shape=(96, 87), width=width)
        naive[width] = images.plain_epoch(net, len(FAMILIES))
    binary = build("chen2024", num_classes=1, input_shape=CHEN_SHAPE)
    naive_binary = spectrograms.plain_epoch(binary, 1)
    tune_malloc()  # it cannot be undone, so the plain loops come first
    rows = [
        Row(
            f"kratimenos2020 x {width:g}, an epoch of {TRAIN}",
            _epoch(images.trainer(TrainConfig(width=width, **settings), dtype)),
            naive[width],
        )
        for width in naive
    ]
    chen = settings | {"architecture": "chen2024"}
    one = spectrograms.trainer(TrainConfig(**chen), dtype)  # one net, all classes: the work of one binary net
    one_net = _epoch(one)
    rows.append(Row("chen2024, one net", one_net, naive_binary))
    for negatives, what in ((1.0, "1 negative a positive"), (None, "all negatives")):
        config = TrainConfig(strategy="one-vs-all", negatives=negatives, **chen)
        ten = _epoch(spectrograms.trainer(config, dtype))
        rows.append(Row(f"chen2024, ten nets, {what} (against one net)", ten, one_net))
        rows.append(Row("  the same (against ten plain loops)", ten, 10 * naive_binary))
    return rows
