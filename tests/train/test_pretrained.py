"""Training that starts from the weights of a model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from imtools.errors import ImtoolsError, ModelError, UsageError
from imtools.manifest import Record
from imtools.models import build
from imtools.models.bundle import load, read_description, read_states, save
from imtools.models.output import output_layer
from imtools.train.examples.data import FeatureStatistics
from imtools.train.pretrained import InitialModel
from nets import CLASSES, fit, make_records, quick_config

pytestmark = pytest.mark.filterwarnings("ignore:.*nearly the same answer")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return make_records(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def model(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    fit(records, folder, quick_config())
    return folder


def renamed(records: list[Record], names: dict[str, str]) -> list[Record]:
    """The same records, some of whose classes have other names."""
    return [
        record.replace(labels=[replace(one, label=names.get(one.label, one.label)) for one in record.labels])
        for record in records
    ]


@pytest.mark.parametrize("architecture", ["kratimenos2020", "avramidis2021-fcn", "avramidis2021-bigru-128"])
def test_outputs_for_known_classes_are_taken_over_wherever_they_stand(architecture: str, model: Path) -> None:
    shape = (96, 87) if architecture == "kratimenos2020" else (1, 700)
    torch.manual_seed(1)
    old = build(architecture, num_classes=3, input_shape=shape, width=0.1).eval()
    description = read_description(model)
    description = replace(description, labels=["a", "b", "c"], members=description.members[:1])
    start = InitialModel(model, description, [old.state_dict()])
    new = build(architecture, num_classes=4, input_shape=shape, width=0.1).eval()
    fresh = output_layer(new)[1].bias.detach().clone()
    start.fill(new, None, ["c", "new", "a", "newer"])
    x = torch.randn(2, *shape)
    with torch.no_grad():
        torch.testing.assert_close(new(x)[:, [0, 2]], old(x)[:, [2, 0]])
    assert torch.equal(output_layer(new)[1].bias[[1, 3]], fresh[[1, 3]])


def test_each_fold_starts_from_the_member_that_does_not_know_it(model: Path) -> None:
    start = InitialModel.read(model)
    description = start.description
    assert [member.fold for member in description.members] == [0, 1]
    for fold, place in ((0, 0), (1, 1), (7, 0), (None, 0)):
        member = description.members[place]
        assert start.statistics(fold) == FeatureStatistics(member.mean, member.std)
        net = build("kratimenos2020", num_classes=3, input_shape=description.shape, width=0.06)
        start.fill(net, fold, CLASSES)
        states = net.state_dict()
        assert all(torch.equal(states[key], value) for key, value in start.states[place].items())


def test_training_goes_on_from_what_was_learnt(records: list[Record], model: Path, tmp_path: Path) -> None:
    still = quick_config(epochs=1, learning_rate=1e-9, schedule="decay")
    description = fit(records, tmp_path / "still", still, init=model)
    before = read_description(model)
    assert description.training["start"] == f"{before.name}@{before.weights[7:15]}"
    assert before.training["start"] is None
    assert description.training["fingerprint"] != before.training["fingerprint"]
    assert [(m.mean, m.std) for m in description.members] == [(m.mean, m.std) for m in before.members]
    states = zip(read_states(tmp_path / "still", description), read_states(model, before), strict=True)
    for now, then in states:
        for key, tensor in then.items():
            if tensor.is_floating_point() and "running" not in key:
                assert torch.allclose(now[key], tensor, atol=1e-6), key
    card = (tmp_path / "still" / "README.md").read_text()
    assert f"started from are those of {description.training['start']}" in card


def test_a_class_of_another_name_begins_from_nothing(
    records: list[Record], model: Path, tmp_path: Path
) -> None:
    others = renamed(records, {CLASSES[0]: "new"})
    description = fit(
        others, tmp_path, quick_config(epochs=1, learning_rate=1e-9, schedule="decay"), init=model
    )
    assert description.labels == ["flute", "new", "organ"]
    for old, new in zip(load(model).scorer.nets, load(tmp_path).scorer.nets, strict=True):
        (name, before), (_, after) = output_layer(old), output_layer(new)
        assert torch.allclose(before.weight[1:], after.weight[[0, 2]], atol=1e-6), name
        assert not torch.allclose(before.weight[0], after.weight[1], atol=1e-3)


def test_what_cannot_be_started_from_is_refused(records: list[Record], model: Path, tmp_path: Path) -> None:
    def refused(match: str, config: object = None, kind: type[ImtoolsError] = UsageError) -> None:
        with pytest.raises(kind, match=match):
            fit(records, tmp_path / "out", config or quick_config(), init=tmp_path / "base")  # type: ignore[arg-type]
        assert not (tmp_path / "out" / "model.json").exists()

    refused("cannot be read", kind=ModelError)
    description, states = read_description(model), read_states(model, read_description(model))
    save(tmp_path / "base", description, states, "")
    refused("its width is 0.06, not 0.1", quick_config(width=0.1))
    refused("its strategy is multi-label, not single-label", quick_config(strategy="single-label"))
    save(tmp_path / "base", replace(description, window=2.0), states, "")
    refused("its nets take other features than these")
    fit(records, tmp_path / "base", quick_config(strategy="one-vs-all"))
    refused("has no net that knows all classes", quick_config(strategy="one-vs-all"))


@pytest.mark.slow(3)
def test_the_command_takes_net_and_front_end_from_the_model(run, space: Path, tmp_path: Path) -> None:
    made = run(
        "im-train", "--init", str(space / "model"), "--epochs", "1", "--batch", "16", "--classes", "vio,new",
        "--unlisted", "absent", "-o", str(tmp_path / "tuned"), stdin=_with_a_new_class(space), cwd=space,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr.decode()
    description, before = read_description(tmp_path / "tuned"), read_description(space / "model")
    assert (description.architecture, description.width) == (before.architecture, before.width)
    assert description.front_end_hash == before.front_end_hash
    assert description.labels == ["vio", "new"]
    scores = load(tmp_path / "tuned").predict_proba(torch.zeros(1, *description.shape))
    assert np.isfinite(scores.numpy()).all()
    in_place = run("im-train", "--init", "model", "-o", "model", "--force", "folds.jsonl", cwd=space)
    assert in_place.returncode == 2
    assert b"cannot be trained further in place" in in_place.stderr
    both = run("im-train", "--init", "model", "--extend", "model", "-o", str(tmp_path / "x"), cwd=space)
    assert (both.returncode, b"do not go together" in both.stderr) == (2, True)


def _with_a_new_class(space: Path) -> bytes:
    """The segments of the workspace, whose first class has another name; without features."""
    lines = []
    for line in (space / "folds.jsonl").read_text().splitlines():
        record = json.loads(line)
        for label in record["labels"]:
            label["label"] = {"cla": "new"}.get(label["label"], label["label"])
        lines.append(json.dumps(record) + "\n")
    return "".join(lines).encode()
