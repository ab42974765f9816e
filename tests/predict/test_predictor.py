"""Prediction: windows, where they lie, batches across records, and members that have not seen a fold."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from imtools.errors import FeatureError, ImtoolsWarning, ModelError, UsageError
from imtools.manifest import Record
from imtools.models.bundle import TrainedModel, load
from imtools.predict.predictor import Predictor, PredictSettings, RecordScores
from imtools.sound import windows as windows_module
from imtools.sound.windows import cut_windows, window_starts
from nets import CLASSES, RATE, fit, make_records, quick_config, small_front_end, tone


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return make_records(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def model(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    folder = tmp_path_factory.mktemp("model")
    fit(records, folder, quick_config(width=0.1, epochs=10, learning_rate=1e-2, hop=0.5))
    return load(folder)


def audio(path: Path, signal: np.ndarray, rate: int = RATE) -> Record:
    soundfile.write(os.fsencode(path), signal, rate, format="WAV", subtype="FLOAT")
    length = len(signal)
    return Record(f"file/{path.stem}", str(path), 0.0, length / rate, rate, length)


def one(predictor: Predictor, record: Record) -> RecordScores:
    return predictor.score([predictor.prepare(record)])[0]


def test_features_are_scored_as_they_are(model: TrainedModel, records: list[Record]) -> None:
    predictor = Predictor(model)
    scores = predictor.score([predictor.prepare(record) for record in records[:6]])
    assert [CLASSES[s.mean.argmax()] for s in scores] == [*CLASSES, *CLASSES]
    assert scores[0].windows.shape == (1, 3)
    assert scores[0].durations.tolist() == [1.0]
    assert scores[0].mean.dtype == np.float32


def test_audio_gives_what_its_features_give(
    model: TrainedModel, records: list[Record], tmp_path: Path
) -> None:
    predictor = Predictor(model)
    heard = one(predictor, audio(tmp_path / "a.wav", tone("bass", 0)))
    read = one(predictor, records[0])  # the same tone
    np.testing.assert_allclose(heard.mean, read.mean, atol=1e-4)


def test_scores_are_the_mean_over_windows(model: TrainedModel, tmp_path: Path) -> None:
    signal = np.concatenate([tone("bass", 1), tone("organ", 2), tone("organ", 3)[:3999]])
    scores = one(Predictor(model), audio(tmp_path / "a.wav", signal))
    assert scores.starts.tolist() == [0.0, 0.5, 1.0]  # hop 0.5 s; the last 0.499 s fill no window
    assert scores.durations.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(scores.mean, scores.windows.mean(axis=0))
    assert CLASSES[scores.windows[0].argmax()] == "bass"
    assert CLASSES[scores.windows[2].argmax()] == "organ"
    with torch.inference_mode():
        features = small_front_end()(
            torch.from_numpy(np.stack([signal[s : s + RATE] for s in (0, 4000, 8000)]))
        )
    np.testing.assert_allclose(scores.windows, model.predict_proba(features).numpy(), atol=1e-4)


def test_hop_can_be_chosen(model: TrainedModel, tmp_path: Path) -> None:
    record = audio(tmp_path / "a.wav", tone("flute", 1, seconds=3.0))
    assert one(Predictor(model, PredictSettings(hop=1.0)), record).starts.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(UsageError, match="hop"):
        Predictor(model, PredictSettings(hop=0.0))


def test_a_short_clip_is_padded_to_one_window_but_not_in_time(model: TrainedModel, tmp_path: Path) -> None:
    record = audio(tmp_path / "a.wav", tone("organ", 1, seconds=0.3))
    predictor = Predictor(model)
    (chunk,) = predictor.prepare(record).chunks
    assert chunk.shape == (1, RATE)
    assert not chunk[0, 2400:].any()
    scores = one(predictor, record)
    assert scores.starts.tolist() == [0.0]
    assert scores.durations.tolist() == [pytest.approx(0.3)]


def test_batches_do_not_change_scores(model: TrainedModel, records: list[Record], tmp_path: Path) -> None:
    long = audio(tmp_path / "a.wav", np.concatenate([tone(name, 5) for name in CLASSES * 3]))
    mixed = [records[0], long, records[1], audio(tmp_path / "b.wav", tone("flute", 6))]
    results = []
    for batch_size in (1, 4, 128):
        predictor = Predictor(model, PredictSettings(batch_size=batch_size))
        results.append(predictor.score([predictor.prepare(record) for record in mixed]))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a.windows, b.windows, atol=1e-5)
    assert Predictor(model).score([]) == []


def test_held_out_members_only(model: TrainedModel, records: list[Record]) -> None:
    predictor = Predictor(model, PredictSettings(held_out=True))
    mixed = [records[0], records[1].replace(fold=None), records[1]]
    scores = predictor.score([predictor.prepare(record) for record in mixed])
    assert (records[0].fold, records[1].fold) == (0, 1)
    everyone = Predictor(model)
    x = torch.stack([torch.from_numpy(next(iter(everyone.prepare(r).chunks))[0]) for r in mixed])
    each = torch.stack([model.predict_proba(x, [member]) for member in (0, 1)])
    np.testing.assert_allclose(scores[0].mean, each[0, 0], atol=1e-6)
    np.testing.assert_allclose(scores[1].mean, each[:, 1].mean(dim=0), atol=1e-6)
    np.testing.assert_allclose(scores[2].mean, each[1, 2], atol=1e-6)
    assert not np.allclose(each[0], each[1], atol=1e-4)
    with pytest.raises(ModelError, match="fold 3"):
        predictor.prepare(records[0].replace(fold=3))


def test_members_are_given_beside_the_whole(
    model: TrainedModel, records: list[Record], tmp_path: Path
) -> None:
    long = audio(tmp_path / "a.wav", np.concatenate([tone("bass", 1), tone("organ", 2)]))
    alone = Predictor(model, PredictSettings(held_out=True))
    for aggregation in ("mean", "s2"):
        changed = replace(model.description, aggregation=aggregation)
        own = TrainedModel(changed, model.scorer.nets, model.device, model.dtype)
        predictor, plain = Predictor(own, PredictSettings(members=True)), Predictor(own)
        for record in (records[0], long):
            scores, whole = one(predictor, record), one(plain, record)
            np.testing.assert_array_equal(scores.mean, whole.mean)
            np.testing.assert_array_equal(scores.windows, whole.windows)
            assert whole.members == ()
            assert [part.fold.number for part in scores.members] == [0, 1]
            parts = np.stack([part.windows for part in scores.members])
            np.testing.assert_allclose(parts.mean(axis=0), whole.windows, atol=1e-6)
            assert not np.allclose(parts[0], parts[1], atol=1e-4)
            for part in scores.members:
                by_fold = one(alone, record.replace(fold=part.fold.number))
                np.testing.assert_allclose(part.windows, by_fold.windows, atol=1e-6)
                total = part.windows.sum(axis=0)
                expected = total / total.max() if aggregation == "s2" else part.windows.mean(axis=0)
                np.testing.assert_allclose(part.mean, expected, rtol=1e-5)


def test_binary_members_of_one_fold_are_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    records = make_records(tmp_path_factory.mktemp("features"))
    folder = tmp_path_factory.mktemp("families")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImtoolsWarning)  # a net of one epoch has learnt little
        fit(records, folder, quick_config(architecture="chen2024", strategy="one-vs-all", epochs=1))
    families = load(folder)
    assert len(families.description.members) == 6
    scores = one(Predictor(families, PredictSettings(members=True)), records[0])
    np.testing.assert_array_equal(scores.mean, one(Predictor(families), records[0]).mean)
    assert [part.fold.columns for part in scores.members] == [(0, 1, 2), (0, 1, 2)]
    for part in scores.members:
        alone = one(
            Predictor(families, PredictSettings(held_out=True)), records[0].replace(fold=part.fold.number)
        )
        np.testing.assert_allclose(part.mean, alone.mean, atol=1e-6)

    # Of a class that only one fold's members know, the others say nothing.
    fewer = replace(families.description, members=families.description.members[:5])
    part = TrainedModel(fewer, families.scorer.nets[:5], families.device, families.dtype)
    scores = one(Predictor(part, PredictSettings(members=True)), records[0])
    assert [len(member.mean) for member in scores.members] == [3, 2]
    np.testing.assert_array_equal(scores.mean, one(Predictor(part), records[0]).mean)


def test_members_without_folds_cannot_be_told_apart(model: TrainedModel) -> None:
    members = [replace(model.description.members[0], fold=None), model.description.members[1]]
    bare = TrainedModel(
        replace(model.description, members=members), model.scorer.nets, model.device, model.dtype
    )
    with pytest.raises(UsageError, match="no folds"):
        Predictor(bare, PredictSettings(members=True))
    with pytest.raises(UsageError, match="`held_out`"):
        Predictor(model, PredictSettings(members=True, held_out=True))


def test_the_command_names_members_by_their_folds(run, space: Path) -> None:
    result = run(
        "im-predict", "-m", "model", "--members", "--windows", "--hop", "0.5", "index.jsonl", cwd=space
    )
    assert result.returncode == 0, result.stderr.decode()
    plain = run("im-predict", "-m", "model", "--windows", "--hop", "0.5", "index.jsonl", cwd=space)
    for made, whole in zip(*(map(json.loads, r.stdout.splitlines()) for r in (result, plain)), strict=True):
        assert [p for p in made["predictions"] if "#" not in p["model"]] == whole["predictions"]
        name = whole["predictions"][0]["model"]
        table = {(p["model"], p["label"], p.get("start")): p["score"] for p in made["predictions"]}
        assert len(table) == len(made["predictions"]) == 3 * len(whole["predictions"])
        for p in whole["predictions"]:
            both = [table[f"{name}#fold{k}", p["label"], p.get("start")] for k in (0, 1)]
            assert np.mean(both) == pytest.approx(p["score"], abs=2e-6)
            assert both == [round(score, 6) for score in both]
    refused = run("im-predict", "-m", "model", "--members", "--held-out", "features", cwd=space)
    assert refused.returncode == 2


def test_s2_is_the_sum_over_windows_by_the_largest(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Han et al. (2017), section II-E: classes are compared within the clip."""
    record = audio(tmp_path / "a.wav", np.concatenate([tone("bass", 1), tone("bass", 2), tone("organ", 3)]))
    mean = one(Predictor(model), record)
    s2 = TrainedModel(
        replace(model.description, aggregation="s2"), model.scorer.nets, model.device, model.dtype
    )
    scores = one(Predictor(s2), record)
    np.testing.assert_array_equal(scores.windows, mean.windows)
    total = mean.windows.sum(axis=0)
    np.testing.assert_allclose(scores.mean, total / total.max(), rtol=1e-6)
    assert scores.mean.max() == 1.0


