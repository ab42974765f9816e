"""The Python API: the numbers of the commands, from files, records and arrays."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import imtools
from imtools.sound.excerpt import Excerpt

RATE = 48000


@pytest.fixture(scope="module")
def model() -> imtools.Model:
    return imtools.load_model(device="cpu")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Seven seconds of two channels at 48 kHz, louder on the right after a while."""
    time = np.arange(7 * RATE) / RATE
    left = 0.2 * np.sign(np.sin(2 * np.pi * 220 * time)) + 0.05 * np.random.default_rng(1).standard_normal(
        len(time)
    )
    right = 0.3 * np.sin(2 * np.pi * 660 * time) * (time > 3)
    path = tmp_path / "song.wav"
    soundfile.write(path, np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    return path


def samples(path: Path) -> np.ndarray:
    """What other libraries read of a file: (channels, n)."""
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


# --- scores ---


def test_a_file_gives_the_numbers_of_the_command(model, song, run):
    result = model.predict(song)
    line = json.loads(run("im-predict", "--device", "cpu", song).stdout)
    assert dict(result.scores) == {one["label"]: one["score"] for one in line["predictions"]}
    assert set(result.present) == {one["label"] for one in line["predictions"] if one["present"]}
    assert (result.source, result.duration, result.model) == (str(song), 7.0, model.name)
    assert list(result.scores) == model.classes
    assert result.timeline is result.windows is None


def test_an_array_gives_the_scores_of_the_file_that_it_came_from(model, song):
    file = model.predict(song, timeline=True)
    array = model.predict((samples(song), RATE), timeline=True)
    assert array.scores == pytest.approx(file.scores, abs=1e-6)
    assert (array.present, array.timeline) == (file.present, file.timeline)
    assert (array.source, array.duration) == (None, file.duration)
    for other in (samples(song).astype(np.float64), samples(song).tolist()):
        assert model.predict((other, RATE)).scores == pytest.approx(file.scores, abs=1e-6)


@pytest.mark.parametrize("stereo", [False, True])
def test_channels_of_an_array_are_those_of_the_file(model, song, stereo):
    file = model.predict(song, stereo=stereo, windows=True)
    array = model.predict((samples(song), RATE), stereo=stereo, windows=True)
    np.testing.assert_allclose(array.windows.scores, file.windows.scores, atol=1e-6)
    np.testing.assert_array_equal(array.windows.starts, file.windows.starts)
    assert array.scores == pytest.approx(file.scores, abs=1e-6)


def test_one_channel_may_be_flat(model, song):
    mono = samples(song).mean(axis=0)
    assert model.predict((mono, RATE)).scores == model.predict((mono[None], RATE)).scores


def test_an_excerpt_of_an_array_is_that_of_the_file(model, song):
    for excerpt in (2.0, Excerpt(2.0, "end"), 99.0):
        file, array = (model.predict(one, excerpt=excerpt) for one in (song, (samples(song), RATE)))
        assert array.scores == pytest.approx(file.scores, abs=1e-6)
    assert model.predict(song, excerpt=2.0).scores != model.predict(song).scores


def test_windows_and_time_spans(model, song, run):
    result = model.predict(song, windows=True, hop=0.5)
    windows = result.windows
    assert windows.scores.shape == (len(windows.starts), len(model.classes))
    assert windows.scores.dtype == np.float32
    np.testing.assert_allclose(np.diff(windows.starts), 0.5)
    record = json.loads(run("im-predict", "--device", "cpu", "--windows", "--hop", "0.5", song).stdout)
    first = [one["score"] for one in record["predictions"] if one.get("start") == 0.0]
    np.testing.assert_allclose(windows.scores[0], first, atol=1e-6)
    low = imtools.load_model(device="cpu")
    for description in (one.description for one in low._models):
        object.__setattr__(description, "thresholds", [0.0] * len(low.classes))
    spans = low.predict(song, timeline=True, top=2).timeline
    assert len({span.label for span in spans}) == 2
    assert all(span.end == span.start + span.duration <= 7.0 for span in spans)


def test_top_and_frames(model, song):
    result = model.predict(song, top=3)
    every = model.predict(song).scores
    assert set(result.scores) == set(sorted(every, key=every.get)[-3:])
    pandas = pytest.importorskip("pandas")
    frame = result.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert dict(zip(frame.label, frame.score, strict=True)) == dict(result.scores)
    assert list(frame.label[frame.present]) == [label for label in result.scores if label in result.present]


def test_without_pandas_the_error_names_it(model, song, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(imtools.ImtoolsError, match="pip install pandas"):
        model.predict(song).to_frame()


# --- sources ---


def test_several_sources_keep_their_order(model, song, tmp_path):
    other = tmp_path / "deeper" / "song.wav"
    other.parent.mkdir()
    soundfile.write(other, samples(song)[0][: 4 * RATE], RATE)
    array = (samples(song), RATE)
    results = model.predict([song, other, array])
    assert [one.source for one in results] == [str(song), str(other), None]
    assert results[0].scores == model.predict(song).scores
    assert results[1].scores == pytest.approx(model.predict(other).scores, abs=1e-6)
    assert model.predict([]) == []
    assert len({one.record.id for one in results}) == 3  # so that they can be written to one manifest
    folder = model.predict([tmp_path])
    assert [one.source for one in folder] == [str(other), str(song)]
    assert imtools.write_manifest(tmp_path / "predictions.jsonl", (one.record for one in folder)) == 2
    again = list(imtools.read_manifest(tmp_path / "predictions.jsonl"))
    assert [one.predictions for one in again] == [one.record.predictions for one in folder]
    assert [one.scores for one in model.predict(again)] == [one.scores for one in folder]
    assert [one.scores for one in model.predict([tmp_path / "predictions.jsonl"])] == [
        one.scores for one in folder
    ]


def test_a_source_that_fails_is_raised_or_handed_over(model, song, tmp_path):
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"fLaC" + bytes(50))
    with pytest.raises(imtools.AudioError, match=r"broken\.flac"):
        model.predict([song, broken])
    failures = []
    results = model.predict([broken, song], on_failure=lambda name, error: failures.append((name, error)))
    assert [one.source for one in results] == [str(song)]
    ((name, error),) = failures
    assert name == str(broken)
    assert isinstance(error, imtools.AudioError)
    with pytest.raises(imtools.AudioError):
        model.predict(broken, on_failure=print)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (5, "must be a path"),
        (np.zeros(100), "together with their sampling rate"),
        ((np.zeros((3, 100, 2)), RATE), "shape"),
        ((np.zeros(100), 0), "positive integer"),
        ((np.zeros(100), None), "positive integer"),
        ((np.zeros(100, np.int16), RATE), "divide them by the full scale"),
        ((np.zeros(0), RATE), "no samples"),
        ((np.full(RATE, np.nan), RATE), "not a finite number"),
        ((np.zeros(100), True), "positive integer"),
        ((np.ma.masked_array(np.zeros(100)), RATE), "masked array"),
        (([[0.0], [0.0, 1.0]], RATE), "cannot be read as an array"),
        ((np.zeros(100, complex), RATE), "pass float32 or float64"),
        ("missing.wav", "missing.wav"),
    ],
)
def test_a_wrong_source_is_explained(model, source, message):
    with pytest.raises(imtools.ImtoolsError, match=message):
        model.predict(source)


