"""Training: folds, schedules, augmentation, the loop, and going on after an interruption."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from imtools.errors import FeatureError, ImtoolsWarning, ModelError, UsageError
from imtools.features import from_config
from imtools.features.sidecar import front_end_of
from imtools.features.store import ShardWriter
from imtools.manifest import Label, Record
from imtools.models.bundle import load, read_description
from imtools.train import TrainConfig
from imtools.train.examples.data import Examples
from imtools.train.examples.folds import plan_folds
from imtools.train.examples.rows import pieces, stored_rows
from imtools.train.loop.average import MovingAverage
from imtools.train.loop.learner import Learner
from nets import CLASSES, fit, make_records, quick_config, small_front_end

# Trainings of a second leave nets that hardly tell one input from another; one test looks at that warning.
pytestmark = pytest.mark.filterwarnings("ignore:.*nearly the same answer")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return make_records(tmp_path_factory.mktemp("features"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# Learning


def test_overfits_64_items(tmp_path: Path) -> None:
    records = [r.replace(split="train") for r in make_records(tmp_path, 64, folds=None, groups=64)]
    held = [r.replace(id=f"{r.id}/again", split="validation", groups=[f"copy/{r.id}"]) for r in records]
    config = quick_config(width=0.1, epochs=12, batch_size=16, learning_rate=1e-2)
    description = fit(records + held, tmp_path / "model", config)
    figures = description.members[0].validation
    assert figures["top1"] == 1.0
    assert figures["lrap"] == 1.0
    assert figures["loss"] is not None
    assert figures["loss"] < 0.2
    assert not description.degenerate
    assert description.members[0].prefix == "model"
    x = Examples(stored_rows(records, "mel"), records, CLASSES, "unknown").features(np.arange(3))
    assert load(tmp_path / "model").predict_proba(x).argmax(dim=1).tolist() == [0, 1, 2]


def test_each_fold_gives_a_member(records: list[Record], tmp_path: Path) -> None:
    description = fit(records, tmp_path, quick_config(epochs=2))
    assert [(m.prefix, m.fold) for m in description.members] == [("fold0", 0), ("fold1", 1)]
    assert description.members[0].mean != description.members[1].mean  # of their own training rows
    assert description == read_description(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["README.md", "history.jsonl", "model.json", "model.safetensors"]
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [(row["fold"], row["epoch"]) for row in rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert rows[0].keys() == {
        "fold", "label", "epoch", "learning_rate", "train_loss", "validation_loss", "metrics",
    }  # fmt: skip
    losses = [row["validation_loss"] for row in rows if row["fold"] == 1]
    assert description.members[1].validation["loss"] == min(losses)
    assert description.members[1].epoch == losses.index(min(losses))


def test_the_best_epoch_is_kept(records: list[Record], tmp_path: Path) -> None:
    # At such a rate the loss goes up again; a training that ends at its lowest gives the same weights.
    config = quick_config(epochs=6, learning_rate=0.05, schedule="decay", folds=(0,))
    description = fit(records, tmp_path / "all", config)
    best = description.members[0].epoch
    assert best < 5
    ended = fit(records, tmp_path / "ended", replace(config, epochs=best + 1))
    assert ended.weights == description.weights
    assert ended.members == description.members


def test_card_gives_only_this_trainings_figures(records: list[Record], tmp_path: Path) -> None:
    description = fit(records, tmp_path, quick_config(epochs=1, folds=(1,)))
    card = (tmp_path / "README.md").read_text()
    assert card.startswith(f"# kratimenos2020@{description.weights[7:15]}\n")
    assert f"{description.members[0].validation['lrap']:.3f}" in card
    assert "| bass | 8 | 16 |" in card
    assert "CC0-1.0" in card
    assert "im-predict -m ." in card
    assert "{" not in card


def test_licence_line_without_a_licence(tmp_path: Path) -> None:
    records = [r.replace(source={}) for r in make_records(tmp_path, 12)]
    fit(records, tmp_path / "m", quick_config(epochs=1, folds=(0,)))
    assert "do not name the licence" in (tmp_path / "m" / "README.md").read_text()


def test_a_net_that_always_says_the_same_is_flagged(tmp_path: Path) -> None:
    records = make_records(tmp_path, 12)
    config = quick_config(epochs=1, learning_rate=1e-9, folds=(0,))
    with pytest.warns(ImtoolsWarning, match="same answer"):
        description = fit(records, tmp_path / "m", config)
    assert description.degenerate
    assert json.loads((tmp_path / "m" / "model.json").read_text())["degenerate"] is True
    assert "nearly the same answer" in (tmp_path / "m" / "README.md").read_text()


def test_a_loss_that_explodes_is_an_error(records: list[Record], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a finite number"):
        fit(records, tmp_path, quick_config(learning_rate=1e20, schedule="decay", epochs=4))


# Determinism and interruption


class _Killed(BaseException):
    pass


@pytest.mark.slow(1)
@pytest.mark.parametrize("calls", [1, 3, 4, 9, 13])
def test_interrupted_anywhere_resumed_gives_the_same_bytes(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    config = quick_config(epochs=3, schedule="decay", mix=0.5, roll=1, mask=0.1)
    fit(records, tmp_path / "whole", config)
    broken = tmp_path / "broken"
    with monkeypatch.context() as patch:
        count = itertools.count(1)

        def loss(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
            if next(count) == calls:
                raise _Killed
            return original(*arguments)

        original = Learner.loss
        patch.setattr(Learner, "loss", loss)
        with pytest.raises(_Killed):
            fit(records, broken, config)
    done: list[int] = []
    fit(records, broken, config, resume=True, report=lambda rows, _: done.append(rows[0].epoch))
    assert tree(broken) == tree(tmp_path / "whole")
    # An epoch is two batches and a validation.
    assert len(done) == 6 - (calls - 1) // 3
    fit(records, broken, config, resume=True, report=lambda *_: pytest.fail("was finished"))
    assert tree(broken) == tree(tmp_path / "whole")


def test_bf16_resumes_with_the_same_bytes(records: list[Record], tmp_path: Path) -> None:
    config = quick_config(epochs=2, folds=(0,))

    def stop(*_: object) -> None:
        raise _Killed

    fit(records, tmp_path / "whole", config, dtype=torch.bfloat16)
    with pytest.raises(_Killed):
        fit(records, tmp_path / "broken", config, dtype=torch.bfloat16, report=stop)
    fit(records, tmp_path / "broken", config, dtype=torch.bfloat16, resume=True)
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")


def test_seed_decides(records: list[Record], tmp_path: Path) -> None:
    weights = [
        fit(records, tmp_path / str(i), quick_config(epochs=1, folds=(0,), seed=seed)).weights
        for i, seed in enumerate([1, 1, 2])
    ]
    assert weights[0] == weights[1] != weights[2]


def test_resume_refuses_another_training(records: list[Record], tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise _Killed

    with pytest.raises(_Killed):
        fit(records, tmp_path, quick_config(), report=stop)
    checkpoint = tmp_path / "checkpoints" / "fold0.safetensors"
    other = shutil.copytree(tmp_path, tmp_path.parent / "other")
    with pytest.raises(UsageError, match="other records or options"):
        fit(records, tmp_path, quick_config(seed=9), resume=True)
    with pytest.raises(UsageError, match="other records or options"):
        fit([*records[:-1], records[-1].replace(labels=[])], tmp_path, quick_config(), resume=True)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"fold0\.safetensors: is no checkpoint"):
        fit(records, tmp_path, quick_config(), resume=True)
    fit(records, other, quick_config(seed=9, epochs=1))  # without resume, checkpoints do not count
    with pytest.raises(UsageError, match="holds a model of other"):
        fit(records, other, quick_config(), resume=True)


# Labels


def test_without_negatives_there_is_nothing_to_learn(tmp_path: Path) -> None:
    records = make_records(tmp_path, 12, complete=False)
    with pytest.raises(ModelError, match="`unlisted=absent`"):
        fit(records, tmp_path / "m", quick_config())
    fit(records, tmp_path / "m", quick_config(unlisted="absent", epochs=1, folds=(0,)))


def test_classes_without_positives_are_named(records: list[Record], tmp_path: Path) -> None:
    config = quick_config(epochs=1, folds=(0,), classes=(*CLASSES, "theremin"))
    with pytest.warns(ImtoolsWarning, match="known for theremin to be present"):
        description = fit(records, tmp_path, config)
    assert description.labels == [*CLASSES, "theremin"]


# Examples


def test_missing_and_mixed_features_are_refused(records: list[Record]) -> None:
    with pytest.raises(FeatureError, match=r"1 of 24 .* \(first: tone/000\).* run im-features first"):
        stored_rows([records[0].replace(features={}), *records[1:]], "mel")
    ref = records[0].features["mel"]
    other = type(ref)(ref.path, ref.row, ref.shape, ref.dtype, "sha256:" + "0" * 64)
    with pytest.raises(FeatureError, match=r"23 x 36x41 of .*; 1 x 36x41 of sha256:000000000000"):
        stored_rows([records[0].replace(features={"mel": other}), *records[1:]], "mel")
    with pytest.raises(FeatureError, match="no records"):
        stored_rows([], "mel")


def test_kind_of_feature(records: list[Record], tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="run im-features first"):
        fit([r.replace(features={}) for r in records], tmp_path, quick_config())
    both = [r.replace(features=r.features | {"cqt": r.features["mel"]}) for r in records]
    with pytest.raises(FeatureError, match="cqt, mel"):
        fit(both, tmp_path, quick_config())


def test_reading_from_disk_gives_the_same(records: list[Record]) -> None:
    memory = Examples(stored_rows(records, "mel"), records, CLASSES, "unknown")
    disk = Examples(stored_rows(records, "mel", in_memory=0), records, CLASSES, "unknown")
    indices = np.array([5, 0, 17])
    assert torch.equal(memory.features(indices), disk.features(indices))
    assert memory.statistics(indices) == disk.statistics(indices)


def test_statistics_are_of_the_given_rows(records: list[Record]) -> None:
    examples = Examples(stored_rows(records, "mel"), records, CLASSES, "unknown")
    cells = examples.features(np.array([1, 2, 3])).double()
    found = examples.statistics(np.array([1, 2, 3]))
    assert found.mean == pytest.approx(cells.mean().item())
    assert found.std == pytest.approx(cells.std(correction=0).item())


def test_features_that_do_not_span_their_records(records: list[Record], tmp_path: Path) -> None:
    longer = [r.replace(num_samples=12000, duration=1.5) for r in records]
    with pytest.raises(FeatureError, match="do not span its 12000 samples"):
        fit(longer, tmp_path, quick_config())


def test_front_ends_are_found_again(records: list[Record], tmp_path: Path) -> None:
    ref = records[0].features["mel"]
    assert front_end_of("mel", ref).config == small_front_end().config
    preset = from_config({"kind": "mel", "normalize": "none", "ref": "max"})  # librosa-mel
    with ShardWriter(tmp_path, "mel") as writer:
        rows = np.zeros((1, 4, 4), np.float32)
        known = writer.append(rows, preset.config_hash)[0]
        unknown = writer.append(rows, "sha256:" + "f" * 64)[0]
    assert front_end_of("mel", known).config == preset.config
    with pytest.raises(FeatureError, match=r"unknown front end.*keep mel\.json"):
        front_end_of("mel", unknown)
    (tmp_path / "mel.json").write_text('{"config": {"kind": "mel", "n_mels": -1}}')
    with pytest.raises(FeatureError, match=r"mel\.json: .*n_mels"):
        front_end_of("mel", unknown)
    (tmp_path / "mel.json").write_text("[]")
    with pytest.raises(FeatureError, match=r"mel\.json: does not describe"):
        front_end_of("mel", unknown)


# Folds


def bare(i: int, **changes: object) -> Record:
    record = Record(f"r{i:02d}", None, 0.0, 1.0, 8000, 8000, groups=[f"g{i}"], labels=[Label(CLASSES[i % 3])])
    return record.replace(**changes)


def test_each_fold_validates_once_and_test_records_never() -> None:
    records = [bare(i, fold=i % 3) for i in range(9)] + [bare(9, fold=0, split="test")]
    folds = plan_folds(records, None, seed=0)
    assert [fold.name for fold in folds] == ["fold0", "fold1", "fold2"]
    assert sorted(np.concatenate([fold.validation for fold in folds])) == list(range(9))
    for fold in folds:
        assert sorted([*fold.train, *fold.validation]) == list(range(9))
    assert [fold.number for fold in plan_folds(records, [2, 0], seed=0)] == [0, 2]


def test_validation_split() -> None:
    splits = ["train", "validation", None, "test"]
    (fold,) = plan_folds([bare(i, split=splits[i % 4]) for i in range(8)], None, seed=0)
    assert (fold.name, fold.train.tolist(), fold.validation.tolist()) == ("model", [0, 2, 4, 6], [1, 5])


def test_chance_holds_out_whole_recordings() -> None:
    records = [bare(i, groups=[f"g{i // 3}"]) for i in range(60)]
    (fold,) = plan_folds(records, None, seed=1)
    assert 3 <= len(fold.validation) <= 9
    assert not {i // 3 for i in fold.train} & {i // 3 for i in fold.validation}


def test_folds_that_cannot_be() -> None:
    records = [bare(i, fold=i % 2) for i in range(6)]
    with pytest.raises(UsageError, match="no record is in fold 7"):
        plan_folds(records, [7], seed=0)
    with pytest.raises(UsageError, match="r05 has no fold"):
        plan_folds([*records[:5], bare(5)], None, seed=0)
    with pytest.raises(UsageError, match="recording g0 is both"):
        plan_folds([*records[:5], bare(5, fold=1, groups=["g0"])], None, seed=0)
    with pytest.raises(UsageError, match="0 records to train on"):
        plan_folds([bare(i, fold=0) for i in range(4)], None, seed=0)


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0}, {"batch_size": 1}, {"learning_rate": 0.0}, {"learning_rate": float("nan")},
        {"weight_decay": -1.0}, {"schedule": "cosmic"}, {"hop": 0.0}, {"division": 0.0}, {"division": 1.0},
        {"division": 2.5}, {"ema": 1.0}, {"negatives": 0.0}, {"stop_precision": 1.1}, {"strategy": "svm"},
        {"negatives": 1.0}, {"stop_precision": 0.9}, {"hop": float("inf")}, {"name": "two\nlines"},
        {"classes": ("flu", "")}, {"architecture": "bosch2012", "strategy": "svm", "mix": 0.5},
        {"architecture": "bosch2012", "strategy": "svm", "width": 0.5}, {"clip": -1.0},
        {"strategy": "none-vs-all"}, {"aggregation": "s1"}, {"mix": 2.0}, {"warm_up": 100.0},
    ],
)  # fmt: skip
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        TrainConfig(**wrong)  # type: ignore[arg-type]


def test_compiling_without_a_compiler(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match="no-such-compiler, which is not installed; leave `compile` out"):
        fit(records, tmp_path / "m", quick_config(compile=True))


def test_a_compiled_net_is_trained(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[torch.nn.Module] = []

    def compile_nothing(net: torch.nn.Module) -> torch.nn.Module:  # the real one takes a minute
        compiled.append(net)
        return net

    plain = fit(records, tmp_path / "plain", quick_config(epochs=1, folds=(0,)))
    monkeypatch.setattr(torch, "compile", compile_nothing)
    monkeypatch.setenv("CXX", "true")
    description = fit(records, tmp_path / "m", quick_config(epochs=1, folds=(0,), compile=True))
    assert len(compiled) == 1
    assert description.weights == plain.weights


def test_the_last_epoch_may_be_kept(records: list[Record], tmp_path: Path) -> None:
    config = quick_config(epochs=6, learning_rate=0.05, schedule="decay", folds=(0,))
    best, last = (fit(records, tmp_path / keep, replace(config, keep=keep)) for keep in ("best", "last"))
    assert best.members[0].epoch < last.members[0].epoch == 5
    assert "after its last epoch" in (tmp_path / "last" / "README.md").read_text()


def test_classes_may_be_compared_with_each_other(records: list[Record], tmp_path: Path) -> None:
    plain, compared = (
        fit(records, tmp_path / str(weight), quick_config(epochs=2, folds=(0,), listwise=weight))
        for weight in (0.0, 2.0)
    )
    losses = [one.members[0].validation["loss"] for one in (plain, compared)]
    assert losses[1] > losses[0]
    with pytest.raises(UsageError, match="`listwise` has no meaning"):
        quick_config(strategy="one-vs-all", listwise=2.0)
    with pytest.raises(UsageError, match="makes no sense"):
        quick_config(listwise=-1.0)


def test_examples_are_cropped_but_in_the_last_fifth_of_the_epochs(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imtools.models.imtools2026 import BandNet

    seen: list[int] = []
    forward = BandNet.forward

    def watched(net: BandNet, features: torch.Tensor) -> torch.Tensor:
        if net.training:
            seen.append(features.shape[2])
        return forward(net, features)

    monkeypatch.setattr(BandNet, "forward", watched)
    config = quick_config(architecture="imtools2026", epochs=5, folds=(0,), crop=0.5)
    fit(records, tmp_path, config)
    steps = len(seen) // 5
    assert seen == [20] * 4 * steps + [41] * steps
    with pytest.raises(UsageError, match="takes no examples of 20 instead of 41 frames"):
        fit(records, tmp_path / "other", quick_config(architecture="kratimenos2020", crop=0.5))


def test_a_moving_average_is_judged_and_kept(records: list[Record], tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    average = MovingAverage(net, 0.9)
    first = [p.detach().clone() for p in net.parameters()]
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 1
        net[1].running_mean += 3
    average.update(0)  # in the first step a tenth of the old stays
    for own, old in zip(average.net.parameters(), first, strict=True):
        assert torch.allclose(own, old + 0.9)
    for _ in range(200):
        average.update(10_000)
    for own, old in zip(average.net.parameters(), first, strict=True):
        assert torch.allclose(own, old + 1, atol=1e-5)
    assert torch.equal(average.net[1].running_mean, net[1].running_mean)
    config = quick_config(epochs=2, folds=(0,))
    plain, smooth = (fit(records, tmp_path / str(ema), replace(config, ema=ema)) for ema in (0.0, 0.9))
    assert plain.weights != smooth.weights
    assert load(tmp_path / "0.9").predict_proba(torch.zeros(1, 36, 41)).isfinite().all()


def test_folds_are_dealt_where_there_are_none() -> None:
    records = [bare(i) for i in range(30)]
    folds = plan_folds(records, None, division=5.0, seed=0)
    assert [fold.name for fold in folds] == [f"fold{i}" for i in range(5)]
    assert sorted(np.concatenate([fold.validation for fold in folds])) == list(range(30))
    assert [fold.number for fold in plan_folds(records, [3], division=5.0, seed=0)] == [3]
    (held,) = plan_folds(records, None, division=0.3, seed=0)
    assert 6 <= len(held.validation) <= 12
    with pytest.raises(UsageError, match="0 records"):
        plan_folds([bare(0, split="test")], None, division=5.0, seed=0)


def test_a_gradient_is_clipped(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[float] = []
    original = torch.nn.utils.clip_grad_norm_

    def clip(parameters: Any, largest: float) -> torch.Tensor:
        held = list(parameters)
        total = original(held, largest)
        norms.append(float(torch.stack([p.grad.norm() for p in held if p.grad is not None]).norm()))
        return total

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", clip)
    fit(records, tmp_path, quick_config(epochs=1, folds=(0,), clip=0.01))
    assert norms
    assert max(norms) <= 0.0101


def test_an_odd_number_of_examples_in_batches_of_two(tmp_path: Path) -> None:
    records = make_records(tmp_path, 15, folds=None, groups=15)
    records = [r.replace(split="validation" if i < 4 else "train") for i, r in enumerate(records)]
    description = fit(records, tmp_path / "m", quick_config(epochs=1, batch_size=2))
    assert description.training["validation"][0]["records"] == 4


def test_memory_is_bounded_by_values() -> None:
    assert [len(some) for some in pieces(np.arange(2500), (10, 10))] == [1024, 1024, 452]
    assert [len(some) for some in pieces(np.arange(5), (1, 2**23))] == [2, 2, 1]
    assert [len(some) for some in pieces(np.arange(2), (1, 2**30))] == [1, 1]
