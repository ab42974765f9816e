"""Losses of the strategies, class weights, and draws of negatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from imtools.errors import UsageError
from imtools.train.protocol.losses import (
    LOSSES,
    class_weights,
    draw_negatives,
    kept_negatives,
    multi_label_loss,
    single_label_loss,
    with_listwise,
)

Bools = np.ndarray


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draws(count: int = 40, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits in double precision, hard targets, and known labels."""
    rng = np.random.default_rng(3)
    logits = torch.from_numpy(rng.normal(scale=2.0, size=(count, classes)))
    targets = torch.from_numpy((rng.random((count, classes)) < 0.3).astype(float))
    known = torch.from_numpy(rng.random((count, classes)) < 0.7)
    return logits, targets * known, known


# Several labels


def test_multi_label_loss_is_scikit_learns() -> None:
    logits, targets, known = draws()
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0, 8.0], dtype=torch.float64)
    scores, truth, mask = logits.sigmoid().numpy(), targets.numpy(), known.numpy()
    total, count = multi_label_loss(logits, targets, known)
    expected = log_loss(truth[mask], scores[mask], normalize=False)
    assert total.item() == pytest.approx(expected, rel=1e-9)
    assert count.item() == mask.sum()
    assert total.dtype == count.dtype == torch.float64
    each = np.where(truth > 0, weights.numpy(), 1.0)
    expected = log_loss(truth[mask], scores[mask], normalize=False, sample_weight=each[mask])
    assert multi_label_loss(logits, targets, known, weights)[0].item() == pytest.approx(expected, rel=1e-9)


def test_multi_label_loss_by_hand() -> None:
    """At logit 0 each label costs log 2, whatever it is; and blended targets cost in proportion."""
    known = torch.tensor([[True, True, False]])
    total, count = multi_label_loss(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]]), known)
    assert (total.item(), count.item()) == (pytest.approx(2 * math.log(2)), 2.0)
    logits = torch.tensor([[math.log(3.0)]])  # a score of 3/4
    total, _ = multi_label_loss(logits, torch.tensor([[0.25]]), torch.tensor([[True]]))
    assert total.item() == pytest.approx(0.25 * math.log(4 / 3) + 0.75 * math.log(4))


@pytest.mark.parametrize("strange", [30.0, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("weights", [None, torch.tensor([2.0, 2.0, 2.0])])
def test_unknown_labels_do_not_enter_the_loss(strange: float, weights: torch.Tensor | None) -> None:
    logits = torch.tensor([[2.0, -1.0, strange]], requires_grad=True)
    targets, known = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[True, True, False]])
    total, count = multi_label_loss(logits, targets, known, weights)
    assert math.isfinite(total.item())
    assert count.item() == 2
    total.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad != 0).tolist() == [[True, True, False]]
    weight = 1.0 if weights is None else 2.0
    expected = [weight * (1 / (1 + math.exp(-2.0)) - 1), 1 / (1 + math.exp(1.0))]
    assert logits.grad[0, :2].tolist() == pytest.approx(expected, rel=1e-5)


def test_nothing_known_is_nothing_lost() -> None:
    logits = torch.randn(4, 3, generator=generator(), requires_grad=True)
    for loss in (multi_label_loss, single_label_loss):
        total, count = loss(logits, torch.zeros(4, 3), torch.zeros(4, 3, dtype=torch.bool), None)
        assert (total.item(), count.item()) == (0.0, 0.0)
        (gradient,) = torch.autograd.grad(total, logits)
        assert not gradient.any()


# One label


def test_single_label_loss_is_scikit_learns() -> None:
    logits, _, known = draws()
    classes = np.random.default_rng(0).integers(5, size=len(logits))
    targets = torch.eye(5, dtype=torch.float64)[classes]
    total, count = single_label_loss(logits, targets, known)
    scores = logits.softmax(dim=1).numpy()
    assert total.item() == pytest.approx(log_loss(classes, scores, normalize=False), rel=1e-9)
    assert count.item() == len(logits)
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0, 8.0], dtype=torch.float64)
    expected = log_loss(classes, scores, normalize=False, sample_weight=weights.numpy()[classes])
    assert single_label_loss(logits, targets, known, weights)[0].item() == pytest.approx(expected, rel=1e-9)


def test_classes_of_a_mix_share_an_example() -> None:
    """Scores of 1/2, 1/4 and 1/4, by hand."""
    logits, known = torch.tensor([[2.0, 1.0, 1.0]]).log(), torch.ones(1, 3, dtype=torch.bool)
    total, count = single_label_loss(logits, torch.tensor([[1.0, 1.0, 0.0]]), known)
    assert total.item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert count.item() == 1
    blended, _ = single_label_loss(logits, torch.tensor([[0.8, 0.0, 0.2]]), known)
    assert blended.item() == pytest.approx(0.8 * math.log(2) + 0.2 * math.log(4))
    scaled, _ = single_label_loss(logits, torch.tensor([[0.08, 0.0, 0.02]]), known)
    assert scaled.item() == pytest.approx(blended.item())


