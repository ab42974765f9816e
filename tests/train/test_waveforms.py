"""Training on records without stored features: computed on the fly, in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from imtools.audio.load import load
from imtools.errors import FeatureError, ImtoolsError, ModelError, UsageError
from imtools.features import front_end
from imtools.manifest import Record, write_manifest
from imtools.models.bundle import read_description
from imtools.run import Options, Run
from imtools.run.context import StrictError
from imtools.stages.train import train
from imtools.train import TrainSettings
from imtools.train.examples import waveforms
from imtools.train.examples.rows import stored_rows
from imtools.train.examples.waveforms import FeatureCollector, check_sound, choose_front_end
from imtools.train.loop.learner import Learner
from nets import CLASSES, RATE, make_mix, make_records, make_sounds, small_front_end, tone

pytestmark = pytest.mark.filterwarnings("ignore:.*nearly the same answer")

NET = {"architecture": "gururani2018", "width": 0.05, "epochs": 2, "batch_size": 8}


@dataclass
class Outcome:
    run: Run
    folder: Path
    failures: list[dict[str, object]]

    def files(self) -> dict[str, bytes]:
        """What the model directory holds, but for how the run was called."""
        files = [p for p in self.folder.rglob("*") if p.is_file() and p.name != "run.json"]
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in files}


Training = Callable[..., Outcome]


@pytest.fixture
def training(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Training:
    """Train as the command does: ``training(records, "model", preset=..., jobs=..., epochs=...)``."""
    options = {"jobs", "resume", "strict", "dry_run"}

    def do(records: list[Record], name: str = "model", preset: str | None = None, **given: object) -> Outcome:
        manifest, failures = tmp_path / f"{name}.jsonl", tmp_path / f"{name}-failures.jsonl"
        write_manifest(manifest, records)
        shared = {
            "inputs": [str(manifest)], "output": str(tmp_path / name), "failures": str(failures), "jobs": 2,
            "device": "cpu", "precision": "fp32",
        } | {key: value for key, value in given.items() if key in options}  # fmt: skip
        settings = TrainSettings(**NET | {key: value for key, value in given.items() if key not in options})
        run = Run("im-train", "0", Options(**shared), {}, own_output=True)  # type: ignore[arg-type]
        with run:
            train(run, settings, preset=preset)
        lines = failures.read_text().splitlines() if failures.exists() else []
        return Outcome(run, tmp_path / name, [json.loads(line) for line in lines])

    return do


def computed(records: list[Record], computing: FeatureCollector) -> np.ndarray:
    assert computing.add([computing.load(record) for record in records]) == [None] * len(records)
    return computing.rows().read(np.arange(len(records)))


# What is computed


@pytest.mark.slow(3)
def test_the_same_model_as_from_stored_features(run, training: Training, tmp_path: Path) -> None:
    """Bytes: batches are those of im-features, whatever the number of jobs is."""
    # Two groups, and in each two lengths of one shape.
    records = make_sounds(tmp_path / "audio", 69, seconds=(1.0, 1.005))
    records.append(make_mix(records[0:3:2]))
    write_manifest(tmp_path / "in.jsonl", records)
    threads = torch.get_num_threads()
    first, again = training(records, "a", jobs=1), training(records, "b", jobs=3)
    assert torch.get_num_threads() == threads
    made = run("im-features", "-o", "features", "in.jsonl", cwd=tmp_path)
    assert made.returncode == 0, made.stderr.decode()
    from_disk = [Record.from_json(json.loads(line)) for line in made.stdout.splitlines()]
    assert all(record.features for record in from_disk)
    stored = training(
        [r.replace(features={k: replace(ref, path=str(tmp_path / ref.path)) for k, ref in r.features.items()})
         for r in from_disk], "c",
    )  # fmt: skip
    assert first.files() == again.files() == stored.files()
    assert (first.run.ok, first.run.failed) == (70, 0)
    assert {"features", "training"} <= first.run.clock.seconds.keys()
    description = read_description(first.folder)
    assert description.front_end == front_end("kratimenos2020").config
    assert len(description.members) == 2


def test_a_preset_and_its_rate(training: Training, tmp_path: Path) -> None:
    outcome = training(make_sounds(tmp_path / "audio", 12), preset="lumen2023-mel", folds=(0,))
    description = read_description(outcome.folder)
    assert description.front_end == front_end("lumen2023-mel").config
    assert description.shape == (128, 100)
    assert description.window == 1.0


def test_recipes_are_rendered(tmp_path: Path) -> None:
    sounds = make_sounds(tmp_path / "audio", 3)
    mix = make_mix(sounds[:2])
    (row,) = computed([mix], FeatureCollector([mix], small_front_end()))
    total = torch.from_numpy(load(sounds[0]) + load(sounds[1]))[None]
    np.testing.assert_allclose(row, small_front_end()(total)[0].numpy(), atol=1e-3)


def test_what_is_missing_is_computed_as_what_is_stored(training: Training, tmp_path: Path) -> None:
    stored = make_records(tmp_path / "stored")
    sounds = make_sounds(tmp_path / "audio")
    some = [one if i % 3 else other for i, (one, other) in enumerate(zip(stored, sounds, strict=True))]
    chosen = choose_front_end(some, None, None, front_end())
    assert chosen.config == small_front_end().config
    values = computed(some, FeatureCollector(some, chosen))
    expected = stored_rows(stored, "mel").read(np.arange(24))
    np.testing.assert_allclose(values, expected, atol=1e-3)
    own = [i for i in range(24) if i % 3]
    assert np.array_equal(values[own], expected[own])
    outcome = training(some, folds=(0,))
    assert outcome.run.ok == 24
    assert read_description(outcome.folder).front_end == small_front_end().config


# What cannot be


def test_bad_records_fail_and_the_others_are_trained_on(training: Training, tmp_path: Path) -> None:
    records = make_sounds(tmp_path / "audio")
    clean = training(records[:9] + records[10:], "clean")
    Path(str(records[9].audio)).write_bytes(b"RIFF, but no more of it")
    feature = make_records(tmp_path / "stored", 3)[0].features["mel"]
    bad = [
        records[0].replace(id="bad/lost", audio=str(tmp_path / "lost.wav")),
        records[0].replace(id="bad/silent", audio=None, features={"other": feature}),
        records[0].replace(id="bad/short", num_samples=0, duration=0.0),
        records[0].replace(id="bad/recipe", audio=None, mix={"sync": "none", "tracks": 3}),
    ]
    test = records[0].replace(id="test/0", split="test", num_samples=3 * RATE, duration=3.0, audio="none")
    outcome = training([*records, *bad, test], "model", preset="kratimenos2020")
    assert {failure["id"] for failure in outcome.failures} == {one.id for one in [*bad, records[9]]}
    assert {failure["step"] for failure in outcome.failures} == {"features"}
    assert (outcome.run.ok, outcome.run.failed, outcome.run.exit_code) == (24, 5, 3)
    assert outcome.files() == clean.files()
    with pytest.raises(StrictError):
        training(records, "strict", strict=True)
    assert not (tmp_path / "strict" / "model.json").exists()


def test_nothing_but_bad_records(training: Training, tmp_path: Path) -> None:
    lost = [record.replace(audio="lost.wav") for record in make_sounds(tmp_path / "audio", 12)]
    with pytest.raises(ModelError, match="no record is left"):
        training(lost)
    feature = make_records(tmp_path / "stored", 3)[0].features["mel"]
    with pytest.raises(UsageError, match="0 records"):
        training([record.replace(split="test") for record in lost], "tests")
    deaf = [record.replace(audio=None, features={"mel": feature}) for record in lost]
    with pytest.raises(FeatureError, match="tone/000: has no audio"):
        training(deaf, "deaf", preset="kratimenos2020")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"folds": (7,)}, "no record is in fold 7"),
        ({"classes": ("theremin",)}, "no class has both"),
        ({"preset": "avramidis2021"}, "too small"),
        ({"features": "mel", "preset": "kratimenos2020"}, "gives 'cqt' features, not 'mel'"),
        ({"features": "mel"}, "no record has a 'mel' feature"),
    ],
)
def test_what_is_wrong_with_the_whole_is_found_first(
    wrong: dict[str, object], error: str, training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waveforms, "load_sound", lambda _: pytest.fail("was loaded"))
    with pytest.raises(ImtoolsError, match=error):
        training(make_sounds(tmp_path / "audio", 12), **wrong)
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "model-failures.jsonl").exists()


def test_shapes_that_differ(training: Training, tmp_path: Path) -> None:
    records = make_sounds(tmp_path / "audio", 12, seconds=(1.0, 1.0, 1.5))
    with pytest.raises(FeatureError, match=r"8 x 96x87 of .*; 4 x 96x130 of"):
        training(records)


def test_front_ends_that_differ(tmp_path: Path) -> None:
    stored, sounds = make_records(tmp_path / "stored", 4), make_sounds(tmp_path / "audio", 4)
    some = [*stored[:2], *sounds[2:]]
    with pytest.raises(UsageError, match="are not those of preset 'han2017'"):
        choose_front_end(some, None, "han2017", front_end())
    ref = stored[0].features["mel"]
    other = type(ref)(ref.path, ref.row, ref.shape, ref.dtype, "sha256:" + "0" * 64)
    with pytest.raises(FeatureError, match="differ in front end"):
        choose_front_end([*some, stored[0].replace(features={"mel": other})], None, None, front_end())
    with pytest.raises(FeatureError, match="mel, modgd"):
        choose_front_end([*some, stored[0].replace(features={"modgd": ref})], None, None, front_end())
    both = [*some, stored[0].replace(features={"cqt": ref} | stored[0].features)]
    assert (
        choose_front_end(both, None, None, front_end("han2017")).config_hash == ref.config
    )  # the kind of the preset
    assert choose_front_end(some, None, "kratimenos2020", front_end()).kind == "cqt"  # computed beside them


def test_stored_features_that_are_lost_fail_alone(tmp_path: Path) -> None:
    stored, sounds = make_records(tmp_path / "stored", 4), make_sounds(tmp_path / "audio", 4)
    computing = FeatureCollector([*stored, *sounds], small_front_end())
    (tmp_path / "stored" / "mel-00000.npy").unlink()
    faults = computing.add([computing.load(record) for record in (stored[1], sounds[2], sounds[3])])
    assert isinstance(faults[0], FeatureError)
    assert faults[1:] == [None, None]
    assert len(computing.rows()) == 2


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    sounds = make_sounds(tmp_path / "audio", 3)
    computing = FeatureCollector(sounds, small_front_end())
    good = computing.load(sounds[0])
    faults = computing.add([good, np.full(RATE, 1e30, np.float32), good])
    assert [fault is None for fault in faults] == [True, False, True]
    assert np.isfinite(computing.rows().read(np.arange(2))).all()


# Memory


def test_half_the_precision_where_memory_is_short(tmp_path: Path) -> None:
    sounds = make_sounds(tmp_path / "audio", 6)
    size = 6 * 36 * 41
    full = FeatureCollector(sounds, small_front_end(), in_memory=4 * size)
    half = FeatureCollector(sounds, small_front_end(), in_memory=4 * size - 1)
    assert (full.dtype, half.dtype) == (np.float32, np.float16)
    np.testing.assert_allclose(computed(sounds, half), computed(sounds, full), atol=0.05)
    with pytest.raises(FeatureError, match="run im-features first"):
        FeatureCollector(sounds, small_front_end(), in_memory=2 * size - 1)


def test_long_records_are_held_few_at_a_time() -> None:
    def record(samples: int) -> Record:
        return Record("a", "a.wav", 0.0, samples / RATE, RATE, samples)

    assert FeatureCollector([record(RATE)], small_front_end()).group_size == waveforms.GROUP
    assert FeatureCollector([record(2**23)], small_front_end()).group_size == 4
    assert FeatureCollector([record(2**27)], small_front_end()).group_size == 1


def test_length_is_checked_by_the_record(tmp_path: Path) -> None:
    record = make_sounds(tmp_path / "audio", 1)[0]
    check_sound(record, small_front_end())
    with pytest.raises(FeatureError, match="tone/000: a waveform of 0 samples is too short"):
        check_sound(record.replace(num_samples=0), small_front_end())


# The command


class _Killed(BaseException):
    pass


def test_killed_and_resumed_gives_the_same_bytes(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = make_sounds(tmp_path / "audio")
    whole = training(records, "whole")
    with monkeypatch.context() as patch:
        count, original = itertools.count(), Learner.loss

        def loss(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
            if next(count) == 4:  # in the second epoch
                raise _Killed
            return original(*arguments)

        patch.setattr(Learner, "loss", loss)
        with pytest.raises(_Killed):
            training(records, "broken")
    assert (tmp_path / "broken" / "checkpoints" / "fold0.safetensors").exists()
    assert training(records, "broken", resume=True).files() == whole.files()
    soundfile.write(str(records[4].audio), tone("flute", 99), RATE, subtype="FLOAT")
    with pytest.raises(UsageError, match="holds a model of other"):
        training(records, "broken", resume=True)


def test_a_dry_run_computes_nothing(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waveforms, "load_sound", lambda _: pytest.fail("was loaded"))
    outcome = training(make_sounds(tmp_path / "audio", 12), dry_run=True)
    assert not outcome.folder.exists()


def test_from_a_pipe_to_predictions(run, tmp_path: Path) -> None:
    records = make_sounds(tmp_path / "audio", 12)
    records[3].audio = str(tmp_path / "lost.wav")
    lines = b"".join(json.dumps(record.to_json()).encode() + b"\n" for record in records)
    net = ("--model", "gururani2018", "--width", "0.05", "--epochs", "1", "--front-end", "kratimenos2020")
    made = run("im-train", *net, "-o", "model", stdin=lines, cwd=tmp_path)
    assert made.returncode == 3, made.stderr.decode()
    assert b"11 features (cqt, 96 x 87, float32) in " in made.stderr
    assert b"11 items ok, 1 failed" in made.stderr
    assert b"im-train: tone/003: " in made.stderr
    predicted = run("im-predict", "-m", "model", "audio/000.wav", cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr.decode()
    assert {p["label"] for p in json.loads(predicted.stdout)["predictions"]} == set(CLASSES)
