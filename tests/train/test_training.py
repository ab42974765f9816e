"""Training as a library call: settings, records that fail, and what is read how often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from imtools.cli.train import command
from imtools.errors import AudioError, FeatureError, ModelError, UsageError
from imtools.manifest import Record, write_manifest
from imtools.models.bundle import WEIGHTS_NAME, load, read_description
from imtools.models.description import Description
from imtools.run import Options, Run
from imtools.stages import train as stage
from imtools.train import (
    Monitor,
    TrainConfig,
    TrainSettings,
    plan_training,
    train_model,
    training,
)
from imtools.train import plan as planning
from imtools.train.loop.history import Epoch
from imtools.train.protocol.resolve import resolve_settings
from nets import CLASSES, make_records, make_sounds

pytestmark = pytest.mark.filterwarnings("ignore:.*nearly the same answer")

QUICK = TrainSettings(architecture="gururani2018", width=0.05, epochs=1, batch_size=8)
HERE: dict[str, Any] = {"device": "cpu", "precision": "fp32"}


class Notes(Monitor):
    """Notes what a training reports."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []
        self.epochs: list[Epoch] = []

    def started(self) -> None:
        self.events.append("started")

    def loaded(self, count: int, usable: int) -> None:
        self.events.append(f"{usable} of {count}")

    def epoch(self, epochs: Any, seconds: float) -> None:
        self.epochs += epochs


def test_records_become_a_model(tmp_path: Path) -> None:
    monitor = Notes()
    records = make_sounds(tmp_path / "audio", 12)
    description = train_model(iter(records), tmp_path / "m", QUICK, monitor=monitor, **HERE)
    assert description == read_description(tmp_path / "m")
    assert load(tmp_path / "m").labels == list(CLASSES)
    assert description.training["config"]["stop_patience"] == 7  # of the paper
    assert monitor.events == ["started", "12 of 12"]
    assert [epoch.fold for epoch in monitor.epochs] == [0, 1]
    assert set(monitor.clock.seconds) == {"features", "training"}


def test_the_first_bad_record_ends_it_unless_failures_are_taken(tmp_path: Path) -> None:
    records = make_sounds(tmp_path / "audio", 15)
    records[4].audio, records[7].audio = str(tmp_path / "lost.wav"), str(tmp_path / "too.wav")
    with pytest.raises(AudioError, match=r"lost\.wav"):
        train_model(records, tmp_path / "m", QUICK, **HERE)
    failed: list[tuple[str, type[Exception]]] = []
    train_model(
        records,
        tmp_path / "m",
        QUICK,
        on_failure=lambda record, error: failed.append((record.id, type(error))),
        **HERE,
    )
    assert failed == [("tone/004", AudioError), ("tone/007", AudioError)]
    good = [record for i, record in enumerate(records) if i not in (4, 7)]
    train_model(good, tmp_path / "good", QUICK, **HERE)
    for name in ("model.safetensors", "model.json", "README.md"):
        assert (tmp_path / "m" / name).read_bytes() == (tmp_path / "good" / name).read_bytes()


def test_what_can_have_no_features_fails_where_others_have_stored_ones(tmp_path: Path) -> None:
    records = make_records(tmp_path / "features", 12)
    records[3] = records[3].replace(features={})
    monitor = Notes()
    with pytest.raises(FeatureError, match="tone/003: has no audio"):
        train_model(records, tmp_path / "m", QUICK, monitor=monitor, **HERE)
    assert monitor.events == []  # it was found first
    failed: list[str] = []
    train_model(records, tmp_path / "m", QUICK, on_failure=lambda record, _: failed.append(record.id), **HERE)
    assert failed == ["tone/003"]


def test_a_plan_is_made_without_loading(tmp_path: Path) -> None:
    lost = [record.replace(audio="lost.wav") for record in make_sounds(tmp_path / "audio", 12)]
    plan = plan_training([*lost, lost[0].replace(split="test")], QUICK)
    assert [fold.name for fold in plan.folds] == ["fold0", "fold1"]
    assert (plan.classes, plan.front_end.kind, plan.shape) == (list(CLASSES), "cqt", (96, 87))
    assert len(plan.records) == 12
    assert plan.config.epochs == 1


