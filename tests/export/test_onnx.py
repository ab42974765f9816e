"""Export to ONNX: the file says what the model says, for every net, any batch, and from the waveform on."""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from imtools.errors import ModelError
from imtools.export.model import onnx as onnx_module
from imtools.export.model.onnx import export_onnx
from imtools.features import from_config
from imtools.models import ARCHITECTURES, build
from imtools.models.bosch2012 import SupportVectors
from imtools.models.bundle import TrainedModel, load
from imtools.models.description import Description, Member
from imtools.models.one_vs_all import build_binary
from nets import CLASSES, CONFIG, RATE, fit, make_records, quick_config, small_front_end, tone

CPU = torch.device("cpu")

SHAPES = {
    "avramidis2021": (1, 1357),
    "vaznonis2022-fft": (101, 1),
    "chen2024": (17, 19),
    "bosch2012": (7, 23),
}
"""Small inputs that the pools do not divide, by the paper's front end; the other nets take 83 x 85."""


def describe(
    architecture: str, shape: tuple[int, int], members: list[Member], **changes: object
) -> Description:
    settings: dict[str, object] = {
        "name": "tiny", "architecture": architecture, "width": 0.1, "strategy": "multi-label",
        "labels": list(CLASSES), "front_end": small_front_end().config,
        "front_end_hash": small_front_end().config_hash, "shape": shape, "window": 1.0, "hop": 0.5,
        "thresholds": [0.5, 0.4, 0.3], "members": members,
    }  # fmt: skip
    return Description(**(settings | changes))  # type: ignore[arg-type]


def member(number: int, label: str | None = None) -> Member:
    return Member(f"m{number}", number, label, 0, mean=0.5 * number, std=1.0 + number)


class Lively(nn.Module):
    """A fresh net whose answers depend on its input: logits of a spread of 1 about 0."""

    def __init__(self, net: nn.Module, shape: tuple[int, int]) -> None:
        super().__init__()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.05, 0.5)
        self.net = net.eval()
        with torch.no_grad():
            logits = net(torch.randn(8, *shape) * torch.arange(1, 9)[:, None, None])
        self.register_buffer("mean", logits.mean(dim=0))
        self.register_buffer("std", logits.std(dim=0))

    def forward(self, features: Tensor) -> Tensor:
        return (self.net(features) - self.mean) / self.std


def machines(shape: tuple[int, int]) -> nn.Module:
    net = SupportVectors(len(CLASSES), shape, vectors=20)
    net.vectors.normal_()
    net.coefficients.normal_()
    return net


def make_model(name: str) -> TrainedModel:
    """A model of two members (of one for each class, where the paper has that)."""
    architecture = ARCHITECTURES[name]
    torch.manual_seed(7)
    shape = (1, 100) if name == "vaznonis2022-lstm" else SHAPES.get(architecture.front_end, (83, 85))
    labels = CLASSES if architecture.strategy == "one-vs-all" else (None, None)
    members = [member(number, label) for number, label in enumerate(labels)]
    nets = []
    for each in members:
        if architecture.strategy == "svm":
            nets.append(machines(shape))
        elif each.label is not None:
            nets.append(Lively(build_binary(name, input_shape=shape, width=0.1), shape))
        else:
            nets.append(Lively(build(name, num_classes=len(CLASSES), input_shape=shape, width=0.1), shape))
    return TrainedModel(
        describe(name, shape, members, strategy=architecture.strategy), nets, CPU, torch.float32
    )