def test_streams_are_heard_apart(model: TrainedModel, tmp_path: Path) -> None:
    left, right = (
        np.concatenate([tone(label, seed), tone(label, seed + 9)])
        for label, seed in (("bass", 1), ("organ", 2))
    )
    record = audio(tmp_path / "stereo.wav", np.stack([left, right], axis=1))
    record = record.replace(num_samples=len(left), duration=len(left) / RATE)
    alone = [
        one(Predictor(model), audio(tmp_path / f"{i}.wav", side)) for i, side in enumerate((left, right))
    ]
    heard = one(Predictor(model, PredictSettings(stereo=True)), record)
    assert heard.windows.shape == alone[0].windows.shape
    # The surest stream counts: no class is less sure than in one channel alone.
    assert (heard.mean >= np.maximum(alone[0].mean, alone[1].mean) - 1e-5).all()
    assert (heard.windows >= np.maximum(alone[0].windows, alone[1].windows) - 1e-5).all()
    assert heard.mean[[0, 2]].min() > 0.5
    single = audio(tmp_path / "mono.wav", left)
    streams, plain = (
        one(Predictor(model, PredictSettings(stereo=choice)), single) for choice in (True, False)
    )
    np.testing.assert_allclose(streams.mean, plain.mean, atol=1e-6)
    both = Predictor(model, PredictSettings(stereo=True, batch_size=3))
    batch = both.score([both.prepare(record), both.prepare(single)])
    np.testing.assert_allclose(batch[0].mean, heard.mean, atol=1e-4)
    np.testing.assert_allclose(batch[1].mean, plain.mean, atol=1e-4)


