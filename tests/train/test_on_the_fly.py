"""Training on waveforms whose features are computed batch by batch, after the sounds have been mixed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from imtools.errors import FeatureError
from imtools.manifest import write_manifest
from imtools.models.bundle import read_description
from imtools.stages import train as stage
from imtools.train import TrainSettings
from imtools.train.examples import load
from imtools.train.examples.data import Examples
from imtools.train.examples.feed import Feed
from imtools.train.examples.sound import WaveformRows, bare_sound
from nets import CLASSES, RATE, fit, make_mix, make_records, make_sounds, quick_config, small_front_end, tone

pytestmark = pytest.mark.filterwarnings("ignore:.*nearly the same answer")

OPTIONS = (
    "--model", "gururani2018", "--width", "0.06", "--epochs", "8", "--batch", "8", "--learning-rate", "0.01",
    "--schedule", "onecycle", "--folds", "0", "--device", "cpu", "--precision", "fp32", "--on-the-fly",
)  # fmt: skip


def kept(front_end, records) -> WaveformRows:
    return WaveformRows(bare_sound(front_end), records, jobs=2)


def test_the_same_as_from_features(tmp_path: Path) -> None:
    """Without mixing it does not matter when features are computed, but for the last digits of a batch."""
    records, front_end = make_sounds(tmp_path / "audio", 24), small_front_end()
    stored = make_records(tmp_path / "features", 24)
    config = quick_config(epochs=2, folds=(0,), roll=1, mask=0.1)
    apart = fit(stored, tmp_path / "stored", config)
    sounds = fit(records, tmp_path / "fly", config, rows=kept(front_end, records), transform=front_end)
    assert sounds.members[0].mean == pytest.approx(apart.members[0].mean, rel=1e-4)
    assert sounds.members[0].validation["loss"] == pytest.approx(
        apart.members[0].validation["loss"], rel=2e-2
    )
    assert (sounds.front_end_hash, sounds.shape) == (apart.front_end_hash, apart.shape)


@pytest.mark.slow(5)
def test_mixing_sounds_teaches_to_tell_both(run, tmp_path: Path) -> None:
    write_manifest(tmp_path / "in.jsonl", [*make_sounds(tmp_path / "audio", 48)])
    made = run("im-train", *OPTIONS, "--mix", "0.5", "-o", "m", "in.jsonl", "--epochs", "14", cwd=tmp_path)
    assert made.returncode == 0, made.stderr.decode()
    assert b"48 waveforms in memory" in made.stderr
    sounds = {"both.wav": tone("bass", 90) + tone("organ", 91), "one.wav": tone("flute", 92)}
    for name, samples in sounds.items():
        soundfile.write(tmp_path / name, samples, RATE, subtype="FLOAT")
    predicted = run("im-predict", "-m", "m", *sounds, cwd=tmp_path)
    both, one = (json.loads(line)["predictions"] for line in predicted.stdout.splitlines())
    ranking = sorted(both, key=lambda prediction: -prediction["score"])
    assert {prediction["label"] for prediction in ranking[:2]} == {"bass", "organ"}
    assert max(one, key=lambda prediction: prediction["score"])["label"] == "flute"


def test_too_many_for_memory_are_read_for_each_batch(tmp_path: Path, monkeypatch, capfd) -> None:
    from imtools.run import Options, Run

    records = make_sounds(tmp_path / "audio", 24)
    records.append(make_mix(records[0:3:2]).replace(fold=0, groups=["song/0", "song/2"]))
    records[5].audio = str(tmp_path / "lost.wav")
    write_manifest(tmp_path / "in.jsonl", records)

    def train(name: str, **options: object) -> Run:
        shared = {
            "inputs": [str(tmp_path / "in.jsonl")], "output": str(tmp_path / name), "jobs": 2,
            "device": "cpu", "precision": "fp32",
        }  # fmt: skip
        settings = TrainSettings(architecture="gururani2018", width=0.06, epochs=2, batch_size=8, mix=0.5)
        with Run("im-train", "0", Options(**(shared | options)), {}, own_output=True) as made:
            stage.train(made, settings, on_the_fly=True)
        return made

    assert train("held").failed == 1
    assert "24 waveforms in memory" in capfd.readouterr().err

    class Full:
        def __init__(self, *_: object) -> None:
            raise FeatureError("too many")

    monkeypatch.setattr(load, "FeatureCollector", type("FeatureCollector", (Full,), {}))
    again = train("read")
    assert (again.ok, again.failed) == (24, 1)
    assert "24 waveforms, too many for memory" in capfd.readouterr().err
    for name in ("model.safetensors", "history.jsonl"):
        assert (tmp_path / "read" / name).read_bytes() == (tmp_path / "held" / name).read_bytes()


def test_records_of_several_lengths_are_refused(run, tmp_path: Path) -> None:
    write_manifest(tmp_path / "in.jsonl", make_sounds(tmp_path / "audio", 12, seconds=(1.0, 1.5)))
    made = run("im-train", *OPTIONS, "-o", "m", "in.jsonl", cwd=tmp_path)
    assert made.returncode == 1
    assert b"differ in front end or shape" in made.stderr
    assert not (tmp_path / "m").exists()


@pytest.mark.slow(6)
def test_a_net_on_waveforms_learns(run, tmp_path: Path) -> None:
    write_manifest(tmp_path / "in.jsonl", make_sounds(tmp_path / "audio", 48))
    options = [*OPTIONS, "--model", "avramidis2021-fcn", "--width", "0.5", "--epochs", "12", "--mix", "0.3"]
    made = run("im-train", *options, "-o", "m", "in.jsonl", cwd=tmp_path)
    assert made.returncode == 0, made.stderr.decode()
    assert json.loads(made.stdout.splitlines()[0])["top1"] > 0.8
    assert read_description(tmp_path / "m").front_end["kind"] == "waveform"


def test_batches_come_in_order_and_are_those_asked_for(tmp_path: Path) -> None:
    records = make_sounds(tmp_path / "audio", 9)
    examples = Examples(kept(small_front_end(), records), records, CLASSES, "unknown", small_front_end())
    feed = Feed(examples, torch.device("cpu"))
    asked = [np.array([3, 1]), np.array([8]), np.array([0, 2, 4])]
    for wanted, (indices, rows) in zip(asked, feed.batches(asked), strict=True):
        assert indices.tolist() == wanted.tolist()
        assert torch.equal(rows, examples.rows(wanted))
        assert examples.transformed(rows).shape == (len(wanted), *examples.shape)
    assert feed.waited > 0


def test_what_cannot_be_read_any_more_ends_the_training(tmp_path: Path) -> None:
    records, front_end = make_sounds(tmp_path / "audio", 12), small_front_end()
    rows = kept(front_end, records)
    Path(records[4].audio or "").unlink()
    with pytest.raises(Exception, match=r"004\.wav"):
        fit(records, tmp_path / "m", quick_config(), rows=rows, transform=front_end)
