"""Nets, their parameter counts, and the directory that holds a trained model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from imtools import device
from imtools.errors import ModelError, UsageError
from imtools.models import build
from imtools.models.bundle import load, read_description, save
from imtools.models.description import Description, Member
from imtools.models.one_vs_all import build_binary
from imtools.models.weights import write_tensors
from nets import CLASSES, CONFIG, RATE, small_front_end

CPU = torch.device("cpu")
SHAPE = (36, 41)


def test_unknown_names_and_widths() -> None:
    with pytest.raises(UsageError, match="kratimenos2020"):
        build("resnet", num_classes=2, input_shape=SHAPE)
    with pytest.raises(UsageError, match="width"):
        build("gururani2018", num_classes=2, input_shape=SHAPE, width=0)


def test_listing_the_nets_does_not_load_torch() -> None:
    code = "import sys, imtools.models, imtools.device; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_devices() -> None:
    assert device.resolve_device("cpu") == CPU
    assert device.resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for wrong in ("gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:99", ""):
        with pytest.raises(UsageError, match="device"):
            device.resolve_device(wrong)


def test_seeds_are_stable_and_tell_keys_apart() -> None:
    seeds = {device.stable_seed(*keys) for keys in [(1, 2), (12,), ("1", 2), (1, "2"), (2, 1), ("1\x002",)]}
    assert len(seeds) == 6
    device.seed_everything("a", 1)
    first = torch.rand(3)
    device.seed_everything("a", 1)
    assert torch.equal(first, torch.rand(3))


def describe_model(members: int = 2) -> Description:
    return Description(
        name="tiny",
        architecture="gururani2018",
        width=0.05,
        strategy="multi-label",
        labels=list(CLASSES),
        front_end=CONFIG,
        front_end_hash=small_front_end().config_hash,
        shape=SHAPE,
        window=1.0,
        hop=0.5,
        thresholds=[0.5, 0.4, 0.3],
        members=[
            Member(f"fold{i}", i, None, 7, mean=float(i), std=1.0 + i, validation={"loss": 0.5})
            for i in range(members)
        ],
    )


def nets_of(description: Description) -> list[nn.Module]:
    torch.manual_seed(3)
    return [
        build(description.architecture, num_classes=3, input_shape=SHAPE, width=0.05).eval()
        for _ in description.members
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    description = describe_model()
    save(tmp_path / "m", description, [net.state_dict() for net in nets_of(description)], "# {name}\n")
    return tmp_path / "m"


def test_round_trip(folder: Path) -> None:
    model = load(folder)
    assert replace(model.description, weights="") == replace(
        describe_model(), front_end=model.description.front_end
    )
    assert model.name == f"tiny@{model.description.weights[7:15]}"
    assert (folder / "README.md").read_text() == f"# {model.name}\n"
    assert model.description.window_samples == RATE
    assert model.description.hop_samples == RATE // 2


def test_scores_are_the_mean_of_the_members_sigmoids(folder: Path) -> None:
    model = load(folder)
    x = torch.randn(4, *SHAPE)
    with torch.inference_mode():
        each = [net((x - i) / (1 + i)).sigmoid() for i, net in enumerate(nets_of(describe_model()))]
    assert torch.allclose(model.predict_proba(x), (each[0] + each[1]) / 2, atol=1e-5)
    assert torch.allclose(model.predict_proba(x, [1]), each[1], atol=1e-5)
    assert not torch.allclose(each[0], each[1], atol=1e-3)


def test_single_label_scores_sum_to_one(folder: Path) -> None:
    rewrite(folder, strategy="single-label")
    model, x = load(folder), torch.randn(4, *SHAPE)
    scores = model.predict_proba(x)
    assert torch.allclose(scores.sum(dim=1), torch.ones(4), atol=1e-5)
    with torch.inference_mode():
        logits = nets_of(describe_model())[0](x)
    assert torch.allclose(model.predict_proba(x, [0]), logits.softmax(dim=1), atol=1e-5)


def binary_model(folder: Path) -> list[nn.Module]:
    """Two folds of three classes, but for the last: that one has a net of one fold only."""
    torch.manual_seed(4)
    places = [(fold, column) for fold in (0, 1) for column in range(3)][:-1]
    nets = [build_binary("gururani2018", input_shape=SHAPE, width=0.05).eval() for _ in places]
    members = [
        Member(f"fold{fold}.{column}", fold, CLASSES[column], 0, mean=0.0, std=1.0) for fold, column in places
    ]
    description = replace(describe_model(), strategy="one-vs-all", members=members)
    save(folder, description, [net.state_dict() for net in nets], "# {name}\n")
    return nets


def test_each_class_is_the_mean_of_the_nets_that_know_it(tmp_path: Path) -> None:
    nets, x = binary_model(tmp_path), torch.randn(4, *SHAPE)
    model = load(tmp_path)
    with torch.inference_mode():
        each = [net(x).sigmoid()[:, 0] for net in nets]
    expected = torch.stack([(each[0] + each[3]) / 2, (each[1] + each[4]) / 2, each[2]], dim=1)
    assert torch.allclose(model.predict_proba(x), expected, atol=1e-5)
    assert model.members_without(0) == [0, 1, 2]
    with pytest.raises(ModelError, match="held out from fold 1 that knows organ"):
        model.members_without(1)


def test_members_without_a_fold(folder: Path) -> None:
    model = load(folder)
    assert model.members_without(1) == [1]
    with pytest.raises(ModelError, match="fold 5"):
        model.members_without(5)


def test_same_weights_same_bytes(folder: Path, tmp_path: Path) -> None:
    description = describe_model()
    save(tmp_path / "n", description, [net.state_dict() for net in nets_of(description)], "# {name}\n")
    for name in os.listdir(folder):
        assert (folder / name).read_bytes() == (tmp_path / "n" / name).read_bytes()


def test_a_model_holds_no_pickle(folder: Path) -> None:
    assert sorted(os.listdir(folder)) == ["README.md", "model.json", "model.safetensors"]
    header = (folder / "model.safetensors").read_bytes()
    assert b"pickle" not in header
    assert header[8:9] == b"{"  # eight bytes of length, then JSON
    json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])


def test_others_may_read_a_model(folder: Path) -> None:
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1


def test_wrong_shape_of_features(folder: Path) -> None:
    with pytest.raises(ModelError, match="36 bins x 41 frames, not 36x42"):
        load(folder).predict_proba(torch.zeros(1, 36, 42))


def test_missing_files(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere.model\.json"):
        load(tmp_path / "nowhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors: cannot be read"):
        load(folder)


def test_damaged_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors: is not the file"):
        load(folder)


def rewrite(folder: Path, **changes: object) -> None:
    content = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(content | changes))


def test_truncated_weights_of_which_the_hash_is_right(folder: Path) -> None:
    import hashlib

    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    rewrite(folder, weights=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    with pytest.raises(ModelError, match=r"model\.safetensors: is damaged"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"width": 0.1}, r"model\.safetensors: tensor fold0\."),
        ({"labels": ["a"], "thresholds": [0.5]}, r"does not fit model\.json"),
        ({"architecture": "kratimenos2020"}, r"does not fit model\.json"),
        ({"architecture": "resnet"}, r"model\.json: there is no model 'resnet'"),
        ({"schema": "imtools/model/9"}, "schema is 'imtools/model/9'"),
        ({"thresholds": [0.5]}, "one threshold for each label"),
        ({"aggregation": "maximum"}, "does not know 'maximum'"),
        ({"strategy": "guess"}, "does not know 'guess'"),
        ({"members": []}, "no members"),
        ({"members": [{"prefix": "fold0"}]}, r"model\.json: does not describe"),
        ({"surprise": 1}, r"model\.json: does not describe"),
        ({"front_end": []}, r"model\.json: does not describe"),
        ({"shape": [10, 10]}, r"model\.json: features of 10 bins"),
    ],
)
def test_descriptions_that_do_not_fit(folder: Path, changes: dict[str, object], match: str) -> None:
    rewrite(folder, **changes)
    with pytest.raises(ModelError, match=match):
        load(folder)


def test_description_that_is_no_json(folder: Path) -> None:
    (folder / "model.json").write_text("{")
    with pytest.raises(ModelError, match=r"model\.json: does not describe"):
        read_description(folder)


def test_bf16_is_close_to_fp32(folder: Path) -> None:
    x = torch.randn(4, *SHAPE)
    exact, rounded = (load(folder, CPU, dtype).predict_proba(x) for dtype in (torch.float32, torch.bfloat16))
    assert rounded.dtype == torch.float32
    assert float((exact - rounded).abs().max()) < 0.02


@pytest.mark.parametrize("metadata", [None, {"key": "value äöü"}])
def test_weights_are_what_safetensors_reads(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    tensors = {
        "b": torch.randn(3, 5, 2, 2).to(memory_format=torch.channels_last), "a": torch.arange(7),
        "scalar": torch.tensor(1.5), "half": torch.randn(3).bfloat16(), "flag": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4), "part": torch.arange(10.0)[::3],
    }  # fmt: skip
    write_tensors(tmp_path / "w.safetensors", tensors, metadata)
    read = safetensors.torch.load_file(tmp_path / "w.safetensors")
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor), name
    with safetensors.safe_open(tmp_path / "w.safetensors", "pt") as file:
        assert file.metadata() == metadata
    write_tensors(tmp_path / "again.safetensors", dict(reversed(tensors.items())), metadata)
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "w.safetensors").read_bytes()