def test_settings_are_checked_before_records_are_read(tmp_path: Path) -> None:
    def records() -> Iterator[Record]:
        pytest.fail("were read")
        yield

    with pytest.raises(UsageError, match="`extend` and `init` do not go together"):
        train_model(records(), tmp_path / "m", extend="a", init="b")
    with pytest.raises(UsageError, match="cannot be trained further in place"):
        train_model(records(), tmp_path / "m", init=tmp_path / "m")
    with pytest.raises(UsageError, match="a batch of 1"):
        train_model(records(), tmp_path / "m", TrainSettings(batch_size=1))
    with pytest.raises(UsageError, match="there is no device 'tpu'"):
        train_model(records(), tmp_path / "m", device="tpu")
    with pytest.raises(ModelError, match="there are no records"):
        train_model([], tmp_path / "m")
    assert not (tmp_path / "m").exists()


# Settings


def test_settings_are_those_of_a_training() -> None:
    names = {field.name for field in fields(TrainSettings)}
    assert names == {field.name for field in fields(TrainConfig)}
    assert TrainSettings() == TrainSettings(**dict.fromkeys(names))
    options = {parameter.name for parameter in command.params}
    assert names <= options  # what the command hands on


def test_what_is_given_precedes_what_the_paper_states() -> None:
    config = resolve_settings(TrainSettings(architecture="han2017", epochs=3), protocol="chen2024")
    assert (config.architecture, config.epochs) == ("han2017", 3)
    assert (config.strategy, config.stop_precision) == ("one-vs-all", 0.98)  # V-A
    assert (
        resolve_settings(TrainSettings(architecture="chen2024", strategy="multi-label")).stop_precision == 0
    )
    with pytest.raises(UsageError, match="`batch_size` has no meaning for support vectors"):
        resolve_settings(TrainSettings(architecture="bosch2012", epochs=3, batch_size=4))


# What is read


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count descriptions and weights that are read, and plans that are made."""
    counts: Counter[str] = Counter()

    def counted(name: str, function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            counts[name] += 1
            return function(*arguments, **named)

        return call

    monkeypatch.setattr(Description, "from_json", counted("descriptions", Description.from_json))
    monkeypatch.setattr(safetensors.torch, "load_file", counted("weights", safetensors.torch.load_file))
    make_plan = counted("plans", planning.make_plan)
    monkeypatch.setattr(planning, "make_plan", make_plan)
    monkeypatch.setattr(training, "make_plan", make_plan)
    return counts


@pytest.mark.parametrize("way", ["init", "extend"])
def test_the_base_model_is_read_once(way: str, tmp_path: Path, reads: Counter[str]) -> None:
    records = make_records(tmp_path / "features", 24)
    strategy: Any = {"init": "multi-label", "extend": "one-vs-all"}[way]
    settings = TrainSettings(width=0.06, epochs=1, batch_size=8, strategy=strategy, classes=CLASSES[:2])
    train_model(records, tmp_path / "base", settings, **HERE)
    assert reads == {"plans": 1}
    reads.clear()
    write_manifest(tmp_path / "in.jsonl", records)
    options = Options(
        inputs=[str(tmp_path / "in.jsonl")], output=str(tmp_path / "m"), device="cpu", precision="fp32"
    )
    with Run("im-train", "0", options, {}, own_output=True) as run:
        base = {way: str(tmp_path / "base")}
        stage.train(run, TrainSettings(epochs=1, batch_size=8, classes=CLASSES[2:]), **base)
    assert reads == {"descriptions": 1, "weights": 1, "plans": 1}
    assert (tmp_path / "m" / WEIGHTS_NAME).exists()


def test_the_command_counts_all_records(run, tmp_path: Path) -> None:
    """Also where those with stored features need no loading."""
    records = make_records(tmp_path / "features", 12)
    records[3] = records[3].replace(features={}, audio="empty.wav", num_samples=0, duration=0.0)
    records.append(records[0].replace(id="test/0", split="test"))
    write_manifest(tmp_path / "in.jsonl", records)
    made = run("im-train", "--width", "0.05", "--epochs", "1", "-o", "m", "in.jsonl", cwd=tmp_path)
    assert made.returncode == 3, made.stderr.decode()
    assert b"12 items ok, 1 failed" in made.stderr
    assert [json.loads(line)["fold"] for line in made.stdout.splitlines()] == [0, 1]
