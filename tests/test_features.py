"""The front ends: librosa is the oracle, for every parameter and for signals that ask for trouble."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.errors import FeatureError, UsageError
from imtools.features import KINDS, PRESETS, from_config, front_end
from imtools.features.base import FrontEnd
from imtools.features.decimate import Decimator

RATE = 22050
TOLERANCE = 1e-5  # of the maximum


def signal(name: str, samples: int, seed: int = 0) -> np.ndarray:
    time = np.arange(samples) / RATE
    match name:
        case "noise":
            y = np.random.default_rng(seed).standard_normal(samples)
        case "tone":
            y = 0.5 * np.sin(2 * np.pi * 110.0 * time)
        case "sweep":
            y = np.sin(2 * np.pi * (40 * time + 2000 * time**2))
        case "impulse":
            y = np.eye(1, samples, samples // 3)[0]
        case "edge":  # the first sample: where filters begin
            y = np.eye(1, samples, 0)[0]
        case "dc":
            y = np.full(samples, 0.3)
        case "silence":
            y = np.zeros(samples)
    return y.astype(np.float32)


def transform(model: FrontEnd, y: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model(torch.from_numpy(np.atleast_2d(y))).numpy()


def cqt_oracle(y: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    names = ("hop_length", "n_bins", "bins_per_octave", "fmin")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short signals
        return np.abs(librosa.cqt(y, sr=config["sampling_rate"], **{name: config[name] for name in names}))


def assert_close(ours: np.ndarray, oracle: np.ndarray, tolerance: float = TOLERANCE) -> None:
    assert ours.shape == oracle.shape
    assert ours.dtype == np.float32
    assert np.abs(ours - oracle).max() <= tolerance * np.abs(oracle).max()


def plain_cqt(**parameters: Any) -> FrontEnd:
    return front_end(kind="cqt", normalize="none", scale="linear", **parameters)


@pytest.fixture(scope="module")
def clips(shared_dir: Path) -> list[np.ndarray]:
    """Real notes and phrases of several instruments, mono at 22050 Hz, of odd and even lengths."""
    lines = (shared_dir / "audio" / "manifest.jsonl").read_text().splitlines()
    chosen = [json.loads(line) for line in lines[:: max(1, len(lines) // 6)]]
    clips = []
    for number, entry in enumerate(chosen):
        y, rate = soundfile.read(shared_dir / "audio" / entry["path"], dtype="float32", always_2d=True)
        clips.append(soxr.resample(y.mean(axis=1), rate, RATE)[: 3 * RATE + number])
    return clips


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


class TestMel:
    @pytest.mark.parametrize("power", [1, 2])
    @pytest.mark.parametrize(("n_fft", "hop"), [(2048, 512), (1024, 441), (600, 256), (511, 100)])
    def test_librosa(self, n_fft: int, hop: int, power: int) -> None:
        parameters: dict[str, Any] = {"n_fft": n_fft, "hop_length": hop, "n_mels": 40}
        model = front_end(kind="mel", normalize="none", scale="linear", power=power, **parameters)
        for name, samples in [("noise", 22051), ("tone", 22050), ("impulse", 2100), ("dc", 9999)]:
            y = signal(name, samples)
            oracle = librosa.feature.melspectrogram(y=y, sr=RATE, power=power, **parameters)
            ours = transform(model, y)[0]
            assert ours.shape == (40, model.frames(samples))
            assert_close(ours, oracle)

    def test_real_clips_in_db(self, clips: list[np.ndarray]) -> None:
        model, cropped = front_end("librosa-mel"), front_end("irmas-mel")
        for y in clips:
            spectrogram = librosa.feature.melspectrogram(y=y, sr=RATE)
            oracle = librosa.power_to_db(spectrogram, ref=np.max, top_db=80)
            ours = transform(model, y)[0]
            assert np.abs(ours - oracle).max() < 0.01  # dB
            assert np.array_equal(transform(cropped, y)[0], ours[:123])
        assert cropped.bins == 123

    def test_range(self) -> None:
        y = signal("noise", RATE)
        model = front_end("librosa-mel", fmin=100, fmax=4000, scale="linear", n_mels=30)
        assert_close(
            transform(model, y)[0],
            librosa.feature.melspectrogram(y=y, sr=RATE, fmin=100, fmax=4000, n_mels=30),
        )

    def test_long_clips_are_cut_in_time(self) -> None:
        y = np.stack([signal("noise", 3 * RATE, seed) for seed in range(50)])
        model = front_end("librosa-mel", scale="linear", n_mels=8)
        assert 50 * model.frames(3 * RATE) > 2048
        assert_close(transform(model, y)[7], transform(model, y[7])[0])

    def test_han_takes_logarithms_of_magnitudes(self) -> None:
        y = signal("noise", RATE)
        y[: RATE // 4] = 0  # where the floor holds
        spectrogram = librosa.feature.melspectrogram(
            y=y / np.abs(y).max(), sr=RATE, n_fft=1024, hop_length=512, power=1
        )
        ours = transform(front_end("lumen2023-mel"), y)[0]
        assert ours.shape == (128, 44)
        assert np.abs(ours - np.log(np.maximum(spectrogram, 1e-5))).max() < 1e-3

    def test_range_of_bands_is_checked(self) -> None:
        for fmin, fmax in [(500, 400), (0, 12000), (11025, None), (-1, None)]:
            with pytest.raises(UsageError, match="fm"):
                front_end(kind="mel", fmin=fmin, fmax=fmax)


class TestEveryFrontEnd:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_batch_equals_single(self, preset: str) -> None:
        model = front_end(preset)
        y = np.stack([signal(name, 20001) for name in ("noise", "tone", "sweep", "silence")])
        batch = transform(model, y)
        assert batch.shape == (4, model.bins, model.frames(20001))
        for row, single in zip(batch, y, strict=True):
            assert np.allclose(row, transform(model, single)[0], atol=0.01)
        assert np.array_equal(batch, transform(model, y))

    @pytest.mark.parametrize("preset", PRESETS)
    def test_gradient(self, preset: str) -> None:
        model = front_end(preset)
        y = torch.from_numpy(np.stack([signal("noise", 4000), signal("silence", 4000)])).requires_grad_()
        model(y).mean().backward()
        assert y.grad is not None
        assert torch.isfinite(y.grad).all()
        assert y.grad[0].abs().sum() > 0

    @pytest.mark.parametrize(("how", "preset"), [("rms", "kratimenos2020"), ("peak", "librosa-mel")])
    def test_gain_makes_no_difference_when_normalised(self, how: str, preset: str) -> None:
        model = front_end(preset, normalize=how, ref=1.0)
        y = signal("noise", 8000)
        assert np.allclose(transform(model, y), transform(model, y * np.float32(1e-3)), atol=0.01)
        louder = front_end(preset, normalize="none", ref=1.0)
        assert np.abs(transform(louder, y) - transform(louder, y / 2)).max() == pytest.approx(6.02, abs=0.01)

    def test_top_db_and_ref(self) -> None:
        y = signal("tone", 8000)
        level = transform(front_end("librosa-mel", top_db=30), y)
        assert (level.min(), level.max()) == (-30, 0)
        everything = transform(front_end("librosa-mel", top_db=None), y)
        assert everything.min() < -80
        raised = transform(front_end("librosa-mel", ref=100.0, top_db=30), y)
        assert np.allclose(raised - raised.max(), level, atol=1e-4)
        spectrogram = librosa.feature.melspectrogram(y=y, sr=RATE)
        assert raised.max() == pytest.approx(librosa.power_to_db(spectrogram, ref=100.0).max(), abs=1e-3)

    @pytest.mark.parametrize("kind", KINDS)
    def test_autocast_changes_nothing(self, kind: str) -> None:
        model, y = front_end(kind=kind), torch.from_numpy(signal("sweep", 8000)[None])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            inside = model(y)
        assert inside.dtype == torch.float32
        assert torch.equal(inside, model(y))

    def test_double_precision_input(self) -> None:
        y = signal("noise", 8000)
        assert front_end()(torch.from_numpy(y[None].astype(np.float64))).dtype == torch.float32

    @pytest.mark.parametrize("kind", KINDS)
    def test_moves_between_devices(self, kind: str) -> None:
        model = front_end(kind=kind).to("meta")
        assert {buffer.device.type for buffer in model.buffers()} == {"meta"}
        assert model(torch.zeros(2, 5000)).shape == (2, model.bins, model.frames(5000))
        assert not model.state_dict()  # the config says it all

    @pytest.mark.parametrize("shape", [(5000,), (1, 1, 5000), (2, 0)])
    def test_wrong_shapes(self, shape: tuple[int, ...]) -> None:
        for kind in KINDS:
            with pytest.raises(FeatureError):
                front_end(kind=kind)(torch.zeros(shape))


class TestNames:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_config_round_trip(self, preset: str) -> None:
        model = front_end(preset)
        again = from_config(json.loads(json.dumps(model.config)))
        assert list(again.config.items()) == list(model.config.items())
        assert again.config_hash == model.config_hash
        assert type(again) is type(model)
        assert set(model.config) == {"kind", *KINDS[model.kind].parameters.defaults()}

    def test_hash_depends_on_what_matters(self) -> None:
        def config_hash(**overrides: Any) -> str:
            return front_end("irmas-mel", **overrides).config_hash

        assert config_hash() == config_hash(n_mels=128, crop=(0, 123), top_db=80)
        others = [{"crop": None}, {"n_mels": 129}, {"normalize": "rms"}, {"top_db": 60}, {"amin": 1e-6}]
        hashes = {config_hash(), *(config_hash(**other) for other in others)}
        assert len(hashes) == 1 + len(others)
        assert front_end("han2017").config_hash == front_end("lumen2023-mel").config_hash

    def test_hash_is_stable(self) -> None:
        """Stored features name this hash: if it changes, they are all out of date."""
        assert front_end().config_hash == (
            "sha256:67c2072543de19ed575fb505e7e32af37ed7179ebdfe5e2c1f4b57ae3e7831a8"
        )

    def test_unknown_names_list_the_valid(self) -> None:
        with pytest.raises(UsageError, match="kratimenos2020, han2017"):
            front_end("nothing")
        with pytest.raises(UsageError, match="cqt, mel"):
            front_end(kind="nothing")
        with pytest.raises(UsageError, match="n_fft, hop_length"):
            front_end("irmas-mel", bins=3)
        with pytest.raises(UsageError, match="is of kind 'mel', not 'cqt'"):
            front_end("irmas-mel", kind="cqt")
        with pytest.raises(UsageError, match="kind of front end None"):
            from_config({})

    @pytest.mark.parametrize(
        "wrong",
        [
            {"hop_length": 0},
            {"hop_length": 2.5},
            {"n_bins": True},
            {"fmin": -1},
            {"fmin": float("nan")},
            {"normalize": "max"},
            {"scale": 3},
            {"ref": "min"},
            {"amin": 0},
            {"top_db": "80"},
            {"crop": [0, 97]},
            {"crop": [5, 5]},
            {"crop": 7},
            {"sampling_rate": None},
        ],
    )
    def test_values_out_of_range(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match=next(iter(wrong))):
            front_end("kratimenos2020", **wrong)

    def test_listing_loads_neither_torch_nor_numpy(self) -> None:
        code = (
            "import sys; from imtools.features import KINDS, PRESETS\n"
            "[kind.parameters.defaults() for kind in KINDS.values()]\n"
            "print(*{'torch', 'numpy', 'librosa'} & set(sys.modules))"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not result.stdout.strip()
