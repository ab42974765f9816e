from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as oracle

from imtools.errors import UsageError
from imtools.score.metrics import (
    decide,
    decision_scores,
    exact_match,
    intersection_over_union,
    lrap,
    precision_recall_f1,
    scores_by_polyphony,
)

EXACT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}


@st.composite
def decided(draw):
    """Labels, decisions and a mask; rows of one value are as likely as others."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 6)))
    y_true, y_pred = draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))
    for matrix in (y_true, y_pred):
        for value in (False, True):
            matrix[draw(hnp.arrays(np.bool_, shape[0]))] = value
    known = draw(hnp.arrays(np.bool_, shape)) if draw(st.booleans()) else np.ones(shape, dtype=bool)
    return y_true, y_pred, known


@settings(max_examples=150, deadline=None)
@given(decided())
def test_counts_and_accuracy_equal_scikit_learn_on_what_is_known(problem):
    y_true, y_pred, known = problem
    made = decision_scores(y_true, y_pred, known)
    for k in range(y_true.shape[1]):
        mask = known[:, k]
        table = np.zeros((2, 2), dtype=int)
        if mask.any():  # scikit-learn takes a single column for a binary problem
            two = [matrix[mask][:, [k, k]].astype(int) for matrix in (y_true, y_pred)]
            table = oracle.multilabel_confusion_matrix(*two)[0]
        assert [[made.tn[k], made.fp[k]], [made.fn[k], made.tp[k]]] == table.tolist()
        accuracy = oracle.accuracy_score(y_true[mask, k], y_pred[mask, k]) if mask.any() else math.nan
        assert made.class_accuracy[k] == pytest.approx(accuracy, **EXACT)
    overall = oracle.accuracy_score(y_true[known], y_pred[known]) if known.any() else math.nan
    assert made.accuracy == pytest.approx(overall, **EXACT)
    assert (made.tp + made.fn).tolist() == made.support.tolist()


@settings(max_examples=150, deadline=None)
@given(decided())
def test_items_equal_scikit_learn_on_what_is_known(problem):
    y_true, y_pred, known = problem
    iou, match = intersection_over_union(y_true, y_pred, known), exact_match(y_true, y_pred, known)
    for i, mask in enumerate(known):
        if not mask.any():
            assert math.isnan(iou[i])
            assert math.isnan(match[i])
            continue
        y, z = np.append(y_true[i, mask], False)[None], np.append(y_pred[i, mask], False)[None]
        assert iou[i] == pytest.approx(
            oracle.jaccard_score(y, z, average="samples", zero_division=1), **EXACT
        )
        assert match[i] == oracle.accuracy_score(y, z)


def test_the_example_of_an_item_with_four_instruments():
    # Ten classes, four present; two of them are predicted, and one that is absent.
    y_true = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]])
    y_pred = np.array([[1, 1, 0, 0, 1, 0, 0, 0, 0, 0]])
    assert intersection_over_union(y_true, y_pred).tolist() == [2 / 5]
    assert exact_match(y_true, y_pred).tolist() == [0.0]
    assert decision_scores(y_true, y_pred).accuracy == 0.7
    silence = np.zeros((1, 10))
    assert intersection_over_union(silence, silence).tolist() == [1.0]
    assert exact_match(silence, silence).tolist() == [1.0]
    assert intersection_over_union(silence, y_pred).tolist() == [0.0]
    only_right = np.array([[1, 1, 0, 0, 0, 1, 1, 1, 1, 1]])
    assert intersection_over_union(y_true, y_pred, only_right).tolist() == [1.0]
    assert exact_match(y_true, y_pred, only_right).tolist() == [1.0]


def test_decisions_by_threshold_are_those_of_decide():
    y_true, y_score = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0.3, 0.07], [0.2, 0.08], [0.4, 0.9]])
    assert decide(y_score, [0.3, 0.08]).tolist() == [[True, False], [False, True], [True, True]]
    assert decide(y_score, 7 / 100)[0, 1]  # equality is a yes
    a, b = (
        precision_recall_f1(y_true, y_score, threshold=[0.3, 0.5]),
        decision_scores(y_true, decide(y_score, [0.3, 0.5])),
    )
    assert a.f1.tolist() == b.f1.tolist() == [1.0, 2 / 3]
    assert (a.accuracy, a.class_accuracy.tolist()) == (5 / 6, [1.0, 2 / 3])
    with pytest.raises(UsageError, match="3 thresholds for 2 classes"):
        decide(y_score, [0.1, 0.2, 0.3])
    with pytest.raises(UsageError, match="finite"):
        precision_recall_f1(y_true, np.full(y_true.shape, np.inf))


def test_decisions_that_do_not_fit_are_refused():
    for score in (decision_scores, intersection_over_union, exact_match):
        with pytest.raises(UsageError, match=r"decisions \(1, 2\)"):
            score([[1, 0], [0, 1]], [[1, 0]])


@settings(max_examples=100, deadline=None)
@given(decided(), st.data())
def test_unknown_entries_and_the_order_of_classes_change_nothing(problem, data):
    y_true, y_pred, known = problem
    other_true = np.where(known, y_true, data.draw(hnp.arrays(np.bool_, y_true.shape)))
    other_pred = np.where(known, y_pred, data.draw(hnp.arrays(np.bool_, y_true.shape)))
    order = data.draw(st.permutations(range(y_true.shape[1])))
    turned = other_true[:, order], other_pred[:, order], known[:, order]
    for score in (intersection_over_union, exact_match):
        np.testing.assert_array_equal(score(y_true, y_pred, known), score(*turned))
    a, b = decision_scores(y_true, y_pred, known), decision_scores(*turned)
    np.testing.assert_equal(a.accuracy, b.accuracy)
    np.testing.assert_array_equal(a.class_accuracy[order], b.class_accuracy)
    np.testing.assert_array_equal(a.tn[order], b.tn)


@settings(max_examples=100, deadline=None)
@given(decided(), st.integers(0, 1000))
def test_levels_are_the_scores_of_their_items(problem, seed):
    y_true, y_pred, known = problem
    y_score = np.random.default_rng(seed).random(y_true.shape)
    made = scores_by_polyphony(y_true, y_score, y_pred, known)
    number = np.where(known.any(axis=1), (y_true & known).sum(axis=1), -1)
    assert [level.polyphony for level in made] == sorted(set(number[number >= 0].tolist()))
    assert sum(level.num_items for level in made) == known.any(axis=1).sum()
    for level in made:
        rows = number == level.polyphony
        y, z, m = y_true[rows], y_pred[rows], known[rows]
        assert level.num_items == rows.sum()
        assert level.lrap == pytest.approx(lrap(y, y_score[rows], m), **EXACT)
        assert level.iou == pytest.approx(intersection_over_union(y, z, m).mean(), **EXACT)
        assert level.emr == pytest.approx(exact_match(y, z, m).mean(), **EXACT)
        assert level.accuracy == pytest.approx((y == z)[m].mean(), **EXACT)
        assert level.f1_micro == pytest.approx(oracle.f1_score(y[m], z[m], zero_division=0), **EXACT)
        assert (level.tp + level.fp + level.fn + level.tn).tolist() == m.sum(axis=0).tolist()
        for k in range(y_true.shape[1]):
            present = y[:, k] & m[:, k]
            tpr = z[present, k].mean() if present.any() else math.nan
            assert level.tpr[k] == pytest.approx(tpr, **EXACT)


def test_levels_by_hand():
    y_true = np.array([[0, 0], [1, 0], [1, 0], [1, 1]])
    y_pred = np.array([[0, 0], [1, 0], [0, 1], [1, 0]])
    silence, solo, duo = scores_by_polyphony(y_true, y_pred.astype(float), y_pred)
    assert (silence.polyphony, silence.lrap, silence.iou, silence.emr) == (0, 1.0, 1.0, 1.0)
    assert np.isnan(silence.tpr).all()
    assert silence.class_accuracy.tolist() == [1.0, 1.0]
    assert (solo.num_items, solo.iou, solo.emr, solo.accuracy, solo.f1_micro) == (2, 0.5, 0.5, 0.5, 0.5)
    assert [x.tolist() for x in (solo.tp, solo.fp, solo.fn, solo.tn)] == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert solo.tpr[0] == 0.5
    assert math.isnan(solo.tpr[1])
    assert (duo.iou, duo.emr, duo.tpr.tolist()) == (0.5, 0.0, [1.0, 0.0])
    assert scores_by_polyphony(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2))) == []


def test_both_macro_definitions_by_hand():
    """Class a: P 1, R 1/2, F1 2/3. Class b: P 1/3, R 1, F1 1/2. Means: P 2/3, R 3/4."""
    y_true = [[1, 1], [1, 0], [0, 0]]
    y_pred = [[1, 1], [0, 1], [0, 1]]
    made = decision_scores(y_true, y_pred)
    assert made.macro.f1 == pytest.approx((2 / 3 + 1 / 2) / 2, rel=1e-15)
    assert made.macro_f1_of_means == pytest.approx(2 * (2 / 3) * (3 / 4) / (2 / 3 + 3 / 4), rel=1e-15)
    assert made.micro.f1 == pytest.approx(2 * 2 / (4 + 3), rel=1e-15)