def test_a_folder_stands_in_a_list(model, song):
    with pytest.raises(imtools.UsageError, match="is a folder; pass a list"):
        model.predict(song.parent)
    with pytest.raises(imtools.UsageError, match="is a manifest"):
        model.predict("a.jsonl")


def test_samples_far_beyond_full_scale_have_no_scores(model, song):
    loud = (samples(song).astype(float) * 1e25, RATE)
    with pytest.raises(imtools.AudioError, match="too loud"):
        model.predict(loud)
    failures = []
    results = model.predict([loud, song], on_failure=lambda name, error: failures.append(name))
    assert failures == ["array"]
    assert results[0].scores == pytest.approx(model.predict(song).scores, abs=1e-6)


def test_a_folder_without_audio_is_one_failure(model, song, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    failures = []
    results = model.predict([empty, song], on_failure=lambda name, error: failures.append(name))
    assert (failures, len(results)) == ([str(empty)], 1)
    with pytest.raises(imtools.ManifestError, match="empty"):
        model.predict([song, empty])


@pytest.mark.parametrize(
    "options",
    [
        *[{"top": 0}, {"top": -1}, {"top": 1.5}, {"jobs": 0}, {"jobs": -1}, {"batch_size": 0}, {"hop": 0}],
        {"timeline": True, "windows": True},
    ],
)
def test_wrong_options_are_refused(model, song, options):
    with pytest.raises(imtools.UsageError):
        model.predict(song, **options)


def test_results_can_be_compared_and_copied(model, song):
    result = model.predict(song, windows=True)
    assert copy.deepcopy(result) == result
    assert pickle.loads(pickle.dumps(result)) == result


# --- models ---


def test_recognize_loads_or_takes_a_model(model, song):
    assert imtools.recognize(song, device="cpu").scores == model.predict(song).scores
    assert imtools.recognize(song, model) == model.predict(song)
    with pytest.raises(imtools.ModelError, match="nowhere"):
        imtools.recognize(song, "nowhere")
    with pytest.raises(imtools.UsageError, match="no model"):
        imtools.load_model([])
    with pytest.raises(imtools.UsageError, match="twice"):
        imtools.load_model(["bundled", "bundled"])


def test_what_a_model_says_of_itself(model):
    assert len(model.classes) == len(model.thresholds) == 11
    assert model.name in repr(model)
    assert model.name in model.card


def test_embeddings(model, song, run):
    vector = model.embed(song)
    line = json.loads(run("im-predict", "--device", "cpu", "--embeddings", song).stdout)
    np.testing.assert_allclose(vector, line["embeddings"][0]["vector"], rtol=1e-5)
    np.testing.assert_allclose(model.embed((samples(song), RATE)), vector, rtol=1e-4, atol=1e-5)
    windows = model.embed(song, windows=True)
    np.testing.assert_allclose(windows.mean(axis=0), vector, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.embed([song, song]), [vector, vector], rtol=1e-4, atol=1e-5)
    with pytest.raises(imtools.UsageError, match="one at a time"):
        model.embed([song], windows=True)
    with pytest.raises(imtools.UsageError, match="no sources"):
        model.embed([])


# --- the package ---


def child(code: str) -> str:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.check_output([sys.executable, "-c", code], text=True, env=env)


def test_the_package_is_imported_lazily():
    loaded = child("import imtools, sys; print(*sorted(sys.modules))").split()
    heavy = {"numpy", "torch", "scipy", "soundfile", "click", "imtools.run", "imtools.api", "imtools.errors"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize("name", [one for one in imtools.__all__ if one != "__version__"])
def test_every_public_name_is_there(name):
    value = getattr(imtools, name)
    assert value.__doc__
    assert name in dir(imtools)


def test_metrics_need_no_torch():
    loaded = child("import imtools, sys; imtools.metrics.lrap; print(*sorted(sys.modules))").split()
    assert not {"torch", "librosa", "click", "imtools.run"} & set(loaded)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        imtools.nothing  # noqa: B018
