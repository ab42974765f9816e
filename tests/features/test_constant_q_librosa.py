"""The constant-Q transform: librosa is the oracle, for every parameter and troublesome signals."""

from __future__ import annotations

import warnings
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.errors import FeatureError, UsageError
from imtools.features import front_end
from imtools.features.dsp.decimate import Decimator
from imtools.features.front_ends.base import FrontEnd
from paths import EXAMPLES
from signals import RATE, assert_close, recordings, signal, transform


def cqt_oracle(y: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    names = ("hop_length", "n_bins", "bins_per_octave", "fmin")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short signals
        return np.abs(librosa.cqt(y, sr=config["sampling_rate"], **{name: config[name] for name in names}))


def plain_cqt(**parameters: Any) -> FrontEnd:
    return front_end(kind="cqt", normalize="none", scale="linear", **parameters)


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    """Real recordings of several instruments."""
    return recordings(EXAMPLES, 6)


class TestConstantQ:
    @pytest.mark.parametrize(
        ("hop", "bins", "per_octave"),
        [
            (256, 96, 12),
            (512, 84, 12),
            (512, 36, 12),  # early downsampling by 16
            (1024, 60, 12),  # by 4
            (256, 72, 36),
            (300, 96, 12),  # halves twice, then keeps the rate
            (441, 60, 12),  # never halves
            (64, 12, 12),
            (256, 5, 12),
            (256, 1, 12),
            (512, 100, 24),  # the lowest octave is not full
        ],
    )
    def test_librosa(self, hop: int, bins: int, per_octave: int) -> None:
        model = plain_cqt(hop_length=hop, n_bins=bins, bins_per_octave=per_octave)
        for name, samples in [("noise", 22051), ("tone", 22050), ("edge", 9000)]:
            y = signal(name, samples)
            ours = transform(model, y)[0]
            assert ours.shape == (bins, model.frames(samples))
            assert_close(ours, cqt_oracle(y, model.config))

    @settings(max_examples=10, deadline=None)
    @given(
        samples=st.integers(64, 30000),
        hop=st.sampled_from([32, 96, 128, 250, 256, 512, 999]),
        bins=st.integers(1, 70),
        fmin=st.floats(25, 120),
        seed=st.integers(0, 99),
    )
    def test_librosa_everywhere(self, samples: int, hop: int, bins: int, fmin: float, seed: int) -> None:
        model = plain_cqt(hop_length=hop, n_bins=bins, fmin=fmin)
        y = signal("noise", samples, seed)
        assert_close(transform(model, y)[0], cqt_oracle(y, model.config))

    def test_other_rates(self) -> None:
        model = plain_cqt(sampling_rate=44100, n_bins=84, fmin=55.0)
        y = signal("sweep", 44101)
        assert_close(transform(model, y)[0], cqt_oracle(y, model.config))

    def test_one_minute(self) -> None:
        model = plain_cqt()
        y = signal("sweep", 60 * RATE + 1)
        assert_close(transform(model, y)[0], cqt_oracle(y, model.config))

    def test_real_clips(self, clips: list[np.ndarray]) -> None:
        for number, y in enumerate(clips):
            model = (plain_cqt(), plain_cqt(hop_length=300, n_bins=84))[number % 2]
            assert_close(transform(model, y)[0], cqt_oracle(y, model.config))

    def test_default_is_kratimenos(self, clips: list[np.ndarray]) -> None:
        model = front_end()
        y = clips[0][:RATE]
        oracle = librosa.amplitude_to_db(cqt_oracle(y / np.sqrt(np.mean(y**2)), model.config))
        ours = transform(model, y)
        assert ours.shape == (1, 96, 87)
        assert np.abs(ours[0] - oracle).max() < 0.05  # dB; the quietest bins feel rounding most

    def test_dc_and_silence(self) -> None:
        model = front_end("kratimenos2020")
        assert np.isfinite(transform(model, signal("dc", RATE))).all()
        silence = transform(model, signal("silence", RATE))
        assert np.allclose(silence, -100)  # 20 log10(1e-5)

    def test_too_many_bins(self) -> None:
        with pytest.raises(UsageError, match="n_bins"):
            front_end("kratimenos2020", n_bins=120)

    def test_kernels_beyond_all_use(self) -> None:
        for parameters in ({"bins_per_octave": 1_000_000}, {"fmin": 1e-3}):
            with pytest.raises(UsageError, match="no kernel exceeds 4194304 samples"):
                front_end(kind="cqt", **parameters)

    def test_too_short(self) -> None:
        model = plain_cqt(hop_length=512, n_bins=36)
        assert model.min_samples == 16
        assert transform(model, signal("noise", 16)).shape == (1, 36, 1)
        with pytest.raises(FeatureError, match=r"15 samples .* at least 16"):
            model(torch.zeros(1, 15))


@pytest.mark.parametrize("factor", [2, 4, 16])
@pytest.mark.parametrize("samples", [32, 33, 1000, 1001, 20007, 20008])
def test_decimator_is_soxr(factor: int, samples: int) -> None:
    y = signal("noise", samples)
    oracle = librosa.resample(y, orig_sr=factor, target_sr=1, res_type="soxr_hq", scale=True)
    with torch.inference_mode():
        assert_close(Decimator(factor)(torch.from_numpy(y[None]))[0].numpy(), oracle, 2e-6)
