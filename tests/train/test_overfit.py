"""Nets learn 64 real clips by heart: narrow ones, on parts of the clips, to take seconds.

``python -m benchmarks.overfit`` does the same with whole seconds, the full width, and every net.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from imtools.models import ARCHITECTURES
from paths import ROOT

NETS = {
    "kratimenos2020": (0.125, 48),
    "gururani2018": (0.125, 48),
    "lumen2023-chroma": (0.25, 60),
    "avramidis2021-dcnn": (0.5, 1500),
    "avramidis2021-fcn": (1.0, 1500),
    "avramidis2021-rfcn": (0.5, 1500),
    "avramidis2021-crnn5": (0.5, 1500),
    "vaznonis2022-lstm": (1.0, 300),
}
"""Width, and how many frames (or samples) at the end of a clip are taken."""


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.overfit")


@pytest.mark.slow(5)
@pytest.mark.parametrize("name", NETS)
def test_net_learns_64_clips(benchmark: ModuleType, name: str) -> None:
    width, frames = NETS[name]
    features, classes = benchmark.clips(ARCHITECTURES[name].front_end)
    assert len(features) == len(classes) == 64
    assert classes.bincount().min() >= 7
    settings = benchmark.Settings(rate=3e-3)
    result = benchmark.overfit(name, features[:, :, -frames:], classes, width=width, settings=settings)
    assert result.accuracy > 0.95, result
