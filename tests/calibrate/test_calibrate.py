"""im-calibrate: scores that are probabilities, in a model that is otherwise what it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from imtools.calibrate import calibrate_model
from imtools.calibrate.fit import MIN_EXAMPLES, MIN_SLOPE, fit, reliability
from imtools.errors import ImtoolsWarning, UsageError
from imtools.manifest import read_manifest
from imtools.models.bundle import load, read_card, read_description
from imtools.plot.reliability import draw_reliability
from workspace import TINY_NET, build_workspace


def logit(scores: np.ndarray) -> np.ndarray:
    return np.log(scores / (1 - scores))


def drawn(slope: float, offset: float, count: int = 4000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Scores that become probabilities by a slope and an offset, and truths drawn by these."""
    random = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-random.normal(-1, 1.5, count)))
    chances = 1 / (1 + np.exp(-(slope * logit(scores) + offset)))
    return random.random(count) < chances, scores


# ---------------------------------------------------------------------------------------------- reliability


def test_reliability_counts_what_comes_true() -> None:
    y_score = np.array([[0.05, 0.95], [0.05, 1.0], [0.15, 0.55], [0.0, 0.5]])
    y_true = np.array([[0, 1], [1, 1], [0, 0], [0, 1]], dtype=bool)
    known = np.ones_like(y_true)
    known[3, 1] = False
    one = reliability(y_true, y_score, known)
    assert one.count.tolist() == [3, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert one.rate[[0, 1, 5, 9]].tolist() == [1 / 3, 0, 0, 1]
    assert one.score[[0, 9]] == pytest.approx([0.1 / 3, 0.975])
    assert np.isnan(one.score[2])
    distances = [3 * (1 / 3 - 0.1 / 3), 0.15, 0.55, 2 * 0.025]
    assert one.error == pytest.approx(sum(distances) / 7)
    squares = [0.05**2, 0.95**2, 0.15**2, 0, 0.05**2, 0, 0.55**2]
    assert one.brier == pytest.approx(sum(squares) / 7)


def test_nothing_known_has_no_reliability() -> None:
    with pytest.raises(UsageError, match="no label is known"):
        reliability(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)))


# -------------------------------------------------------------------------------------------------- fitting


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, -1.0), (2.0, 1.0)])
def test_the_change_is_found_that_makes_probabilities(slope: float, offset: float) -> None:
    y_true, y_score = drawn(slope, offset)
    found = fit(["a"], y_true[:, None], y_score[:, None], np.ones_like(y_true)[:, None])
    assert found.slopes[0] == pytest.approx(slope, abs=0.12)
    assert found.offsets[0] == pytest.approx(offset, abs=0.12)
    regression = LogisticRegression(C=1e6).fit(logit(y_score)[:, None], y_true)  # without Platt's targets
    assert found.slopes[0] == pytest.approx(regression.coef_[0, 0], abs=0.02)
    assert found.offsets[0] == pytest.approx(regression.intercept_[0], abs=0.02)
    before, after = (
        reliability(y_true, scores, np.ones_like(y_true))
        for scores in (y_score, found.apply(y_score[:, None])[:, 0])
    )
    assert after.error < 0.02
    assert after.brier <= before.brier + 1e-6
    assert slope == 1 or after.error < before.error


def test_a_class_without_examples_gets_what_fits_all() -> None:
    y_true, y_score = drawn(0.5, -1.0)
    both = np.stack([y_true, np.zeros_like(y_true)], axis=1)
    known = np.stack([np.ones_like(y_true), np.arange(len(y_true)) < MIN_EXAMPLES - 1], axis=1)
    found = fit(["a", "b"], both, np.stack([y_score, y_score], axis=1), known)
    assert found.fitted == ["a"]
    assert found.slopes[1] == pytest.approx(0.5, abs=0.12)


def test_a_perfectly_separated_class_keeps_finite_scores() -> None:
    y_true = np.arange(40) < 20
    found = fit(["a"], y_true[:, None], np.where(y_true, 1.0, 0.0)[:, None], np.ones_like(y_true)[:, None])
    scores = found.apply([[0.0], [1.0]])[:, 0]
    assert 0 < scores[0] < 0.1 < 0.9 < scores[1] < 1


def test_scores_worse_than_chance_become_the_frequency_of_the_class() -> None:
    y_true, y_score = drawn(1, 0)
    with pytest.warns(ImtoolsWarning, match="a: scores no better than chance"):
        found = fit(["a"], ~y_true[:, None], y_score[:, None], np.ones_like(y_true)[:, None])
    assert found.slopes[0] == MIN_SLOPE
    assert found.apply(y_score[:, None]).mean() == pytest.approx(1 - y_true.mean(), abs=0.01)


def test_what_cannot_be_calibrated_is_refused() -> None:
    y_true, y_score = drawn(1, 0, 50)
    known = np.ones_like(y_true)[:, None]
    with pytest.raises(UsageError, match="too few to calibrate"):
        fit(["a"], y_true[:4, None], y_score[:4, None], known[:4])


# -------------------------------------------------------------------------------------------------- command


