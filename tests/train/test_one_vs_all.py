"""One-vs-all: a net for each class, trained together, stopped and extended one by one."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from imtools.errors import ModelError, UsageError
from imtools.manifest import Label, Record, write_manifest
from imtools.models import build
from imtools.models.bundle import load, read_description, read_states
from imtools.models.one_vs_all import build_binary
from imtools.train import TrainConfig
from imtools.train.examples.data import Examples
from imtools.train.examples.folds import plan_folds
from imtools.train.examples.rows import stored_rows
from imtools.train.loop.engine import Trainer
from imtools.train.loop.grouped import grouped_logits
from nets import CLASSES, fit, make_records, quick_config

pytestmark = pytest.mark.filterwarnings("ignore:.*nearly the same answer")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return make_records(tmp_path_factory.mktemp("features"))


def settings(**changes: object) -> TrainConfig:
    return quick_config(**({"architecture": "chen2024", "strategy": "one-vs-all", "folds": (0,)} | changes))


def trainer(records: list[Record], config: TrainConfig) -> Trainer:
    examples = Examples(stored_rows(records, "mel"), records, CLASSES, config.unlisted)
    fold = plan_folds(records, config.folds, division=config.division, seed=config.seed)[0]
    return Trainer(examples, fold, config, CLASSES, torch.device("cpu"), torch.float32)


def test_learns_and_tells_each_class(records: list[Record], tmp_path: Path) -> None:
    description = fit(records, tmp_path, settings(epochs=12, learning_rate=1e-2))
    assert [(m.prefix, m.label) for m in description.members] == [
        ("fold0.0", "bass"), ("fold0.1", "flute"), ("fold0.2", "organ"),
    ]  # fmt: skip
    assert description.training["validation"][0]["top1"] == 1.0
    assert all(member.validation["f1"] == 1.0 for member in description.members)
    model = load(tmp_path)
    features = Examples(stored_rows(records, "mel"), records, CLASSES, "unknown").features(np.arange(6))
    assert model.predict_proba(features).argmax(dim=1).tolist() == [0, 1, 2, 0, 1, 2]
    card = (tmp_path / "README.md").read_text()
    assert "3 nets, each for one class" in card
    assert "| fold0, flute |" in card


def test_each_stops_for_itself(records: list[Record], tmp_path: Path) -> None:
    config = settings(
        epochs=60, learning_rate=0.05, decay=1.0, schedule="decay", stop_patience=1, batch_size=6
    )
    fit(records, tmp_path, config)
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    lengths = {label: sum(row["label"] == label for row in rows) for label in CLASSES}
    assert len(set(lengths.values())) > 1
    assert max(lengths.values()) < 60
    for label, member in zip(CLASSES, read_description(tmp_path).members, strict=True):
        losses = [row["validation_loss"] for row in rows if row["label"] == label]
        assert member.epoch == int(np.argmin(losses)) == len(losses) - 2


def test_stops_at_a_precision(records: list[Record], tmp_path: Path) -> None:
    config = settings(epochs=40, learning_rate=1e-2, schedule="decay", stop_patience=0, stop_precision=0.98)
    fit(records, tmp_path, config)
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    for label in CLASSES:
        metrics = [row["metrics"] for row in rows if row["label"] == label]
        reached = [(m["precision"] or 0) >= 0.98 and m["accuracy"] >= 0.98 for m in metrics]
        assert reached == [False] * (len(metrics) - 1) + [True]
        assert len(metrics) < 40


def test_a_net_does_not_depend_on_those_beside_it(records: list[Record], tmp_path: Path) -> None:
    config = settings(negatives=1.0, epochs=3, mask=0.1, ema=0.9)
    together = fit(records, tmp_path / "all", config)
    first = fit(records, tmp_path / "two", replace(config, classes=("flute", "organ")))
    added = fit(records, tmp_path / "three", replace(config, classes=("bass",)), extend=tmp_path / "two")
    assert added.labels == ["flute", "organ", "bass"]
    states = [
        read_states(tmp_path / name, description)
        for name, description in (("all", together), ("two", first), ("three", added))
    ]
    for index, label in enumerate(first.labels):
        for key, tensor in states[2][index].items():
            assert torch.equal(tensor, states[1][index][key]), (label, key)  # untouched
    assert added.members[:2] == first.members
    assert "Members of chen2024@" in (tmp_path / "three" / "README.md").read_text()
    # The new one is the net that would have come of training all three at once.
    for key, tensor in states[0][0].items():
        assert torch.equal(tensor, states[2][2][key]), key


def test_extending_what_does_not_fit(records: list[Record], tmp_path: Path) -> None:
    config = settings(epochs=1, classes=("bass", "flute"))
    fit(records, tmp_path / "base", config)
    base = tmp_path / "base"
    with pytest.raises(UsageError, match="knows bass, flute already"):
        fit(records, tmp_path / "m", config, extend=base)
    with pytest.raises(UsageError, match=r"its width is 0\.06, not 0\.1"):
        fit(records, tmp_path / "m", settings(width=0.1), extend=base)
    with pytest.raises(UsageError, match=r"its model is chen2024, not gururani2018"):
        fit(records, tmp_path / "m", settings(architecture="gururani2018"), extend=base)
    with pytest.raises(UsageError, match="its strategy is one-vs-all, not multi-label"):
        fit(records, tmp_path / "m", settings(strategy="multi-label"), extend=base)
    with pytest.raises(ModelError, match="cannot be read"):
        fit(records, tmp_path / "m", settings(), extend=tmp_path / "nothing")


def test_drawn_negatives_are_taken_back(records: list[Record]) -> None:
    one = trainer(records, settings(negatives=0.5))
    present = one._examples.present[one._fold.train]
    for learner in one.learners:
        positives = int(present[:, learner.columns].sum())
        kept = round(positives / 2) / (len(present) - positives)
        assert learner.net.get_buffer("offset").item() == pytest.approx(math.log(kept))
    x = torch.randn(4, *one._examples.shape)
    net = one.learners[0].net.eval()
    plain = deepcopy(net)
    plain.get_buffer("offset").zero_()
    assert torch.allclose(net(x), plain(x) + math.log(kept), atol=1e-6)


def test_drawn_negatives_leave_the_positives_rate_right(tmp_path: Path) -> None:
    """Of features that tell nothing, the scores are the share of each class, however few are shown."""
    records = make_records(tmp_path, 240, folds=2, groups=240)
    rng = np.random.default_rng(0)
    shuffled = [
        record.replace(labels=[Label(CLASSES[0] if rng.random() < 0.2 else CLASSES[1])]) for record in records
    ]
    config = settings(negatives=1.0, epochs=6, classes=(CLASSES[0],), learning_rate=1e-3, batch_size=32)
    fit(shuffled, tmp_path / "m", config)
    features = Examples(stored_rows(records, "mel"), records, CLASSES, "unknown").features(np.arange(240))
    assert load(tmp_path / "m").predict_proba(features).mean().item() == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize("calls", [2, 5, 11])
def test_resumed_gives_the_same_bytes(records: list[Record], tmp_path: Path, calls: int) -> None:
    config = settings(epochs=4, schedule="decay", stop_patience=1, negatives=1.0, ema=0.8, mixup=0.2)
    fit(records, tmp_path / "whole", config)

    class Killed(BaseException):
        pass

    seen: list[int] = []

    def stop(rows: list[object], _: float) -> None:
        seen.append(len(rows))
        if sum(seen) >= calls:
            raise Killed

    with pytest.raises(Killed):
        fit(records, tmp_path / "broken", config, report=stop)
    fit(records, tmp_path / "broken", config, resume=True)
    for name in ("model.safetensors", "model.json", "history.jsonl", "README.md"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("name", ["chen2024", "gururani2018", "avramidis2021-fcn"])
def test_grouped_nets_are_the_nets(name: str) -> None:
    shape = (1, 1500) if name.startswith("avramidis") else (36, 36)
    torch.manual_seed(0)
    nets = [build_binary(name, input_shape=shape, width=0.1).train() for _ in range(3)]
    for module in (module for net in nets for module in net.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    others = deepcopy(nets)
    x = torch.randn(8, *shape)
    together = grouped_logits(nets, x)
    apart = torch.stack([net(x) for net in others])
    assert torch.allclose(together, apart, atol=1e-4)
    together.square().sum().backward()
    apart.square().sum().backward()
    for net, other in zip(nets, others, strict=True):
        for (key, one), two in zip(net.named_parameters(), other.parameters(), strict=True):
            assert one.grad is not None
            assert torch.allclose(one.grad, two.grad, atol=1e-3, rtol=1e-3), key
        for (key, buffer), same in zip(net.named_buffers(), other.buffers(), strict=True):
            assert torch.allclose(buffer, same, atol=1e-5), key


def test_grouped_training_learns_as_well(records: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "_groups", lambda self, active: len(active) > 1)
    one = trainer(records, settings(epochs=12, learning_rate=1e-2, ema=0.5))
    for _ in range(12):
        rows = one.run_epoch(one.learners)
    assert [row.label for row in rows] == list(CLASSES)
    assert all(row.metrics["accuracy"] == 1.0 for row in rows)


def test_binary_nets_have_one_output() -> None:
    net = build_binary("chen2024", input_shape=(24, 36), width=0.1).eval()
    assert net(torch.zeros(2, 24, 36)).shape == (2, 1)
    assert build("chen2024", num_classes=4, input_shape=(24, 36), width=0.1).eval()(
        torch.zeros(1, 24, 36)
    ).shape == (1, 4)  # fmt: skip


def test_what_a_model_says_of_its_use_stays(records: list[Record], tmp_path: Path) -> None:
    base = fit(
        records, tmp_path / "base", settings(epochs=1, classes=("bass", "flute"), aggregation="s2", hop=0.5)
    )
    content = json.loads((tmp_path / "base" / "model.json").read_text()) | {"thresholds": [0.3, 0.7]}
    (tmp_path / "base" / "model.json").write_text(json.dumps(content))
    config = settings(epochs=1, classes=("organ",))
    others = [record.replace(source={"license": "CC BY 4.0"}) for record in records]
    more = fit(others, tmp_path / "m", config, extend=tmp_path / "base")
    assert more.thresholds == [0.3, 0.7, 0.5]
    assert (more.aggregation, more.hop) == (base.aggregation, base.hop) == ("s2", 0.5)
    assert more.training["licenses"] == ["CC BY 4.0", "CC0-1.0"]
    assert "CC BY 4.0, CC0-1.0" in (tmp_path / "m" / "README.md").read_text()
    # Of a single class there is nothing to rank.
    assert more.training["validation"][0]["classes"] == ["organ"]
    assert more.training["validation"][0]["lrap"] is None


@pytest.mark.slow(6)
def test_extending_by_the_command(run, records: list[Record], tmp_path: Path) -> None:
    write_manifest(tmp_path / "in.jsonl", records)
    few = ("--epochs", "1", "--folds", "0", "in.jsonl")
    net = ("--model", "gururani2018", "--width", "0.06", "--strategy", "one-vs-all")
    made = run("im-train", *net, "--classes", "bass,flute", "-o", "base", *few, cwd=tmp_path)
    assert made.returncode == 0, made.stderr.decode()
    before = (tmp_path / "base" / "model.json").read_bytes()
    # Net, width and strategy are those of the model.
    more = run("im-train", "--extend", "base", "--classes", "organ", "-o", "more", *few, cwd=tmp_path)
    assert more.returncode == 0, more.stderr.decode()
    assert read_description(tmp_path / "more").labels == ["bass", "flute", "organ"]
    for wrong, message in (
        (("--extend", "base", "-o", "base", "--force"), b"cannot be extended in place"),
        (("--extend", "nowhere", "-o", "new"), b"nowhere/model.json: cannot be read"),
        (("--extend", "base", "--classes", "flute", "-o", "new"), b"knows flute already"),
        (("--extend", "base", "--classes", "organ,", "-o", "new"), b"has an empty name"),
    ):
        refused = run("im-train", *wrong, *few, cwd=tmp_path)
        assert refused.returncode in (1, 2)
        assert message in refused.stderr
        assert not (tmp_path / "new").exists()  # found out before anything was written
    assert (tmp_path / "base" / "model.json").read_bytes() == before


def test_a_class_that_a_fold_cannot_judge_is_found_at_once(records: list[Record], tmp_path: Path) -> None:
    masked = []
    for record in records:
        known = [Label(label, presence=float(label == record.labels[0].label)) for label in CLASSES]
        masked.append(record.replace(labels=known[: 3 - (record.fold or 0)], labels_complete=False))
    reports: list[object] = []
    with pytest.raises(ModelError, match="fold1: nothing is known of organ on the validation records"):
        fit(masked, tmp_path / "m", settings(folds=None), report=lambda *report: reports.append(report))
    assert reports == []


def test_nets_that_are_done_cost_nothing(records: list[Record]) -> None:
    one = trainer(records, settings(epochs=2))
    one.run_epoch(one.learners)
    first = one.learners[0]
    first.config = replace(first.config, epochs=1)
    assert first.done
    first.net.register_forward_hook(lambda *_: pytest.fail("was asked"))
    rows = one.run_epoch(one.learners[1:])
    assert [row.label for row in rows] == list(CLASSES[1:])


def test_few_examples_wait_for_others(records: list[Record]) -> None:
    """A rare class whose examples are spread over many batches gets all of them, in fuller batches."""
    one = trainer(records, settings(negatives=1.0, batch_size=8))
    used = np.zeros_like(one._examples.present)
    train = one._fold.train
    used[train[:7], 0] = True
    batches = [train[i : i + 1] for i in range(len(train))]
    due = one._due(one.learners[0], batches, used)
    assert np.flatnonzero(due).tolist() == [3, len(batches) - 1]  # four of them, then the other three
    used[train[:7], 0] = False
    used[train[0], 0] = True
    assert not one._due(one.learners[0], batches, used).any()  # one alone makes no batch
