"""Prediction for libraries: decoding ahead, broken files, memory that runs out, excerpts, several models."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from imtools.cli.parsing import parse_excerpt
from imtools.clock import Clock
from imtools.errors import FeatureError, ImtoolsWarning, UsageError
from imtools.manifest import Record
from imtools.models.bundle import TrainedModel, load
from imtools.predict import batching
from imtools.predict.predictor import Predictor, PredictSettings
from imtools.predict.prefetch import prefetch
from imtools.sound import windows as windows_module
from imtools.sound.excerpt import Excerpt
from nets import RATE, fit, make_records, quick_config, tone


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    records = make_records(tmp_path_factory.mktemp("features"))
    folder = tmp_path_factory.mktemp("model")
    fit(records, folder, quick_config(width=0.1, epochs=10, learning_rate=1e-2, hop=0.5))
    return load(folder)


def song(path: Path, seconds: int, seed: int) -> Record:
    """Write a song of changing tones."""
    signal = np.concatenate([tone("bass" if n % 2 else "organ", seed + n) for n in range(seconds)])
    soundfile.write(path, signal, RATE, format="WAV", subtype="FLOAT")
    return Record(f"file/{path.stem}", str(path), 0.0, len(signal) / RATE, RATE, len(signal))


# --- decoding ahead ---


def test_items_come_in_order_and_few_are_made_in_advance() -> None:
    made: list[int] = []

    def items():
        for number in range(20):
            made.append(number)
            yield number

    got = []
    for number in prefetch([items()], 1, 3):
        got.append(number)
        assert len(made) <= len(got) + 3 + 1  # those in the queue, and one in the maker's hand
    assert got == made == list(range(20))


def test_what_the_maker_raises_arrives_in_its_place() -> None:
    def items():
        yield 1
        raise ValueError("torn")

    stream = prefetch([items()], 1, 3)
    assert next(stream) == 1
    with pytest.raises(ValueError, match="torn"):
        next(stream)


def test_a_reader_who_stops_stops_the_thread() -> None:
    def items():
        yield from range(10**9)

    stream = prefetch([items(), [7], items(), items()], 2, 2)
    assert next(stream) == 0
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "imtools-ahead"]


def test_several_sources_are_made_at_once_and_come_one_after_the_other() -> None:
    both = threading.Barrier(2)

    def items(first: int):
        both.wait(60)  # raises if the other is not being made meanwhile
        yield from range(first, first + 10)

    assert list(prefetch([items(0), [50, 51], items(10)], 2, 3)) == [*range(10), 50, 51, *range(10, 20)]


def test_long_records_are_decoded_several_at_once(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_module, "WINDOWS_PER_BATCH", 4)
    monkeypatch.setattr("imtools.predict.predictor.WINDOWS_PER_BATCH", 4)
    records = [song(tmp_path / f"{n}.wav", 8, 10 * n) for n in range(2)]
    predictor = Predictor(model)
    prepared = [predictor.prepare(record) for record in records]
    expected = predictor.score(prepared)
    both, load = threading.Barrier(2), windows_module.RecordReader.read
    met: set[str] = set()

    def read(self, begin: int, end: int):
        if self._record.id not in met:
            met.add(self._record.id)
            both.wait(60)
        return load(self, begin, end)

    monkeypatch.setattr(windows_module.RecordReader, "read", read)
    together = batching.score_together([predictor], [(one,) for one in prepared], 2)
    for one, (scores,) in zip(expected, together, strict=True):
        np.testing.assert_array_equal(scores.windows, one.windows)


def test_long_records_beside_short_ones_score_as_alone(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_module, "WINDOWS_PER_BATCH", 4)
    monkeypatch.setattr("imtools.predict.predictor.WINDOWS_PER_BATCH", 4)
    records = [song(tmp_path / f"{n}.wav", n, 10 * n) for n in (9, 1, 6)]
    predictor = Predictor(model, PredictSettings(batch_size=5))
    together = predictor.score([predictor.prepare(record) for record in records])
    for record, scores in zip(records, together, strict=True):
        (alone,) = predictor.score([predictor.prepare(record)])
        np.testing.assert_allclose(scores.windows, alone.windows, atol=1e-6)
        np.testing.assert_array_equal(scores.starts, alone.starts)


def test_a_file_that_breaks_on_the_way_spoils_no_other(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_module, "WINDOWS_PER_BATCH", 4)
    monkeypatch.setattr("imtools.predict.predictor.WINDOWS_PER_BATCH", 4)
    records = [song(tmp_path / f"{n}.wav", 8, n) for n in range(3)]
    predictor = Predictor(model)
    prepared = [predictor.prepare(record) for record in records]
    data = Path(records[1].audio).read_bytes()
    Path(records[1].audio).write_bytes(data[: len(data) // 2])  # between the first look and the decoding
    first, broken, last = predictor.score(prepared)
    assert isinstance(broken, Exception)
    assert "1.wav" in str(broken)
    for record, scores in ((records[0], first), (records[2], last)):
        (alone,) = predictor.score([predictor.prepare(record)])
        np.testing.assert_allclose(scores.mean, alone.mean, atol=1e-6)


# --- memory ---


def test_memory_that_runs_out_halves_the_batch_once(model: TrainedModel, tmp_path: Path) -> None:
    predictor = Predictor(model, PredictSettings(batch_size=8))
    record = song(tmp_path / "a.wav", 6, 1)
    (expected,) = predictor.score([predictor.prepare(record)])
    compute = predictor._computed

    def greedy(batch, *key):
        if len(batch) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return compute(batch, *key)

    predictor._computed = greedy
    with pytest.warns(ImtoolsWarning, match="out of memory: from now on 4 windows"):
        (scores,) = predictor.score([predictor.prepare(record)])
    np.testing.assert_allclose(scores.windows, expected.windows, atol=1e-6)
    assert predictor.batch_size == 4

    def hopeless(batch, *key):
        raise torch.OutOfMemoryError("CUDA out of memory")

    predictor._computed = hopeless
    with pytest.warns(ImtoolsWarning, match="from now on 2"), pytest.raises(torch.OutOfMemoryError):
        predictor.score([predictor.prepare(record)])


# --- excerpts ---


@pytest.mark.parametrize(
    ("text", "begin"), [("2", 4.0), ("2@middle", 4.0), ("2@start", 0.0), ("2@end", 8.0), ("2@1.5", 1.5)]
)
def test_an_excerpt_lies_where_it_is_asked_for(text: str, begin: float) -> None:
    record = Record("a", "a.wav", 3.0, 10.0, 8000, 80000)
    part, offset = parse_excerpt(text).cut(record)
    assert (part.num_samples, part.duration, offset) == (16000, 2.0, begin)
    assert part.start == 3.0 + begin


def test_an_excerpt_of_a_short_record_is_all_of_it() -> None:
    record = Record("a", "a.wav", 0.0, 1.0, 8000, 8000)
    assert Excerpt(30.0).cut(record) == (record, 0.0)
    late, offset = Excerpt(0.5, 60.0).cut(record)
    assert (late.num_samples, offset) == (4000, 0.5)  # as late as there is enough left
    least, offset = Excerpt(1e-9, 60.0).cut(record)
    assert (least.num_samples, offset) == (1, 7999 / 8000)  # a sample that is there


def test_features_alone_have_no_excerpt() -> None:
    record = Record("a", None, 0.0, 1.0, 8000, 8000)
    assert Excerpt(1.0).cut(record) == (record, 0.0)
    with pytest.raises(FeatureError, match="no excerpt"):
        Excerpt(0.5).cut(record)


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "nan", "inf", "3@", "3@nowhere", "3@-1"])
def test_what_is_no_excerpt_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_excerpt(text)


def test_the_command_hears_the_excerpt_and_tells_when(run, space: Path, tmp_path: Path) -> None:
    song(tmp_path / "long.wav", 12, 1)
    call = ("im-predict", "-m", str(space / "model"), "--windows", "--excerpt", "3@6", "long.wav")
    result = run(*call, cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    record = json.loads(result.stdout)
    starts = {p["start"] for p in record["predictions"] if "start" in p}
    assert starts == {6.0, 7.0, 8.0}
    assert record["duration"] == 12.0  # the record is still the whole file
    assert b"1 item ok, 0 failed; 0.000833 h of audio" in result.stderr  # what was heard: 3 s
    assert run(*call[:-2], "3@x", "long.wav", cwd=tmp_path).returncode == 2


# --- several models, decisions ---


def test_models_that_want_the_same_windows_share_them(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = song(tmp_path / "a.wav", 6, 1)
    a, b, other = Predictor(model), Predictor(model), Predictor(model, PredictSettings(hop=0.25))
    cut: dict = {}
    prepared = tuple(predictor.prepare(record, cut) for predictor in (a, b, other))
    assert prepared[0].chunks is prepared[1].chunks
    assert prepared[0].chunks is not prepared[2].chunks
    taken = []
    chunks = batching._chunks
    monkeypatch.setattr(batching, "_chunks", lambda *one: (taken.append(x[1]) or x for x in chunks(*one)))
    ((first, second, finer),) = batching.score_together([a, b, other], [prepared])
    assert taken == [[0, 1], [2]]
    np.testing.assert_array_equal(first.windows, second.windows)
    assert len(finer.windows) > len(first.windows)


def test_several_models_give_their_mean(run, space: Path, tmp_path: Path) -> None:
    arguments = (
        "--model", "gururani2018", "--width", "0.05", "--epochs", "1", "--seed", "5",
        "-o", str(tmp_path / "other"), str(space / "features"),
    )  # fmt: skip
    assert run("im-train", *arguments).returncode == 0
    models = ("-m", str(space / "model"), "-m", str(tmp_path / "other"))
    result = run("im-predict", *models, "--keep", "segments.jsonl", cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    single = run("im-predict", *models[:2], "segments.jsonl", cwd=space)
    for line, alone in zip(result.stdout.splitlines(), single.stdout.splitlines(), strict=True):
        said: dict[str, dict[str, float]] = {}
        for one in json.loads(line)["predictions"]:
            said.setdefault(one["model"], {})[one["label"]] = one["score"]
        (mean,) = (scores for name, scores in said.items() if name.startswith("fuse-mean@"))
        own = [scores for name, scores in said.items() if not name.startswith("fuse-mean@")]
        assert len(own) == 2
        for label, score in mean.items():
            assert score == pytest.approx((own[0][label] + own[1][label]) / 2, abs=1.1e-6)
        expected = {one["label"]: one["score"] for one in json.loads(alone)["predictions"]}
        assert any(scores == pytest.approx(expected, abs=2e-6) for scores in own)
    bare = run("im-predict", *models, "segments.jsonl", cwd=space)
    names = {one["model"] for one in json.loads(bare.stdout.splitlines()[0])["predictions"]}
    assert [name.partition("@")[0] for name in names] == ["fuse-mean"]
    for wrong in (["--windows"], ["--members"]):
        assert run("im-predict", *models, *wrong, "segments.jsonl", cwd=space).returncode == 2
    assert run("im-predict", *models[:2], *models[:2], "segments.jsonl", cwd=space).returncode == 2


def test_decisions_go_by_the_thresholds_of_the_model(run, space: Path, tmp_path: Path) -> None:
    shutil.copytree(space / "model", tmp_path / "model")
    before = run("im-predict", "-m", str(space / "model"), "segments.jsonl", cwd=space)
    predictions = [p for line in before.stdout.splitlines() for p in json.loads(line)["predictions"]]
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    limits = {
        label: sorted(p["score"] for p in predictions if p["label"] == label)[3]
        for label in description["labels"]
    }
    description["thresholds"] = list(limits.values())
    (tmp_path / "model" / "model.json").write_text(json.dumps(description))
    after = run("im-predict", "-m", str(tmp_path / "model"), "segments.jsonl", cwd=space)
    decided = [p for line in after.stdout.splitlines() for p in json.loads(line)["predictions"]]
    assert [p["present"] for p in decided] == [p["score"] >= limits[p["label"]] for p in predictions]
    assert {p["present"] for p in decided} == {True, False}


# --- what is told ---


def test_time_is_counted_once_where_it_is_spent(model: TrainedModel, tmp_path: Path) -> None:
    predictor = Predictor(model)
    records = [song(tmp_path / "short.wav", 3, 1), song(tmp_path / "long.wav", 70, 2)]
    prepared = [predictor.prepare(record) for record in records]
    clock = Clock()
    with clock.measure("model"):
        predictor.score(prepared)
    assert set(clock.seconds) == {"model", "front end", "wait", "decode"}
    here = sum(clock.seconds[name] for name in ("model", "front end", "wait"))
    assert 0 < here <= clock.elapsed()


def test_the_card_of_a_model_is_printed_alone(run, space: Path, tmp_path: Path) -> None:
    shown = run("im-predict", "-m", "model", "--model-card", cwd=space)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert shown.stdout == (space / "model" / "README.md").read_bytes()
    without = run("im-predict", "-m", str(tmp_path), "--model-card")
    assert (without.returncode, without.stdout) == (1, b"")
    assert b"README.md: cannot be read" in without.stderr