@pytest.fixture(scope="module")
def space(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    build_workspace(run, folder)
    for precision, name in (("fp32", "held.jsonl"), ("bf16", "held-bf16.jsonl")):
        options = ("-m", "model", "--held-out", "--precision", precision)
        (folder / name).write_bytes(run("im-predict", *options, "features", cwd=folder).stdout)
    return folder


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def scores_of(records: list[dict]) -> np.ndarray:
    return np.array([[one["score"] for one in record["predictions"]] for record in records])


def present_of(records: list[dict]) -> list[list[bool]]:
    return [[one["present"] for one in record["predictions"]] for record in records]


# In bfloat16 the changed output layer rounds otherwise than the old one did: its scores and decisions are
# those that were fitted only as far as 8 bits reach.
@pytest.mark.parametrize(
    ("precision", "source", "apart"), [("fp32", "held.jsonl", 1e-4), ("bf16", "held-bf16.jsonl", 1e-2)]
)
def test_the_new_model_gives_what_was_fitted(
    run, space: Path, precision: str, source: str, apart: float
) -> None:
    made = run("im-calibrate", "-m", "model", "-o", "calibrated", "--force", source, cwd=space)
    assert made.returncode == 0, made.stderr.decode()
    (found,) = lines(made.stdout)
    old, new = read_description(space / "model"), read_description(space / "calibrated")
    assert found["model"] == load(space / "calibrated").name != found["of"] == load(space / "model").name
    held = lines((space / source).read_bytes())
    options = ("-m", "calibrated", "--held-out", "--precision", precision)
    after = lines(run("im-predict", *options, "features", cwd=space).stdout)
    slopes, offsets = (
        np.array([found["classes"][c][part] for c in old.labels]) for part in ("slope", "offset")
    )
    expected = 1 / (1 + np.exp(-(slopes * logit(scores_of(held)) + offsets)))
    np.testing.assert_allclose(scores_of(after), expected, rtol=1e-7, atol=apart)
    clear = np.abs(scores_of(after) - new.thresholds) > apart
    certain = np.ones_like(clear) if precision == "fp32" else clear
    np.testing.assert_array_equal(np.array(present_of(after))[certain], np.array(present_of(held))[certain])
    assert new.thresholds != old.thresholds
    assert found["calibration_error"]["after"] <= found["calibration_error"]["before"]
    assert new.training["calibration"]["of"] == found["of"]
    card = read_card(space / "calibrated")
    assert card.startswith(f"# {found['model']}\n")
    assert f"{found['calibration_error']['after']:.4f}" in card.split("## Calibration")[1]
    assert f"The output layer of {found['of']} was changed" in card


def test_the_library_makes_the_model_of_the_command(run, space: Path, tmp_path: Path) -> None:
    made = run("im-calibrate", "-m", "model", "-o", tmp_path / "command", "held.jsonl", cwd=space)
    with pytest.warns(ImtoolsWarning, match="scores no better than chance"):
        calibrated = calibrate_model(space / "model", read_manifest(space / "held.jsonl"))
    name = calibrated.save(tmp_path / "library")
    assert lines(made.stdout) == [{"model": name, "of": calibrated.name} | calibrated.to_json()]
    for file in ("model.json", "README.md", "model.safetensors"):
        assert (tmp_path / "library" / file).read_bytes() == (tmp_path / "command" / file).read_bytes()
    assert calibrated.after.error <= calibrated.before.error
    with pytest.raises(UsageError, match="is the model itself"):
        calibrated.save(space / "model")
    with pytest.raises(UsageError, match="not of model"):
        calibrate_model(space / "model", read_manifest(space / "mel.jsonl"))


def test_what_does_not_go_together_is_refused(run, space: Path, tmp_path: Path) -> None:
    def refusal(*arguments: str) -> str:
        result = run("im-calibrate", *arguments, cwd=space)
        assert result.returncode in (1, 2)
        assert not result.stdout
        return result.stderr.decode()

    out = str(tmp_path / "out")
    assert "needs a place" in refusal("-m", "model", "held.jsonl")
    assert "is the model itself" in refusal("-m", "model", "-o", "model", "--force", "held.jsonl")
    assert "is not empty" in refusal("-m", "model", "-o", "features", "held.jsonl")
    assert "not of model" in refusal("-m", "model", "-o", out, "mel.jsonl")
    single = run("im-train", *TINY_NET, "--strategy", "single-label", "-o", "single", "features", cwd=space)
    assert single.returncode == 0
    assert "not of one sigmoid" in refusal("-m", "single", "-o", out, "held.jsonl")
    assert not Path(out).exists()
    dry = run("im-calibrate", "-m", "model", "-o", out, "--dry-run", "held.jsonl", cwd=space)
    assert b"would be calibrated on" in dry.stderr
    assert not Path(out).exists()


# -------------------------------------------------------------------------------------------------- picture


def test_the_picture_shows_what_was_counted() -> None:
    models = []
    for seed, name in enumerate(("one", "two")):
        y_true, y_score = drawn(0.5, -1.0, 300, seed)
        models.append((name, reliability(y_true, y_score, np.ones_like(y_true))))
    figure = draw_reliability(models, width=8.5)
    upper, lower = figure.axes
    for line, (_, one) in zip(upper.lines[1:], models, strict=True):
        seen = one.count > 0
        assert line.get_xdata() == pytest.approx(one.score[seen])
        assert line.get_ydata() == pytest.approx(one.rate[seen])
    assert [list(patch.get_data().values) for patch in lower.patches] == [
        list(one.count) for _, one in models
    ]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [f"{name}: error {one.error:.3f}" for name, one in models]
    with pytest.raises(UsageError, match="no predictions"):
        draw_reliability([], width=8.5)
