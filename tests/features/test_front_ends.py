"""What holds for every front end, whatever it computes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import librosa
import numpy as np
import pytest
import torch

from imtools.errors import FeatureError, UsageError
from imtools.features import KINDS, PRESETS, from_config, front_end
from signals import RATE, signal, transform


class TestEveryFrontEnd:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_batch_equals_single(self, preset: str) -> None:
        model = front_end(preset)
        y = np.stack([signal(name, 20001) for name in ("noise", "tone", "sweep", "silence")])
        batch = transform(model, y)
        assert batch.shape == (4, model.bins, model.frames(20001))
        for row, single in zip(batch, y, strict=True):
            alone = transform(model, single)[0]
            rounding = 0.05 if model.config.get("scale") == "db" else 1e-5 * np.abs(alone).max()
            assert np.abs(row - alone).max() <= rounding
        assert np.array_equal(batch, transform(model, y))

    @pytest.mark.parametrize("preset", PRESETS)
    def test_gradient(self, preset: str) -> None:
        model = front_end(preset)  # none is a roll-off, which counts bins and has no gradient
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
        assert front_end("han2017", hop_length=221).config_hash == front_end("lumen2023-mel").config_hash

    def test_hash_is_stable(self) -> None:
        """Stored features name this hash: if it changes, they are all out of date."""
        assert front_end().config_hash == (
            "sha256:67c2072543de19ed575fb505e7e32af37ed7179ebdfe5e2c1f4b57ae3e7831a8"
        )

    def test_unknown_names_list_the_valid(self) -> None:
        with pytest.raises(UsageError, match="kratimenos2020, han2017"):
            front_end("nothing")
        with pytest.raises(UsageError, match="cqt, mel, modgd, chroma, stft, fft, waveform"):
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

    @pytest.mark.parametrize(
        ("kind", "wrong"),
        [
            ("cqt", {"n_bins": 10**6}),
            ("chroma", {"n_octaves": 10**6}),
            ("chroma", {"tuning": 1e6}),
            ("contrast", {"n_bands": 5000}),
            ("contrast", {"n_fft": 2049, "fmin": 344.43}),
            ("mel", {"amin": 1e-30}),
        ],
    )
    def test_values_beyond_all_bounds(self, kind: str, wrong: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="must"):
            front_end(kind=kind, **wrong)

    def test_equal_numbers_have_equal_hashes(self) -> None:
        assert front_end(kind="stft", power=1.0).config_hash == front_end(kind="stft", power=1).config_hash

    def test_listing_loads_neither_torch_nor_numpy(self) -> None:
        code = (
            "import sys; from imtools.features import KINDS, PRESETS\n"
            "[kind.parameters.defaults() for kind in KINDS.values()]\n"
            "print(*{'torch', 'numpy', 'librosa'} & set(sys.modules))"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not result.stdout.strip()
