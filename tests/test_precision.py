"""Precision: float32 for prediction on a CPU, whatever instructions it has, so that scores are its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from imtools import device
from imtools.errors import UsageError
from imtools.models.bundle import load
from imtools.predict.predictor import Predictor, PredictSettings
from nets import CLASSES, fit, make_records, quick_config, tone

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")

BATCHES = {"fp32": 1e-6, "bf16": 1e-2}
"""How far the scores of a window may lie apart in two batches: in bfloat16, with 8 bits, a batch is no more
than the sum of differently rounded parts."""


@pytest.mark.parametrize("able", [True, False])
def test_auto(able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_computes_bf16", lambda place: able)
    fast = torch.bfloat16 if able else torch.float32
    assert device.resolve_precision("auto", CPU) is torch.float32
    assert device.resolve_precision("auto", CPU, training=True) is fast
    assert device.resolve_precision("auto", GPU) is fast
    assert device.resolve_precision("auto", GPU, training=True) is fast


@pytest.mark.parametrize("training", [True, False])
def test_named(training: bool) -> None:
    for place in (CPU, GPU):
        assert device.resolve_precision("fp32", place, training=training) is torch.float32
        assert device.resolve_precision("bf16", place, training=training) is torch.bfloat16
    with pytest.raises(UsageError, match="there is no precision 'fp16'; choose auto, fp32, bf16"):
        device.resolve_precision("fp16", CPU)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    records = make_records(tmp_path_factory.mktemp("features"))
    fit(records, folder, quick_config(width=0.1, epochs=10, learning_rate=1e-2, hop=0.5))
    return folder


def scores(folder: Path, dtype: torch.dtype, batch_size: int) -> np.ndarray:
    predictor = Predictor(load(folder, CPU, dtype), PredictSettings(batch_size=batch_size))
    windows = [tone(CLASSES[number % 3], number) for number in range(24)]
    parts = [windows[first : first + batch_size] for first in range(0, len(windows), batch_size)]
    return np.concatenate([predictor.compute(part, False, None) for part in parts])


def test_auto_scores_are_in_float32(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_computes_bf16", lambda place: True)
    auto = scores(folder, device.resolve_precision("auto", CPU), 24)
    np.testing.assert_array_equal(auto, scores(folder, torch.float32, 24))
    assert not np.array_equal(auto, scores(folder, torch.bfloat16, 24))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_windows_score_together_as_alone(precision: str, folder: Path) -> None:
    dtype = device.resolve_precision(precision, CPU)
    together = scores(folder, dtype, 24)
    for batch_size in (1, 5):
        alone = scores(folder, dtype, batch_size)
        np.testing.assert_allclose(alone, together, rtol=0, atol=BATCHES[precision])
