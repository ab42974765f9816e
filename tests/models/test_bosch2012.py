"""The classical baseline: support vector machines as tensors, their training, and stereo as streams."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import soundfile
import torch
from sklearn.metrics import log_loss
from sklearn.svm import SVC

from imtools.audio.load import load
from imtools.errors import FeatureError, ModelError, UsageError
from imtools.features import front_end
from imtools.features.front_ends.base import FrontEnd
from imtools.labels import classes_of
from imtools.manifest import Label, Record
from imtools.models.bosch2012 import SupportVectors, build, for_state, summarise
from imtools.score.metrics import lrap, roc_auc
from imtools.sound.stereo import (
    MONO,
    STREAMS,
    audible_streams,
    cut_stream_windows,
    merge_streams,
)
from imtools.sound.windows import cut_windows
from imtools.split import assign_folds
from imtools.train import TrainConfig
from imtools.train.examples.data import Examples
from imtools.train.examples.folds import Fold
from imtools.train.examples.rows import InMemoryRows
from imtools.train.svm import ABSENT, SvmFit, platt, train_svm
from nets import CLASSES, RATE, tone
from paths import EXAMPLES


def small_front_end() -> FrontEnd:
    return front_end(
        kind="descriptors", sampling_rate=RATE, n_fft=256, hop_length=400, n_mels=20, n_mfcc=8, n_bands=3
    )


def records_of(labels: list[list[str]], *, complete: bool = True) -> list[Record]:
    return [
        Record(
            f"tone/{i:03d}", f"{i}.wav", 0.0, 1.0, RATE, RATE, groups=[f"song/{i // 2}"],
            labels=[Label(name) for name in names], labels_complete=complete,
        )
        for i, names in enumerate(labels)
    ]  # fmt: skip


def examples_of(waveforms: list[np.ndarray], records: list[Record], classes: tuple[str, ...]) -> Examples:
    model = small_front_end()
    rows = model(torch.from_numpy(np.stack(waveforms))).numpy()
    return Examples(InMemoryRows(model, rows), records, classes, "unknown")


def tones(count: int = 60) -> tuple[Examples, list[Record]]:
    """Tones of the three classes in noise, hard enough that machines need some vectors."""
    labels = [[CLASSES[i % 3]] for i in range(count)]
    rng = np.random.default_rng(3)
    waveforms = [
        tone(names[0], i) + rng.uniform(0.1, 2) * rng.standard_normal(RATE).astype(np.float32)
        for i, names in enumerate(labels)
    ]
    records = records_of(labels)
    return examples_of([w.astype(np.float32) for w in waveforms], records, CLASSES), records


def halves(count: int, held_out: int) -> Fold:
    return Fold(0, np.arange(held_out, count), np.arange(held_out))


FOLD = halves(60, 18)


@pytest.fixture(scope="module")
def trained() -> tuple[Examples, SvmFit]:
    examples, records = tones()
    return examples, train_svm(examples, FOLD, TrainConfig(), records=records)


def loaded(one: SvmFit, examples: Examples) -> SupportVectors:
    net = for_state(one.state, examples.present.shape[1], examples.shape)
    net.load_state_dict(one.state)
    return net.eval()


class TestStatistics:
    def test_means_and_deviations(self) -> None:
        x = np.random.default_rng(0).normal(size=(3, 5, 9)).astype(np.float32)
        change = np.diff(x, axis=2)
        expected = [x.mean(2), x.std(2), change.mean(2), change.std(2)]
        np.testing.assert_allclose(summarise(torch.from_numpy(x)), np.concatenate(expected, 1), atol=1e-6)

    def test_order_of_the_frames_counts_for_the_changes_only(self) -> None:
        x = torch.randn(2, 4, 30, generator=torch.Generator().manual_seed(1))
        a, b = summarise(x), summarise(x[:, :, torch.randperm(30)])
        torch.testing.assert_close(a[:, :8], b[:, :8])
        assert (a[:, 8:] - b[:, 8:]).abs().max() > 0.01

    def test_one_frame(self) -> None:
        x = torch.ones(2, 4, 1)
        assert torch.equal(summarise(x), torch.cat([torch.ones(2, 4), torch.zeros(2, 12)], dim=1))


class TestModule:
    def test_logits_are_scikit_learns(self, trained: tuple[Examples, SvmFit]) -> None:
        examples, one = trained
        net, fold = loaded(one, examples), FOLD
        points = (summarise(examples.features(np.arange(60))) - one.state["mean"]) / one.state["std"]
        points = points.double().numpy()
        with torch.inference_mode():
            logits = net(examples.features(np.arange(60))).numpy()
            values = net.decide(examples.features(np.arange(60))).numpy()
        for k in range(3):
            oracle = SVC(C=one.cost, gamma=one.gamma, class_weight="balanced")
            oracle.fit(points[fold.train], examples.present[fold.train, k])
            decisions = oracle.decision_function(points)
            np.testing.assert_allclose(values[:, k], decisions, atol=1e-4)
            slope, offset = float(one.state["slope"][k]), float(one.state["offset"][k])
            np.testing.assert_allclose(logits[:, k], slope * decisions + offset, atol=1e-4)

    def test_vectors_are_shared(self, trained: tuple[Examples, SvmFit]) -> None:
        _, one = trained
        vectors, coefficients = one.state["vectors"], one.state["coefficients"]
        assert len(vectors) == len(coefficients) == len(torch.unique(vectors, dim=0)) <= 42
        assert (coefficients != 0).any(dim=1).all()
        assert (coefficients != 0).sum() > len(vectors)  # some are of use to several machines

    def test_passes_through_a_weights_file(self, trained: tuple[Examples, SvmFit]) -> None:
        examples, one = trained
        state = safetensors.torch.load(safetensors.torch.save(one.state))
        assert {tensor.dtype for tensor in state.values()} == {torch.float32}
        net = for_state(state, 3, examples.shape)
        assert {k: v.shape for k, v in net.state_dict().items()} == {k: v.shape for k, v in state.items()}
        net.load_state_dict(state)
        features = examples.features(FOLD.validation)
        with torch.inference_mode():
            np.testing.assert_array_equal(net(features).sigmoid().numpy(), one.scores)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                torch.testing.assert_close(net(features).sigmoid().numpy(), one.scores)

    def test_a_state_of_other_classes_does_not_load(self, trained: tuple[Examples, SvmFit]) -> None:
        examples, one = trained
        with pytest.raises(RuntimeError, match="size mismatch"):
            for_state(one.state, 4, examples.shape).load_state_dict(one.state)
        with pytest.raises(ModelError, match="no support vectors"):
            for_state({"mean": torch.zeros(3)}, 3, examples.shape)

    def test_build(self) -> None:
        net = build(11, (27, 44), 1.0)
        assert net(torch.randn(5, 27, 44)).shape == (5, 11)
        assert not list(net.parameters())
        with pytest.raises(UsageError, match="no width"):
            build(11, (27, 44), 0.5)
        with pytest.raises(ModelError, match="0 frames"):
            build(11, (27, 0), 1.0)


class TestTraining:
    def test_learns_tones(self, trained: tuple[Examples, SvmFit]) -> None:
        examples, one = trained
        metrics = one.metrics
        assert metrics["top1"] is not None
        assert metrics["top1"] > 0.9
        present = examples.present[FOLD.validation]
        assert one.validation_loss == pytest.approx(log_loss(present.ravel(), one.scores.ravel()))
        assert one.train_loss < one.validation_loss + 0.1
        assert np.ptp(one.scores, axis=0).min() > 0.5

    def test_same_seed_same_machines(self, trained: tuple[Examples, SvmFit]) -> None:
        examples, records = tones()
        again = train_svm(examples, FOLD, TrainConfig(), records=records)
        assert all(torch.equal(tensor, again.state[key]) for key, tensor in trained[1].state.items())

    def test_validation_examples_train_nothing(self, trained: tuple[Examples, SvmFit]) -> None:
        examples, records = tones()
        examples._rows.read(np.arange(18))[...] = 0
        examples.present[:18] = ~examples.present[:18]
        again = train_svm(examples, FOLD, TrainConfig(), records=records)
        assert all(torch.equal(tensor, again.state[key]) for key, tensor in trained[1].state.items())

    def test_unknown_labels_train_nothing(self) -> None:
        examples, records = tones()
        rng = np.random.default_rng(5)
        examples.known[18:] = rng.random((42, 3)) < 0.6
        one = train_svm(examples, FOLD, TrainConfig(), records=records)
        examples.present[18:] ^= ~examples.known[18:]
        other = train_svm(examples, FOLD, TrainConfig(), records=records)
        assert all(torch.equal(tensor, other.state[key]) for key, tensor in one.state.items())
        assert one.metrics["top1"] is not None
        assert one.metrics["top1"] > 0.8

    def test_classes_of_one_side_are_never_there(self) -> None:
        examples, _ = tones()
        examples.present[:, 1] = False
        examples.known[:, 2] = examples.present[:, 2]
        one = train_svm(examples, FOLD, TrainConfig())
        with torch.inference_mode():
            logits = loaded(one, examples)(examples.features(np.arange(60)))
        assert (logits[:, 1:] == ABSENT).all()
        assert logits[:, 0].std() > 0.5

    def test_nothing_to_learn(self) -> None:
        examples, _ = tones()
        examples.known[:18] = False
        with pytest.raises(ModelError, match="validation labels"):
            train_svm(examples, FOLD, TrainConfig())
        examples, _ = tones()
        examples.known &= examples.present
        with pytest.raises(ModelError, match="no class has both"):
            train_svm(examples, FOLD, TrainConfig())

    def test_recordings_do_not_judge_themselves(self) -> None:
        """Noise that comes in copies: who tells a copy by its twin believes to have learnt something."""
        rng = np.random.default_rng(0)
        noise = [rng.standard_normal(RATE).astype(np.float32) for _ in range(30)]
        labels = [["bass"] if rng.random() < 0.5 else ["flute"] for _ in range(30)]
        records = records_of([labels[i // 2] for i in range(60)])
        examples = examples_of([noise[i // 2] for i in range(60)], records, ("bass", "flute"))
        apart = train_svm(examples, halves(60, 20), TrainConfig(), records=records)
        cut = train_svm(examples, halves(60, 20), TrainConfig())
        assert np.ptp(apart.scores) < 0.2 < 0.4 < np.ptp(cut.scores)
        assert apart.train_loss > 0.5 > 0.2 > cut.train_loss

    def test_a_class_of_few_recordings_is_judged_all_the_same(self) -> None:
        examples, records = tones()
        few = [
            record.replace(groups=["song/organ"]) if record.present_labels() == ["organ"] else record
            for record in records
        ]
        one = train_svm(examples, FOLD, TrainConfig(), records=few)
        without = train_svm(examples, FOLD, TrainConfig())
        assert all(torch.equal(tensor, without.state[key]) for key, tensor in one.state.items())

    @pytest.mark.slow(7)
    def test_real_notes(self) -> None:
        """Seconds of real instruments, judged on recordings that are not among them: above chance."""
        lines = (EXAMPLES / "manifest.jsonl").read_text().splitlines()
        whole = [Record.from_json(json.loads(line)) for line in lines]
        whole = [record.replace(audio=str(EXAMPLES / str(record.audio))) for record in whole]
        model = front_end("bosch2012")
        rate = model.sampling_rate
        records = [record.part(k * rate, (k + 1) * rate) for record in whole for k in range(2)]
        rows = model(torch.from_numpy(np.stack([load(record) for record in records]))).numpy()
        classes = classes_of(records)
        examples = Examples(InMemoryRows(model, rows), records, classes, "unknown")
        folds = np.array(assign_folds(records, 3, seed=0))
        scores = np.zeros(examples.present.shape, np.float32)
        for number in range(3):
            fold = Fold(number, np.flatnonzero(folds != number), np.flatnonzero(folds == number))
            scores[fold.validation] = train_svm(examples, fold, TrainConfig(), records=records).scores
        assert roc_auc(examples.present, scores)[1] > 0.65  # chance: 0.5
        by_chance = np.mean(1 / np.arange(1, len(classes) + 1))
        assert lrap(examples.present, scores) > by_chance + 0.1


class TestPlatt:
    def test_most_likely(self) -> None:
        rng = np.random.default_rng(1)
        values = rng.normal(size=5000)
        present = rng.random(5000) < 1 / (1 + np.exp(-(2.5 * values - 1)))
        slope, offset = platt(values, present)
        assert slope == pytest.approx(2.5, abs=0.2)
        assert offset == pytest.approx(-1, abs=0.1)

    def test_never_turns_the_order_around(self) -> None:
        values = np.linspace(-1, 1, 40)
        slope, offset = platt(values, values < 0)
        assert slope == 0
        assert offset == pytest.approx(0, abs=1e-3)

    def test_separable_values_stay_finite(self) -> None:
        values = np.array([-1.0, -1.0, 1.0, 1.0])
        slope, offset = platt(values, values > 0)
        assert 1 / (1 + np.exp(-(slope + offset))) == pytest.approx(3 / 4, abs=1e-3)

    def test_one_side(self) -> None:
        assert platt(np.arange(3.0), np.ones(3, bool)) == (1.0, 0.0)
        assert platt(np.zeros(0), np.zeros(0, bool)) == (1.0, 0.0)


def stereo(path: Path, *channels: np.ndarray, rate: int = RATE) -> Record:
    soundfile.write(path, np.stack(channels, axis=1), rate, subtype="FLOAT")
    length = len(channels[0])
    return Record(path.stem, str(path), 0.0, length / rate, rate, length)


def cut(record: Record, rate: int = RATE, window: int = RATE, hop: int = RATE // 2) -> np.ndarray:
    return np.concatenate(list(cut_stream_windows(record, rate, window, hop)), axis=1)


def mono(record: Record, rate: int = RATE, window: int = RATE, hop: int = RATE // 2) -> np.ndarray:
    return np.concatenate(list(cut_windows(record, rate, window, hop)))


class TestStreams:
    def test_a_tone_at_one_side(self, tmp_path: Path) -> None:
        left, right = tone("bass", 1, 2.0), tone("organ", 2, 2.0)
        windows = cut(stereo(tmp_path / "a.wav", left, right))
        assert windows.shape == (len(STREAMS), 3, RATE)
        spectrum = np.abs(np.fft.rfft(windows, axis=2))
        low, high = spectrum[:, :, 200:400].max(axis=2), spectrum[:, :, 2000:3000].max(axis=2)
        named = dict(zip(STREAMS, low / high, strict=True))
        assert named["left"].min() > 20
        assert named["right"].max() < 1 / 20
        assert 0.5 < named["mid"].min() <= named["mid"].max() < 2

    def test_sum_and_difference(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        left, right = rng.standard_normal((2, 40_000)).astype(np.float32)
        one = cut(stereo(tmp_path / "a.wav", left, right))
        np.testing.assert_array_equal(one[0, 1], left[RATE // 2 : RATE // 2 + RATE])
        np.testing.assert_allclose(one[2], (one[0] + one[1]) / 2, atol=1e-6)
        np.testing.assert_allclose(one[3], (one[0] - one[1]) / 2, atol=1e-6)

    @pytest.mark.parametrize("rate", [RATE, 11025])
    @pytest.mark.parametrize("normalize", [None, "rms", "peak"])
    def test_the_middle_is_the_mono_path(self, tmp_path: Path, normalize: str | None, rate: int) -> None:
        rng = np.random.default_rng(0)
        left, right = rng.standard_normal((2, 30 * RATE)).astype(np.float32)
        record = stereo(tmp_path / "a.wav", left, right).replace(normalize=normalize)
        np.testing.assert_allclose(cut(record, rate)[2], mono(record, rate), atol=1e-5)
        part = record.replace(start=1.5, duration=0.7, num_samples=5600, padding=0.2)
        assert cut(part, rate).shape[1:] == (1, RATE)
        np.testing.assert_allclose(cut(part, rate)[2], mono(part, rate), atol=1e-5)

    @pytest.mark.parametrize("normalize", [None, "rms"])
    def test_other_numbers_of_channels_are_one_stream(self, tmp_path: Path, normalize: str | None) -> None:
        channels = [tone("bass", seed, 2.5) for seed in range(3)]
        for number, chosen in ((1, None), (3, None), (3, [1]), (2, [0])):
            record = stereo(tmp_path / f"{number}.wav", *channels[:number])
            record = record.replace(channels=chosen, normalize=normalize)
            windows = cut(record)
            assert len(windows) == len(MONO)
            np.testing.assert_allclose(windows[0], mono(record), atol=1e-6)
        pair = stereo(tmp_path / "3.wav", *channels).replace(channels=[2, 0])
        np.testing.assert_array_equal(cut(pair)[:2, 0], [channels[2][:RATE], channels[0][:RATE]])

    def test_mixes_are_one_stream(self, tmp_path: Path) -> None:
        track = stereo(tmp_path / "a.wav", tone("bass", 1), tone("organ", 2))
        mix = {"sync": "random", "seed": 1, "tracks": [track.to_json() | {"offset": 0.0, "gain_db": 0.0}]}
        record = Record("mix/1", None, 0.0, 1.0, RATE, RATE, mix=mix)
        windows = cut(record)
        assert windows.shape == (1, 1, RATE)
        np.testing.assert_array_equal(windows[0], mono(record))

    def test_long_files_are_cut_some_windows_at_a_time(self, tmp_path: Path) -> None:
        record = stereo(tmp_path / "a.wav", tone("bass", 1, 60.0), tone("organ", 2, 60.0))
        parts = list(cut_stream_windows(record, RATE, RATE, RATE))
        assert len(parts) > 2
        assert max(part.shape[1] for part in parts) <= 16
        np.testing.assert_allclose(np.concatenate(parts, axis=1)[2], mono(record, hop=RATE), atol=1e-6)

    def test_nothing_to_hear(self, tmp_path: Path) -> None:
        record = stereo(tmp_path / "a.wav", tone("bass", 1), tone("bass", 2))
        with pytest.raises(FeatureError, match="is empty"):
            cut(record.replace(num_samples=0, duration=0.0))
        with pytest.raises(FeatureError, match="neither audio nor features"):
            cut(record.replace(audio=None))

    def test_silent_streams_have_no_influence(self, tmp_path: Path) -> None:
        bass = tone("bass", 1, 2.0)
        both = cut(stereo(tmp_path / "a.wav", bass, bass + 1e-4 * tone("organ", 2, 2.0)))
        assert audible_streams(both).tolist() == [[True] * 3, [True] * 3, [True] * 3, [False] * 3]
        one = cut(stereo(tmp_path / "b.wav", bass, 0 * bass))
        assert audible_streams(one).tolist() == [[True] * 3, [False] * 3, [True] * 3, [True] * 3]
        assert audible_streams(0 * one).all()

    def test_union_of_labels(self) -> None:
        rng = np.random.default_rng(0)
        scores = rng.random((4, 6, 11)).astype(np.float32)
        sounds = rng.random((4, 6)) < 0.8
        mean, windows = merge_streams(scores, sounds)
        labels = (np.where(sounds[:, :, None], scores, 0).mean(axis=1) >= 0.4).any(axis=0)
        np.testing.assert_array_equal(mean >= 0.4, labels)
        assert windows.shape == (6, 11)
        assert windows[2, 3] == scores[sounds[:, 2], 2, 3].max()
        alone, same = merge_streams(scores[:1], np.ones((1, 6), bool))
        np.testing.assert_allclose(alone, scores[0].mean(axis=0))
        np.testing.assert_array_equal(same, scores[0])
