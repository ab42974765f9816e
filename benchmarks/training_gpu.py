"""Training on a GPU: samples a second, the share of time that it waits for data, and how busy its units are.

    python -m benchmarks.training_gpu [--device cuda] [--batch 128] [--examples 4096] [--compile] [MODEL...]

Model FLOP utilisation is the arithmetic of the net, forward and backward as torch counts it, against the peak
that is given (--peak, in TFLOP/s; by default that of an H200 in dense bf16). On a processor without a GPU the
figures are the processor's, and say so.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.flop_counter import FlopCounterMode

from imtools.device import place, resolve_device, resolve_precision
from imtools.features import front_end
from imtools.manifest import Label, Record
from imtools.models import ARCHITECTURES, build
from imtools.models.table import input_shape
from imtools.train import TrainConfig
from imtools.train.examples.data import Examples
from imtools.train.examples.folds import Fold
from imtools.train.examples.rows import InMemoryRows
from imtools.train.loop.engine import Trainer

CLASSES = tuple("abcdefghijk")
DEFAULT = (
    "kratimenos2020",
    "han2017",
    "lumen2023-mel",
    "avramidis2021-fcn",
    "avramidis2021-crnn3",
    "chen2024",
)


def _flops(name: str, shape: tuple[int, int], batch: int, device: torch.device) -> float:
    """Return the arithmetic of one training step, in floating-point operations."""
    net = place(build(name, num_classes=len(CLASSES), input_shape=shape), device).train()
    x = torch.randn(batch, *shape, device=device)
    with FlopCounterMode(display=False) as counter:
        binary_cross_entropy_with_logits(net(x), torch.zeros(batch, len(CLASSES), device=device)).backward()
    return float(counter.get_total_flops())


def _trainer(name: str, options: argparse.Namespace, device: torch.device) -> Trainer:
    shape, count = input_shape(ARCHITECTURES[name]), options.examples
    features = np.random.default_rng(0).standard_normal((count, *shape)).astype(np.float32)
    records = [
        Record(f"r/{i}", None, 0.0, 1.0, 22050, 22050, labels=[Label(CLASSES[i % 11])], labels_complete=True)
        for i in range(count)
    ]
    examples = Examples(
        InMemoryRows(front_end(ARCHITECTURES[name].front_end), features), records, CLASSES, "absent"
    )
    held_out = max(2, count // 16)
    numbers = np.arange(count)
    fold = Fold(None, numbers[held_out:], numbers[:held_out])
    config = TrainConfig(architecture=name, batch_size=options.batch, compile=options.compile)
    return Trainer(examples, fold, config, CLASSES, device, resolve_precision("auto", device))


def main(arguments: list[str] | None = None) -> None:
    """Print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=DEFAULT, metavar="MODEL")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--examples", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--peak", type=float, default=989.0)
    options = parser.parse_args(arguments)
    device = resolve_device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor (there is no GPU)"
    print(f"torch {torch.__version__} on {name}; batches of {options.batch}, one net with 11 outputs\n")
    print(f"  {'model':28s} {'examples/s':>12s} {'waited':>8s} {'GFLOP/example':>14s} {'utilisation':>12s}")
    for model in options.models:
        trainer = _trainer(model, options, device)
        trainer.run_epoch(trainer.learners)
        trainer.feed.waited, start = 0.0, time.perf_counter()
        for _ in range(options.epochs):
            trainer.run_epoch(trainer.learners)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = (time.perf_counter() - start) / options.epochs
        batch = min(options.batch, 16)
        shape = input_shape(ARCHITECTURES[model])
        each = _flops(model, shape, batch, device) / batch
        rate = options.examples / seconds
        used = each * rate / (options.peak * 1e12)
        share = trainer.feed.waited / options.epochs / seconds
        print(f"  {model:28s} {rate:12.0f} {share:8.1%} {each / 1e9:14.3f} {used:12.2%}", flush=True)


if __name__ == "__main__":
    main()