def test_examples_without_a_class_are_left_out() -> None:
    logits = torch.tensor([[1.0, 2.0], [math.inf, math.nan], [0.5, -1.0]], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    known = torch.tensor([[True, False], [False, False], [False, True]])
    total, count = single_label_loss(logits, targets, known)
    expected = math.log(1 + math.exp(1)) + math.log(1 + math.exp(1.5))
    assert (total.item(), count.item()) == (pytest.approx(expected), 2.0)
    total.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[1].tolist() == [0.0, 0.0]
    assert (logits.grad[[0, 2]] != 0).all()  # what is not present is absent, listed or not


def test_the_listwise_loss_compares_the_known_classes_of_an_example() -> None:
    logits, targets, known = draws()
    logits.requires_grad_()
    total, count = with_listwise(2.0)(logits, targets, known, None)
    binary, expected_count = multi_label_loss(logits, targets, known)
    assert count == expected_count
    compared = 0.0
    for row, truth, certain in zip(logits, targets, known, strict=True):
        if truth.sum():
            chances = row[certain].softmax(dim=0)
            compared += float(-(truth[certain] / truth.sum() * chances.log()).sum().detach())
    assert float((total - binary).detach()) == pytest.approx(2 * compared)
    total.backward()
    assert torch.equal(logits.grad[~known], torch.zeros(int((~known).sum()), dtype=torch.float64))


def test_every_strategy_that_trains_nets_has_a_loss() -> None:
    assert LOSSES.keys() == {"multi-label", "single-label", "one-vs-all"}
    assert LOSSES["one-vs-all"] is LOSSES["multi-label"]
    assert LOSSES["single-label"] is single_label_loss


# Weights


def test_weights_of_several_labels_even_out_both_sides() -> None:
    present = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    known = np.ones((4, 4), bool)
    known[3, 0] = known[:, 3] = False
    assert class_weights(present, known, "multi-label").tolist() == pytest.approx([2.0, 1 / 3, 1.0, 1.0])
    assert class_weights(present, known, "one-vs-all").tolist() == pytest.approx([2.0, 1 / 3, 1.0, 1.0])
    rare = np.zeros((1000, 2), bool)
    rare[0, 0] = rare[:, 1] = True
    weights = class_weights(rare, np.ones_like(rare), "multi-label")
    assert weights.dtype == torch.float32
    assert weights.tolist() == pytest.approx([100.0, 0.01])


def test_weights_of_one_label_are_scikit_learns() -> None:
    classes = np.random.default_rng(1).choice(4, size=200, p=[0.6, 0.2, 0.15, 0.05])
    present = np.eye(4, dtype=bool)[classes]
    weights = class_weights(present, present, "single-label").numpy()
    assert weights == pytest.approx(compute_class_weight("balanced", classes=np.arange(4), y=classes))
    assert weights[classes].mean() == pytest.approx(1.0)
    # A class that never occurs and an example without any change nothing.
    padded = np.pad(present, ((0, 5), (0, 1)))
    assert class_weights(padded, padded, "single-label").numpy() == pytest.approx([*weights, 1.0])


def test_a_mix_counts_for_each_of_its_classes_in_part() -> None:
    present = np.array([[1, 1], [1, 0], [1, 0]], bool)
    assert class_weights(present, present, "single-label").tolist() == pytest.approx([3 / 5, 3.0])


def test_weights_without_examples_or_strategy() -> None:
    nothing = np.zeros((0, 3), bool)
    for strategy in LOSSES:
        assert class_weights(nothing, nothing, strategy).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(UsageError, match="'svm' has no weights"):
        class_weights(nothing, nothing, "svm")


# Negatives

matrices = st.integers(1, 30).flatmap(
    lambda n: st.tuples(arrays(bool, (n, 4)), arrays(bool, (n, 4)), st.floats(0.01, 20), st.integers(0, 99))
)


@given(matrices)
def test_draws_keep_positives_and_so_many_negatives(drawn: tuple[Bools, Bools, float, int]) -> None:
    present, known, ratio, seed = drawn
    found = draw_negatives(present, known, ratio, generator(seed))
    parts = kept_negatives(present, known, ratio)
    assert not (found & ~known).any()
    assert (found[known & present]).all()
    assert (parts > 0).all()
    assert (parts <= 1).all()
    for column in range(4):
        positives = int((known & present)[:, column].sum())
        negatives = int((known & ~present)[:, column].sum())
        kept = int((found & ~present)[:, column].sum())
        wanted = min(negatives, max(1, round(ratio * positives))) if positives else negatives
        assert kept == wanted
        assert parts[column] == pytest.approx(kept / negatives if negatives else 1.0)


def test_draws_are_even_and_follow_the_generator() -> None:
    present = np.zeros((10, 1), bool)
    present[:2] = True
    known = np.ones_like(present)
    known[9] = False
    chance = generator()
    counts = np.sum([draw_negatives(present, known, 1.5, chance) for _ in range(2000)], axis=0)[:, 0]
    assert counts[:2].tolist() == [2000, 2000]
    assert counts[9] == 0
    # 3 of 7, 2000 times: a standard deviation of 22.
    assert np.abs(counts[2:9] - 2000 * 3 / 7).max() < 110
    first, again, other = (draw_negatives(present, known, 1.5, generator(s)) for s in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan, math.inf])
def test_ratios_are_checked(ratio: float) -> None:
    present = np.eye(3, dtype=bool)
    with pytest.raises(UsageError, match="negatives for each positive"):
        draw_negatives(present, present, ratio, generator())
    with pytest.raises(UsageError, match="negatives for each positive"):
        kept_negatives(present, present, ratio)


def test_the_part_kept_corrects_the_odds() -> None:
    """A regression on a draw differs from one on everything in its constant, by the part's logarithm."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60_000, 1))
    present = rng.random((60_000, 1)) < 1 / (1 + np.exp(3.0 - 1.5 * x))
    known = np.ones_like(present)
    drawn = draw_negatives(present, known, 1.0, generator())[:, 0]
    fitted = LogisticRegression(C=1e9).fit(x[drawn], present[drawn, 0])
    (part,) = kept_negatives(present, known, 1.0)
    assert part < 0.3
    assert fitted.intercept_[0] > -2.0
    assert fitted.intercept_[0] + math.log(part) == pytest.approx(-3.0, abs=0.08)
    assert fitted.coef_[0, 0] == pytest.approx(1.5, abs=0.08)