def test_other_features_do_not_count(model: TrainedModel, records: list[Record], tmp_path: Path) -> None:
    predictor = Predictor(model)
    ref = records[0].features["mel"]
    other = type(ref)(ref.path, ref.row, ref.shape, ref.dtype, "sha256:" + "0" * 64)
    with pytest.raises(FeatureError, match="neither audio nor features"):
        predictor.prepare(records[0].replace(features={"mel": other}))
    record = audio(tmp_path / "a.wav", tone("bass", 0)).replace(features={"mel": other})
    assert not predictor.prepare(record).from_features


def test_an_empty_record(model: TrainedModel, tmp_path: Path) -> None:
    record = audio(tmp_path / "a.wav", tone("bass", 0)).replace(num_samples=0, duration=0.0)
    with pytest.raises(FeatureError, match="is empty"):
        Predictor(model).prepare(record)


@given(st.integers(1, 5000), st.integers(1, 700), st.integers(1, 700))
def test_windows_lie_inside_unless_there_is_but_one(num_samples: int, window: int, hop: int) -> None:
    starts = window_starts(num_samples, window, hop)
    assert len(starts) >= 1
    assert starts[0] == 0
    if num_samples >= window:
        assert starts[-1] + window <= num_samples < starts[-1] + hop + window
    else:
        assert len(starts) == 1


