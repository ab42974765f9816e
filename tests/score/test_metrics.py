from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as oracle

from imtools.errors import UsageError
from imtools.score import average_precision, lrap, precision_recall_f1, roc_auc, top1
from imtools.score.metrics import confusion_matrix, lrap_items, top1_items

EXACT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}
TIED = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@st.composite
def problems(draw, masked: bool = False):
    """Labels, scores (with ties or without) and a mask."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 6)))
    y_true = draw(hnp.arrays(np.bool_, shape))
    values = draw(st.sampled_from([TIED, st.floats(-5, 5)]))
    y_score = draw(hnp.arrays(np.float64, shape, elements=values))
    known = draw(hnp.arrays(np.bool_, shape)) if masked else np.ones(shape, dtype=bool)
    return y_true, y_score, known


def nan_mean(values):
    kept = [x for x in values if not math.isnan(x)]
    return float(np.mean(kept)) if kept else math.nan


def row_lrap(y, s):
    """scikit-learn on one row, which it accepts only as part of a larger matrix of two columns or more."""
    y, s = np.append(y, False), np.append(s, -1e9)  # an absent class below all others changes nothing
    return oracle.label_ranking_average_precision_score([y], [s])


@settings(max_examples=150, deadline=None)
@given(problems())
def test_unmasked_scores_equal_scikit_learn(problem):
    y_true, y_score, _ = problem
    if y_true.shape[1] > 1:
        assert lrap(y_true, y_score) == pytest.approx(
            oracle.label_ranking_average_precision_score(y_true, y_score), **EXACT
        )
    made = precision_recall_f1(y_true, y_score, threshold=0.5)
    # scikit-learn takes a single column for a binary problem
    two = [np.hstack([x, x]) if y_true.shape[1] == 1 else x for x in (y_true, y_score >= 0.5)]
    for average, ours in [
        ("micro", [made.micro.precision, made.micro.recall, made.micro.f1]),
        ("macro", [made.macro.precision, made.macro.recall, made.macro.f1]),
    ]:
        theirs = oracle.precision_recall_fscore_support(*two, average=average, zero_division=0)
        assert ours == pytest.approx(list(theirs[:3]), **EXACT)
    p, r = made.macro.precision, made.macro.recall
    assert made.macro_f1_of_means == pytest.approx(2 * p * r / (p + r) if p + r else 0.0, **EXACT)
    assert made.macro_f1_of_means >= made.macro.f1 - 1e-12


@settings(max_examples=150, deadline=None)
@given(problems(masked=True))
def test_masked_scores_equal_scikit_learn_on_what_is_known(problem):
    y_true, y_score, known = problem
    ap, mean_ap = average_precision(y_true, y_score, known)
    auc, mean_auc = roc_auc(y_true, y_score, known)
    made = precision_recall_f1(y_true, y_score, known)
    for k in range(y_true.shape[1]):
        y, s = y_true[known[:, k], k], y_score[known[:, k], k]
        assert made.support[k] == y.sum()
        assert ap[k] == pytest.approx(oracle.average_precision_score(y, s) if y.any() else math.nan, **EXACT)
        both = y.any() and not y.all()
        assert auc[k] == pytest.approx(oracle.roc_auc_score(y, s) if both else math.nan, **EXACT)
        scores = [math.nan] * 3
        if len(y):
            scores = oracle.precision_recall_fscore_support(y, s >= 0.5, average="binary", zero_division=0)[
                :3
            ]
        assert [made.precision[k], made.recall[k], made.f1[k]] == pytest.approx(list(scores), **EXACT)
    assert mean_ap == pytest.approx(nan_mean(ap), **EXACT)
    assert mean_auc == pytest.approx(nan_mean(auc), **EXACT)
    assert made.macro.f1 == pytest.approx(nan_mean(made.f1), **EXACT)
    micro = oracle.f1_score(y_true[known], y_score[known] >= 0.5, zero_division=0) if known.any() else 0.0
    assert made.micro.f1 == pytest.approx(micro, **EXACT)
    rows = [row_lrap(y_true[i, known[i]], y_score[i, known[i]]) for i in range(len(y_true)) if known[i].any()]
    assert lrap(y_true, y_score, known) == pytest.approx(nan_mean(rows), **EXACT)
    items = lrap_items(y_true, y_score, known)
    assert items[known.any(axis=1)].tolist() == pytest.approx(rows, **EXACT)
    assert np.isnan(items[~known.any(axis=1)]).all()


@settings(max_examples=60, deadline=None)
@given(problems(masked=True), st.data())
def test_what_is_unknown_changes_nothing(problem, data):
    y_true, y_score, known = problem
    other_true = np.where(known, y_true, data.draw(hnp.arrays(np.bool_, y_true.shape)))
    junk = data.draw(
        hnp.arrays(np.float64, y_true.shape, elements=st.sampled_from([-9.0, 0.5, 9.0, math.nan]))
    )
    other_score = np.where(known, y_score, junk)
    for score in (lrap, roc_auc, average_precision, top1):
        np.testing.assert_equal(score(y_true, y_score, known), score(other_true, other_score, known))
    a, b = precision_recall_f1(y_true, y_score, known), precision_recall_f1(other_true, other_score, known)
    np.testing.assert_equal(a.f1, b.f1)
    np.testing.assert_equal(a.micro.f1, b.micro.f1)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(2, 6), st.integers(0, 1000))
def test_top1_is_the_accuracy_of_the_highest_score(n, k, seed):
    rng = np.random.default_rng(seed)
    truth, y_score = rng.integers(k, size=n), rng.random((n, k))
    assert top1(np.eye(k)[truth], y_score) == pytest.approx(
        oracle.accuracy_score(truth, y_score.argmax(1)), **EXACT
    )
    assert top1_items(np.eye(k)[truth], y_score).tolist() == (truth == y_score.argmax(1)).tolist()
    theirs = oracle.confusion_matrix(truth, y_score.argmax(1), labels=range(k))
    assert confusion_matrix(np.eye(k)[truth], y_score).tolist() == theirs.tolist()


@settings(max_examples=100, deadline=None)
@given(problems(masked=True), st.data())
def test_the_trace_of_the_confusion_is_top1(problem, data):
    y_true, y_score, known = problem
    y_true &= np.cumsum(y_true & known, axis=1) <= data.draw(
        st.integers(0, 2)
    )  # few present, so that some have one
    counts = confusion_matrix(y_true, y_score, known)
    items = top1_items(y_true, y_score, known)
    assert counts.sum() == pytest.approx((~np.isnan(items)).sum(), **EXACT)
    assert np.trace(counts) == pytest.approx(np.nansum(items), **EXACT)
    counted = y_true & known & ~np.isnan(items)[:, None]
    assert counts.sum(axis=1) == pytest.approx(counted.sum(axis=0), **EXACT)
    assert nan_mean(items) == pytest.approx(top1(y_true, y_score, known), **EXACT)
    order = data.draw(st.permutations(range(y_true.shape[1])))
    turned = confusion_matrix(y_true[:, order], y_score[:, order], known[:, order])
    np.testing.assert_allclose(turned, counts[np.ix_(order, order)], rtol=1e-12)


def test_top1_shares_ties_and_passes_over_rows_without_a_single_label():
    y_true = [[1, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert top1(y_true, np.zeros((4, 3))) == pytest.approx(1 / 3)
    assert math.isnan(top1(y_true[2:], np.zeros((2, 3))))
    np.testing.assert_array_equal(top1_items(y_true, np.zeros((4, 3))), [1 / 3, 1 / 3, np.nan, np.nan])
    confused = confusion_matrix(y_true, [[0.1, 0.9, 0.9], [0, 0, 1], [1, 0, 0], [1, 0, 0]])
    assert confused.tolist() == [[0, 0.5, 0.5], [0, 0, 0], [0, 0, 1]]
    assert confusion_matrix(
        y_true, np.zeros((4, 3)), [[1, 0, 0], [1, 0, 1], [1, 0, 1], [1, 1, 1]]
    ).tolist() == [
        [0.5, 0, 0.5],
        [0, 0, 0],
        [0.5, 0, 0.5],
    ]


def test_a_class_may_have_its_own_threshold_and_equality_is_a_yes():
    y_true, y_score = [[1, 1], [0, 0]], [[0.3, 0.8], [0.2, 0.7]]
    made = precision_recall_f1(y_true, y_score, threshold=[0.3, 0.9])
    assert made.f1.tolist() == [1.0, 0.0]
    with pytest.raises(UsageError, match="3 thresholds for 2 classes"):
        precision_recall_f1(y_true, y_score, threshold=[0.1, 0.2, 0.3])


def test_rows_without_a_label_score_one_as_in_scikit_learn():
    assert lrap([[0, 0], [1, 1]], [[0.1, 0.2], [0.3, 0.1]]) == 1.0


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="one shape"):
        lrap([[1, 0]], [[0.1, 0.2, 0.3]])
    with pytest.raises(UsageError, match="finite"):
        roc_auc([[1, 0]], [[0.1, math.nan]])


def test_nothing_known_is_not_a_number():
    y_true, y_score, known = [[1, 0]], [[0.1, 0.2]], [[0, 0]]
    assert math.isnan(lrap(y_true, y_score, known))
    assert math.isnan(roc_auc(y_true, y_score, known)[1])
    assert math.isnan(average_precision(y_true, y_score, known)[1])


def test_metrics_raise_no_warnings_of_their_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for score in (lrap, roc_auc, average_precision, top1, precision_recall_f1):
            score(np.zeros((3, 2)), np.zeros((3, 2)))
            score(np.zeros((0, 2)), np.zeros((0, 2)))
