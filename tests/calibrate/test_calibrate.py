"""im-calibrate: scores that are probabilities, in a model that is otherwise what it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from imtools.calibrate.fit import LEAST_EXAMPLES, LEAST_SLOPE, fit, reliability
from imtools.errors import ImtoolsWarning, UsageError
from imtools.models.bundle import load, read_card, read_description
from imtools.plot.reliability import draw_reliability
from workspace import TINY_NET, build


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
    S = np.array([[0.05, 0.95], [0.05, 1.0], [0.15, 0.55], [0.0, 0.5]])
    Y = np.array([[0, 1], [1, 1], [0, 0], [0, 1]], dtype=bool)
    known = np.ones_like(Y)
    known[3, 1] = False
    one = reliability(Y, S, known)
    assert one.count.tolist() == [3, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert one.rate[[0, 1, 5, 9]].tolist() == [1 / 3, 0, 0, 1]
    assert one.score[[0, 9]] == pytest.approx([0.1 / 3, 0.975])
    assert np.isnan(one.score[2])
    distances = [3 * (1 / 3 - 0.1 / 3), 0.15, 0.55, 2 * 0.025]
    assert one.error == pytest.approx(sum(distances) / 7)
    squares = [0.05**2, 0.95**2, 0.15**2, 0, 0.05**2, 0, 0.55**2]
    assert one.brier == pytest.approx(sum(squares) / 7)


def test_nothing_known_has_no_reliability() -> None:
    with pytest.raises(UsageError, match="nothing is known"):
        reliability(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)))


# -------------------------------------------------------------------------------------------------- fitting


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, -1.0), (2.0, 1.0)])
def test_the_change_is_found_that_makes_probabilities(slope: float, offset: float) -> None:
    Y, S = drawn(slope, offset)
    found = fit(["a"], Y[:, None], S[:, None], np.ones_like(Y)[:, None])
    assert found.slopes[0] == pytest.approx(slope, abs=0.12)
    assert found.offsets[0] == pytest.approx(offset, abs=0.12)
    regression = LogisticRegression(C=1e6).fit(logit(S)[:, None], Y)  # without Platt's drawn-in truths
    assert found.slopes[0] == pytest.approx(regression.coef_[0, 0], abs=0.02)
    assert found.offsets[0] == pytest.approx(regression.intercept_[0], abs=0.02)
    before, after = (reliability(Y, scores, np.ones_like(Y)) for scores in (S, found.apply(S[:, None])[:, 0]))
    assert after.error < 0.02
    assert after.brier <= before.brier + 1e-6
    assert slope == 1 or after.error < before.error


def test_a_class_without_examples_gets_what_fits_all() -> None:
    Y, S = drawn(0.5, -1.0)
    both = np.stack([Y, np.zeros_like(Y)], axis=1)
    known = np.stack([np.ones_like(Y), np.arange(len(Y)) < LEAST_EXAMPLES - 1], axis=1)
    found = fit(["a", "b"], both, np.stack([S, S], axis=1), known)
    assert found.fitted == ["a"]
    assert found.slopes[1] == pytest.approx(0.5, abs=0.12)


def test_a_class_that_is_told_without_fault_keeps_finite_scores() -> None:
    Y = np.arange(40) < 20
    found = fit(["a"], Y[:, None], np.where(Y, 1.0, 0.0)[:, None], np.ones_like(Y)[:, None])
    scores = found.apply([[0.0], [1.0]])[:, 0]
    assert 0 < scores[0] < 0.1 < 0.9 < scores[1] < 1


def test_a_class_that_is_told_worse_than_by_chance_gets_its_share() -> None:
    Y, S = drawn(1, 0)
    with pytest.warns(ImtoolsWarning, match="a: told no better than by chance"):
        found = fit(["a"], ~Y[:, None], S[:, None], np.ones_like(Y)[:, None])
    assert found.slopes[0] == LEAST_SLOPE
    assert found.apply(S[:, None]).mean() == pytest.approx(1 - Y.mean(), abs=0.01)


def test_what_cannot_be_calibrated_is_refused() -> None:
    Y, S = drawn(1, 0, 50)
    known = np.ones_like(Y)[:, None]
    with pytest.raises(UsageError, match="too few to calibrate"):
        fit(["a"], Y[:4, None], S[:4, None], known[:4])


# -------------------------------------------------------------------------------------------------- command


@pytest.fixture(scope="module")
def space(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    build(run, folder)
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
        Y, S = drawn(0.5, -1.0, 300, seed)
        models.append((name, reliability(Y, S, np.ones_like(Y))))
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