def answer(path: Path, inputs: Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return session.run(["scores"], {given.name: inputs.numpy()})[0]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_net_says_what_the_model_says(name: str, tmp_path: Path) -> None:
    model = make_model(name)
    exported = export_onnx(model, tmp_path / "a.onnx")
    assert exported.difference < 1e-4
    assert exported.checked_with == f"onnxruntime {onnxruntime.__version__}"
    assert exported.shape == model.description.shape
    features = torch.randn(5, *model.description.shape) * torch.arange(1, 6)[:, None, None]
    expected = model.predict_proba(features).numpy()
    assert np.ptp(expected, axis=0).min() > 0.01  # or agreement would mean little
    for some in (slice(0, 1), slice(0, 5)):
        np.testing.assert_allclose(answer(tmp_path / "a.onnx", features[some]), expected[some], atol=1e-4)
    if model.description.strategy == "single-label":
        np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model that was trained on tones: two folds."""
    folder = tmp_path_factory.mktemp("model")
    records = make_records(tmp_path_factory.mktemp("features"))
    fit(records, folder, quick_config(width=0.1, epochs=5, learning_rate=1e-2, hop=0.5))
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> TrainedModel:
    return load(folder)


def test_a_trained_model_recognizes_tones(model: TrainedModel, tmp_path: Path) -> None:
    exported = export_onnx(model, tmp_path / "a.onnx", front_end=True)
    assert (exported.input, exported.shape) == ("waveforms", (RATE,))
    waveforms = torch.from_numpy(np.stack([tone(label, 50) for label in CLASSES]))
    expected = model.predict_proba(small_front_end()(waveforms)).numpy()
    np.testing.assert_allclose(answer(tmp_path / "a.onnx", waveforms), expected, atol=1e-4)
    assert exported.difference < 1e-4


KINDS = {
    "waveform": {"normalize": "rms"},
    "mel": {"normalize": "peak", "scale": "log", "crop": [2, 30]},
    "stft": {"n_fft": 300, "hop_length": 131, "normalize": "none"},
    "cqt": {"fmin": 100.0, "n_bins": 60, "hop_length": 64, "normalize": "rms"},
    "chroma": {"fmin": 100.0, "n_octaves": 5, "n_chroma": 12, "hop_length": 100},
    "modgd": {},
    "contrast": {"n_bands": 4},
    "rolloff": {},
    "descriptors": {"n_bands": 4},
}  # fmt: skip


class Average(nn.Module):
    """Scores that depend on every bin and on time."""

    def __init__(self, shape: tuple[int, int], level: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", level.mean(dim=(0, 2), keepdim=True))
        self.register_buffer("std", level.std(dim=(0, 2), keepdim=True) + 1e-3)
        self.register_buffer("weights", torch.randn(shape[0] * shape[1], 3) / 30)

    def forward(self, features: Tensor) -> Tensor:
        return ((features - self.mean) / self.std).flatten(1) @ self.weights


def model_with(kind: str, **parameters: object) -> tuple[TrainedModel, nn.Module]:
    """A model with a front end of a kind."""
    torch.manual_seed(3)
    front_end = from_config({"kind": kind, "sampling_rate": RATE} | parameters)
    level = front_end(torch.randn(2, RATE) / 10)
    shape = (int(level.shape[1]), int(level.shape[2]))
    one = replace(member(0), mean=0.0, std=1.0)
    description = describe(
        "gururani2018", shape, [one], front_end=front_end.config, front_end_hash=front_end.config_hash
    )
    return TrainedModel(description, [Average(shape, level)], CPU, torch.float32), front_end


@pytest.mark.parametrize("kind", KINDS)
def test_front_ends_are_part_of_the_graph(kind: str, tmp_path: Path) -> None:
    model, front_end = model_with(kind, **KINDS[kind])
    exported = export_onnx(model, tmp_path / "a.onnx", front_end=True)
    assert exported.difference < 1e-4
    waveforms = torch.randn(4, RATE) * torch.tensor([0.01, 0.1, 0.3, 1.0])[:, None]
    expected = model.predict_proba(front_end(waveforms)).numpy()
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(answer(tmp_path / "a.onnx", waveforms), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "parameters"), [("fft", {"n_fft": 16000}), ("stft", {"n_fft": 65536, "hop_length": 4000})]
)
def test_transforms_that_are_too_long_are_refused(kind: str, parameters: dict, tmp_path: Path) -> None:
    model, _ = model_with(kind, **parameters)
    with pytest.raises(ModelError, match=f"front end '{kind}'.*without `front_end`"):
        export_onnx(model, tmp_path / "a.onnx", front_end=True)
    assert not os.listdir(tmp_path)
    assert export_onnx(model, tmp_path / "a.onnx").input == "features"


def test_metadata_tell_how_to_use_the_file(model: TrainedModel, tmp_path: Path) -> None:
    export_onnx(model, tmp_path / "a.onnx")
    proto = onnx.load(tmp_path / "a.onnx")
    onnx.checker.check_model(proto, full_check=True)
    found = {prop.key: json.loads(prop.value) for prop in proto.metadata_props}
    assert found["model"] == model.name
    assert found["labels"] == list(CLASSES)
    assert found["thresholds"] == model.description.thresholds
    assert (found["sampling_rate"], found["window"], found["hop"]) == (RATE, 1.0, 0.5)
    assert found["front_end"] == small_front_end().config
    assert found["front_end"].items() >= CONFIG.items()
    assert found["front_end_hash"] == small_front_end().config_hash
    assert (found["strategy"], found["aggregation"]) == ("multi-label", "mean")
    assert found["input"] == "features"
    batch, bins, frames = proto.graph.input[0].type.tensor_type.shape.dim
    assert (batch.dim_param, bins.dim_value, frames.dim_value) == ("batch", 36, 41)


def test_equal_models_give_equal_bytes(model: TrainedModel, tmp_path: Path) -> None:
    first = export_onnx(model, tmp_path / "a.onnx", front_end=True)
    second = export_onnx(model, tmp_path / "b.onnx", front_end=True)
    assert first == second
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert first.bytes == (tmp_path / "a.onnx").stat().st_size


class Different(nn.Module):
    """Says something else once it is exported."""

    def forward(self, features: Tensor) -> Tensor:
        mean = features.mean(dim=(1, 2))
        return torch.stack([mean, mean, mean + 0.01 * torch.onnx.is_in_onnx_export()], dim=1)


class Undefined(nn.Module):
    """Has an answer that is not a number, in the file only."""

    def forward(self, features: Tensor) -> Tensor:
        mean = features.mean(dim=(1, 2))
        return torch.stack([mean, mean, mean / (0.0 if torch.onnx.is_in_onnx_export() else 1.0) * 0], dim=1)


class OnlyTwo(nn.Module):
    """Takes two examples only, once it is exported."""

    def forward(self, features: Tensor) -> Tensor:
        return features.reshape(len(features), -1)[:, :3]


class Foreign(nn.Module):
    """Uses what ONNX has no operator for."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.linalg.svdvals(features)[:, :3]


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Different(), "differ by 0.00"),
        (Undefined(), "differ by nan"),
        (OnlyTwo(), "of shape"),
        (Foreign(), "net 'gururani2018' cannot be exported"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_a_file_that_says_something_else_is_not_kept(net: nn.Module, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_text("earlier")
    wrong = TrainedModel(describe("gururani2018", (5, 6), [member(0)]), [net], CPU, torch.float32)
    with pytest.raises(ModelError, match=message):
        export_onnx(wrong, path)
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == ["a.onnx"]


def test_too_many_weights_for_one_file(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_module, "MAX_FILE_BYTES", 1000)
    with pytest.raises(ModelError, match="do not fit into one ONNX file"):
        export_onnx(model, tmp_path / "a.onnx")


def test_without_the_packages(model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without(*missing: str) -> None:
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *rest: None if name in missing else find(name, *rest)
        )

    without("onnxruntime")
    exported = export_onnx(model, tmp_path / "a.onnx")
    assert exported.checked_with == f"onnx {onnx.__version__}"
    assert exported.difference < 1e-5
    without("onnx", "onnxruntime")
    with pytest.raises(ModelError, match=r"pip install 'imtools\[onnx\]'"):
        export_onnx(model, tmp_path / "b.onnx")


def test_the_command(run, folder: Path, model: TrainedModel, tmp_path: Path) -> None:
    done = run("im-export", "onnx", "-m", str(folder), "--front-end", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    record = json.loads(done.stdout)
    assert record["onnx"] == "out/model.onnx"
    assert record["model"] == model.name
    assert record["shape"] == [RATE]
    assert sorted(os.listdir(tmp_path / "out")) == ["model.onnx", "run.json"]
    waveforms = torch.from_numpy(tone("flute", 3))[None]
    expected = model.predict_proba(small_front_end()(waveforms)).numpy()
    np.testing.assert_allclose(answer(tmp_path / record["onnx"], waveforms), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("onnx", "-m", "{space}/model"), 2, b"name a directory with -o"),
        (("tflite", "-m", "{space}/model", "-o", "out"), 2, b"tflite"),
        (("onnx", "-o", "out"), 2, b"--model"),
        (("onnx", "-m", "gone", "-o", "out"), 1, b"gone/model.json: cannot be read"),
    ],
)
def test_wrong_usage(
    run, space: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, message: bytes
) -> None:
    result = run("im-export", *(part.format(space=space) for part in arguments), cwd=tmp_path)
    assert result.returncode == code
    assert message in result.stderr
    assert not os.listdir(tmp_path)
