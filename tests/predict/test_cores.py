"""Batches computed in parts, side by side; and normalisation folded into convolutions."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from imtools.models import build
from imtools.models.folding import fold_normalization
from imtools.predict.cores import PART, compute_on_cores


@pytest.fixture
def threads() -> Iterator[int]:
    """Four threads for torch, for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield 4
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [1, 2, 3, 31, 32, 100])
def test_rows_come_back_in_their_order(threads: int, count: int) -> None:
    sizes = []

    def double(part: Tensor) -> Tensor:
        sizes.append(len(part))
        return 2 * part

    batch = torch.arange(float(count))[:, None]
    assert torch.equal(compute_on_cores(double, batch), 2 * batch)
    assert max(sizes) == min(PART, -(-count // threads))
    assert sum(sizes) == count


def test_parts_are_computed_at_the_same_time_by_one_thread_each(threads: int) -> None:
    together = threading.Barrier(threads, timeout=60)  # broken, and the test failed, if one never comes

    def compute(part: Tensor) -> Tensor:
        together.wait()
        return torch.full_like(part, torch.get_num_threads())

    assert compute_on_cores(compute, torch.zeros(threads)).tolist() == [1] * threads
    assert torch.get_num_threads() == threads
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [threads], "threads that are started later have as many as before"


def test_what_goes_wrong_in_a_lane_is_raised(threads: int) -> None:
    def compute(part: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("can't allocate")

    with pytest.raises(torch.OutOfMemoryError):
        compute_on_cores(compute, torch.zeros(100))


@pytest.mark.parametrize("name", ["imtools2026", "kratimenos2020", "gururani2018", "avramidis2021-rfcn"])
def test_folding_keeps_the_answers(name: str) -> None:
    torch.manual_seed(0)
    shape = (1, 22050) if name.startswith("avramidis") else (96, 87)
    net = build(name, num_classes=5, input_shape=shape, width=0.25)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    net.eval()
    features = torch.randn(3, *shape)
    normalizations = sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in net.modules())
    with torch.no_grad():
        expected = net(features)
        fold_normalization(net)
        folded = net(features)
    np.testing.assert_allclose(folded, expected, atol=1e-4 * expected.abs().max().item())
    left = sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in net.modules())
    assert left < normalizations
