"""The model that comes with imtools: found by its name, small, and right about what it has not heard."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from imtools.features import front_end
from imtools.models.bundle import load, read_card, read_description
from imtools.models.locate import BUNDLED, locate

CLASSES = ["cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi"]


def _lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def _present(record: dict) -> list[str]:
    return [one["label"] for one in record["predictions"] if one["present"]]


def test_it_is_complete_and_small() -> None:
    folder = locate(BUNDLED)
    assert (folder / "model.safetensors").stat().st_size <= 15_000_000
    description = read_description(BUNDLED)
    assert description.labels == CLASSES
    assert description.front_end_hash == front_end("irmas-mel").config_hash
    assert (description.name, description.window) == ("imtools", 3.0)
    assert not description.degenerate
    assert load(BUNDLED).name == f"imtools@{description.weights[7:15]}"
    assert all(0 < threshold < 1 for threshold in description.thresholds)


def test_a_directory_of_that_name_has_another_name() -> None:
    assert locate("./bundled") == Path("bundled")
    assert locate("model") == Path("model")


def test_the_card_says_what_binds_the_weights(run) -> None:
    shown = run("im-predict", "--model-card")
    assert shown.returncode == 0
    assert shown.stdout.decode() == read_card(BUNDLED)
    for words in ("CC BY-NC-SA 4.0", "IRMAS", "Universitat Pompeu Fabra", "## What it is bad at"):
        assert words in read_card(BUNDLED)


@pytest.fixture(scope="module")
def told(run, examples_audio: Path) -> list[dict]:
    """What it says of the bundled recordings, which it has not been trained on."""
    result = run("im-predict", str(examples_audio))
    assert result.returncode == 0, result.stderr.decode()
    return _lines(result.stdout)


def test_it_is_right_about_most_of_the_bundled_recordings(told: list[dict]) -> None:
    surest = [max(record["predictions"], key=lambda one: one["score"])["label"] for record in told]
    labels = [record["labels"][0]["label"] for record in told]
    right = np.mean([a == b for a, b in zip(surest, labels, strict=True)])
    assert right > 0.6  # one in eleven by chance


@pytest.mark.parametrize("sound", ["silence", "noise", "hum"])
def test_what_is_no_music_has_no_instruments(sound: str, run, tmp_path: Path) -> None:
    rate, random = 44100, np.random.default_rng(3)
    time = np.arange(5 * rate) / rate
    waves = {
        "silence": np.zeros_like(time),
        "noise": 0.1 * random.standard_normal(len(time)),
        "hum": 1e-4 * random.standard_normal(len(time)),
    }
    soundfile.write(tmp_path / "a.wav", waves[sound], rate)
    (record,) = _lines(run("im-predict", str(tmp_path / "a.wav")).stdout)
    assert _present(record) == []


@pytest.mark.slow(7)
def test_other_commands_know_it_by_its_name(run, examples_audio: Path, tmp_path: Path) -> None:
    segments = run("im-segment", "--length", "3", "--tail", "pad", str(examples_audio))
    made = run("im-features", "--like", "bundled", "-o", str(tmp_path / "mel"), stdin=segments.stdout)
    assert made.returncode == 0, made.stderr.decode()
    scored = run("im-predict", stdin=made.stdout)
    straight = run("im-predict", stdin=segments.stdout)
    for one, other in zip(_lines(scored.stdout), _lines(straight.stdout), strict=True):
        a, b = ([p["score"] for p in record["predictions"]] for record in (one, other))
        np.testing.assert_allclose(a, b, atol=1e-5)
    tuned = run(
        "im-train", "--init", "bundled", "--epochs", "1", "--batch", "4", "--unlisted", "absent",
        "--division", "0.3", "-o", str(tmp_path / "tuned"), str(tmp_path / "mel"),
    )  # fmt: skip
    assert tuned.returncode == 0, tuned.stderr.decode()
    assert read_description(tmp_path / "tuned").training["start"] == load(BUNDLED).name
