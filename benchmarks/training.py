"""A training step of the kratimenos2020 net, against a plain float32 loop with channels first."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.report import Row, milliseconds
from imtools.device import place, resolve_precision, tune_malloc
from imtools.models import build

BATCH, SHAPE, CLASSES = 32, (96, 87), 11


def _step(net: nn.Module, dtype: torch.dtype) -> float:
    """Return the median time of one step, in ms."""
    optimiser = torch.optim.Adam(net.parameters(), 1e-4)
    torch.manual_seed(0)
    features, labels = torch.randn(BATCH, *SHAPE), torch.rand(BATCH, CLASSES).round()

    def step() -> None:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits = net(features)
        loss = binary_cross_entropy_with_logits(logits.float(), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return milliseconds(step, repeat=3)


def run() -> list[Row]:
    cpu = torch.device("cpu")
    dtype = resolve_precision("auto", cpu)
    widths = (1.0, 0.25)
    nets = {w: build("kratimenos2020", num_classes=CLASSES, input_shape=SHAPE, width=w) for w in widths}
    naive = {width: _step(net, torch.float32) for width, net in nets.items()}
    tune_malloc()  # it cannot be undone, so the naive way comes first
    return [
        Row(f"kratimenos2020 x {width:g}, batch of {BATCH}", _step(place(net, cpu), dtype), naive[width])
        for width, net in nets.items()
    ]