@pytest.mark.parametrize("file_rate", [RATE, 11025])
@pytest.mark.parametrize("hop", [1600, 900])
def test_long_records_are_cut_in_parts_that_agree_with_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_rate: int, hop: int
) -> None:
    rng = np.random.default_rng(0)
    record = audio(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, 5 * file_rate).astype(np.float32), file_rate)
    record = record.at_rate(RATE).replace(start=0.25, duration=4.5, num_samples=36000)
    padded = record.replace(duration=5.0, num_samples=40000, padding=0.5)
    for one_record in (record, padded):
        whole = np.concatenate(list(cut_windows(one_record, RATE, 1600, hop)))
        with monkeypatch.context() as patch:
            patch.setattr(windows_module, "WINDOWS_PER_BATCH", 4)
            chunks = list(cut_windows(one_record, RATE, 1600, hop))
        assert max(map(len, chunks)) == 4
        np.testing.assert_allclose(np.concatenate(chunks), whole, atol=1e-6)


def test_long_records_are_cut_while_they_are_scored(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imtools.predict import predictor as predictor_module
    from imtools.sound import reader as reader_module

    record = audio(tmp_path / "a.wav", np.concatenate([tone(name, 5) for name in CLASSES * 3]))
    whole = one(Predictor(model), record)
    for module in (windows_module, predictor_module):
        monkeypatch.setattr(module, "WINDOWS_PER_BATCH", 4)
    largest = 0
    load = reader_module.load

    def loading(part: Record, **options: object) -> np.ndarray:
        nonlocal largest
        largest = max(largest, part.num_samples)
        return load(part, **options)

    monkeypatch.setattr(reader_module, "load", loading)
    predictor = Predictor(model)
    prepared = predictor.prepare(record)
    assert largest == 0
    np.testing.assert_allclose(predictor.score([prepared])[0].windows, whole.windows, atol=1e-5)
    assert largest == RATE + 3 * RATE // 2
    again = predictor.score([prepared])[0]  # as the harness does when another record of the group failed
    np.testing.assert_allclose(again.windows, whole.windows, atol=1e-5)


def test_real_recordings_at_another_rate(shared_dir: Path, model: TrainedModel) -> None:
    path = next(iter(sorted(shared_dir.glob("audio/**/*.flac"))), None)
    path = path or next(iter(sorted(shared_dir.glob("audio/**/*.wav"))))
    info = soundfile.info(path)
    record = Record("real", str(path), 0.0, info.duration, info.samplerate, info.frames)
    scores = one(Predictor(model), record)
    expected = len(window_starts(record.at_rate(RATE).num_samples, RATE, RATE // 2))
    assert scores.windows.shape == (expected, 3)
    assert ((scores.windows >= 0) & (scores.windows <= 1)).all()
