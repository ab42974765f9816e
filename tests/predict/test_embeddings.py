"""Embeddings: what a net makes of a window before its last layer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from imtools.errors import ModelError, UsageError
from imtools.manifest import Record
from imtools.models.bundle import TrainedModel, load
from imtools.models.output import output_layer
from imtools.predict.predictor import Predictor, PredictSettings
from nets import CLASSES, fit, make_records, quick_config, small_front_end, tone

pytestmark = pytest.mark.filterwarnings("ignore:.*nearly the same answer")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return make_records(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module", params=["kratimenos2020", "vaznonis2022-fft"])
def model(request, records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    folder = tmp_path_factory.mktemp("model")
    fit(
        records,
        folder,
        quick_config(architecture=request.param, width=0.01 if "fft" in request.param else 0.1),
    )
    return load(folder)


def features() -> torch.Tensor:
    return small_front_end()(torch.from_numpy(np.stack([tone(label, 3) for label in CLASSES])))


def test_the_last_layer_makes_the_scores_of_them(model: TrainedModel) -> None:
    scores, embeddings = model.predict_with_embeddings(features())
    assert torch.equal(scores, model.predict_proba(features()))
    layers = [output_layer(net)[1] for net in model.scorer.nets]
    parts = torch.split(embeddings, [layer.in_features for layer in layers], dim=1)
    with torch.inference_mode():
        told = [layer(part).sigmoid() for layer, part in zip(layers, parts, strict=True)]
    torch.testing.assert_close(torch.stack(told).mean(dim=0), scores)
    _, of_one = model.predict_with_embeddings(features(), [1])
    assert torch.equal(of_one, parts[1])


def test_threads_get_their_own(model: TrainedModel) -> None:
    rows = features()
    alone = [model.predict_with_embeddings(row[None])[1] for row in rows]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(5):
            together = list(pool.map(lambda row: model.predict_with_embeddings(row[None])[1], rows))
            assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_windows_keep_theirs_and_scores_stay(model: TrainedModel, records: list[Record]) -> None:
    plain, embedding = Predictor(model), Predictor(model, PredictSettings(embeddings=True))
    for record in records[:4]:
        (told,), (more,) = (p.score([p.prepare(record)]) for p in (plain, embedding))
        assert np.array_equal(told.mean, more.mean)
        assert told.embeddings is None
        assert more.embeddings.shape[0] == 1
        assert more.windows.shape == (1, 3)


def test_what_has_none_says_so(model: TrainedModel, records: list[Record], tmp_path: Path) -> None:
    for option in ("members", "held_out"):
        with pytest.raises(UsageError, match="do not go together"):
            Predictor(model, PredictSettings(embeddings=True, **{option: True}))
    with pytest.raises(UsageError, match="separate streams"):
        Predictor(model, PredictSettings(embeddings=True, stereo=True))
    several = TrainedModel(
        replace(model.description, strategy="one-vs-all"), model.scorer.nets, model.device, model.dtype
    )
    with pytest.raises(ModelError, match="no net that knows all classes"):
        several.predict_with_embeddings(features())


def test_the_command_adds_them_to_the_records(run, space: Path) -> None:
    def told(*options: str) -> list[dict]:
        done = run("im-predict", "-m", "model", "--embeddings", *options, "lib", cwd=space)
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    whole, windows = told(), told("--windows")
    units = sum(output_layer(net)[1].in_features for net in load(space / "model").scorer.nets)
    for record, parts in zip(whole, windows, strict=True):
        (one,) = record["embeddings"]
        assert one.keys() == {"model", "vector"}
        assert one["model"] == record["predictions"][0]["model"]
        assert len(one["vector"]) == units
        vectors = np.array([part["vector"] for part in parts["embeddings"]])
        assert [part["start"] for part in parts["embeddings"]] == [0.0, 1.0]
        np.testing.assert_allclose(vectors.mean(axis=0), one["vector"], rtol=1e-4, atol=1e-6)
    assert whole[0]["embeddings"] != whole[-1]["embeddings"]
    again = run("im-predict", "-m", "model", "--embeddings", stdin=json.dumps(whole[0]).encode(), cwd=space)
    (replaced,) = json.loads(again.stdout)["embeddings"]  # not repeated
    np.testing.assert_allclose(replaced["vector"], whole[0]["embeddings"][0]["vector"], rtol=1e-4, atol=1e-6)
