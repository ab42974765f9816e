"""What streaming relies on in the constant-Q transform: where frames lie and what they depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from imtools.features import front_end
from imtools.features.dsp.correlate import Correlation
from imtools.features.front_ends.base import FrontEnd

CONFIGS: list[dict[str, Any]] = [
    {"hop_length": 256, "n_bins": 96},
    {"hop_length": 512, "n_bins": 36},  # early downsampling
    {"hop_length": 300, "n_bins": 96},  # halves twice, then keeps the rate
    {"hop_length": 441, "n_bins": 60},  # never halves
    {"hop_length": 512, "n_bins": 252, "bins_per_octave": 36},
]


def constant_q(config: dict[str, Any]) -> FrontEnd:
    return front_end(kind="cqt", normalize="none", scale="linear", **config)


def transform(model: FrontEnd, waveform: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return model.transform(waveform[None])[0]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-6)])
def test_slices_have_the_frames_of_the_whole(
    config: dict[str, Any], dtype: torch.dtype, tolerance: float
) -> None:
    model = constant_q(config).to(dtype)
    hop, reach, grid = model.hop_length, model.reach, model.grid
    assert reach is not None
    assert hop == config["hop_length"]
    assert grid % hop == 0
    y = torch.from_numpy(np.random.default_rng(0).standard_normal(4 * reach + 50001)).to(dtype)
    whole = transform(model, y)
    for begin, end in [
        (0, 2 * reach + 7777),
        (7 * grid, 7 * grid + 2 * reach + 20001),
        (90 * grid, len(y)),
    ]:
        part = transform(model, y[begin:end])
        first = 0 if begin == 0 else -(-reach // hop)
        last = part.shape[1] if end == len(y) else (end - 1 - begin - reach) // hop + 1
        assert last > first
        expected = whole[:, begin // hop + first : begin // hop + last]
        assert (part[:, first:last] - expected).abs().max() <= tolerance * whole.max()


@pytest.mark.parametrize("config", CONFIGS)
def test_reach_is_not_far_from_the_truth(config: dict[str, Any]) -> None:
    model = constant_q(config)
    assert model.reach is not None
    middle = 2 * model.reach // model.hop_length * model.hop_length
    impulse = torch.zeros(2 * middle)
    impulse[middle] = 1
    touched = transform(model, impulse).amax(dim=0).nonzero()[:, 0] * model.hop_length - middle
    assert touched.abs().max() <= model.reach + model.hop_length
    assert touched.abs().max() >= 0.6 * model.reach


@pytest.mark.parametrize("stride", [1, 7, 16, 150, 441, 512])
@pytest.mark.parametrize("taps", [1, 100, 1024, 20000])
def test_correlation(stride: int, taps: int) -> None:
    """Against float64 because oneDNN's answers to some of these shapes are far off, unless kept from them."""
    generator = np.random.default_rng(taps)
    origin = taps // 2
    correlation = Correlation(generator.standard_normal((24, taps)), stride, origin)
    y = torch.from_numpy(generator.standard_normal((2, 3001)).astype(np.float32))
    with torch.inference_mode():
        ours, exact = correlation(y), correlation.double()(y.double())
    assert (ours - exact).abs().max() <= 3e-6 * exact.abs().max()
    padded = np.pad(y[1].numpy().astype(np.float64), (origin, taps))
    kernels = correlation.weight[:, :, :, 0].transpose(1, 2).flatten(1)[:, -origin % stride :][:, :taps]
    for n in (0, 3000 // stride):
        product = kernels.numpy() @ padded[n * stride :][:taps]
        assert np.allclose(exact[1, n], product, atol=1e-9 * taps)


@pytest.mark.parametrize("hop", [8, 64, 441, 512])
@pytest.mark.parametrize("per_octave", [12, 48])
def test_gradient(hop: int, per_octave: int) -> None:
    """Against float64 because oneDNN gets the gradient of some convolutions wrong."""
    gradients: list[torch.Tensor] = []
    for dtype in (torch.float64, torch.float32):
        model = constant_q({"hop_length": hop, "n_bins": 3 * per_octave, "bins_per_octave": per_octave})
        y = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 9000))).to(dtype).requires_grad_()
        gradients += torch.autograd.grad(model.to(dtype).transform(y).square().sum(), y)
    exact, ours = gradients
    assert (ours - exact).abs().max() <= 1e-5 * exact.abs().max()


def test_ten_minutes() -> None:
    model = constant_q(CONFIGS[0])
    y = torch.zeros(1, 600 * 22050)
    y[0, -30000:] = torch.from_numpy(np.random.default_rng(1).standard_normal(30000).astype(np.float32))
    whole = transform(model, y[0])
    assert model.reach is not None
    assert whole.shape == (96, model.frames(600 * 22050))
    assert torch.isfinite(whole).all()
    assert whole[:, -50:].min() > 0
    assert whole[:, : (y.shape[1] - 30000 - model.reach) // 256].max() == 0
