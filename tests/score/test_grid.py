from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as oracle_of

from imtools.errors import UsageError
from imtools.score.grid import GRID, count_on_grid, oracle, plateau_middle
from imtools.score.metrics import decide, decision_scores

EXACT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}
# Scores that lie on the grid, that miss it by a rounding error, and others.
HUNDREDTHS = st.integers(0, 100)
NEAR = st.one_of(
    HUNDREDTHS.map(lambda i: i / 100),
    HUNDREDTHS.map(lambda i: i * 0.01),
    HUNDREDTHS.map(lambda i: math.nextafter(i / 100, -1)),
    HUNDREDTHS.map(lambda i: float(np.float32(i / 100))),
    st.floats(-0.5, 1.5),
)


@st.composite
def problems(draw):
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 4)))
    y_true = draw(hnp.arrays(np.bool_, shape))
    y_score = draw(hnp.arrays(np.float64, shape, elements=NEAR))
    known = draw(hnp.arrays(np.bool_, shape)) if draw(st.booleans()) else np.ones(shape, dtype=bool)
    return y_true, y_score, known


def test_the_grid_is_made_of_the_decimal_numbers():
    assert GRID.tolist() == [float(f"{i // 100}.{i % 100:02d}") for i in range(101)]
    with pytest.raises(ValueError, match="read-only"):
        GRID[0] = 1.0


@pytest.mark.slow(7)
@settings(max_examples=100, deadline=None)
@given(problems())
def test_every_threshold_gives_what_its_decisions_give(problem):
    y_true, y_score, known = problem
    counts = count_on_grid(y_true, y_score, known)
    f1, precision, recall, accuracy = counts.f1(), counts.precision(), counts.recall(), counts.accuracy()
    for place, threshold in enumerate(GRID):
        made = decision_scores(y_true, decide(y_score, threshold), known)
        assert counts.tp[place].tolist() == made.tp.tolist()
        assert counts.predicted[place].tolist() == (made.tp + made.fp).tolist()
        np.testing.assert_array_equal(f1[place], made.f1)
        np.testing.assert_array_equal(precision[place], made.precision)
        np.testing.assert_array_equal(recall[place], made.recall)
        np.testing.assert_array_equal(accuracy[place], made.class_accuracy)
        assert counts.micro_f1()[place] == made.micro.f1
        assert counts.micro_precision()[place] == made.micro.precision
        assert counts.micro_recall()[place] == made.micro.recall
    assert counts.support.tolist() == (y_true & known).sum(axis=0).tolist()
    assert counts.negatives.tolist() == (~y_true & known).sum(axis=0).tolist()


@pytest.mark.slow(5)
@settings(max_examples=6, deadline=None)
@given(problems())
def test_f1_on_the_grid_equals_scikit_learn(problem):
    y_true, y_score, known = problem
    f1 = count_on_grid(y_true, y_score, known).f1()
    for k in range(y_true.shape[1]):
        y, s = y_true[known[:, k], k], y_score[known[:, k], k]
        theirs = [oracle_of.f1_score(y, s >= t, zero_division=0) if len(y) else math.nan for t in GRID]
        assert f1[:, k].tolist() == pytest.approx(theirs, **EXACT)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_oracle_is_the_best_of_the_grid(problem):
    y_true, y_score, known = problem
    best = oracle(count_on_grid(y_true, y_score, known))
    common = [decision_scores(y_true, decide(y_score, t), known) for t in GRID]
    assert best.common_micro_f1 == max(made.micro.f1 for made in common)
    assert (
        decision_scores(y_true, decide(y_score, best.common_threshold), known).micro.f1
        == best.common_micro_f1
    )
    own = decision_scores(y_true, decide(y_score, best.thresholds), known)
    np.testing.assert_array_equal(best.f1, own.f1)
    assert best.macro_f1 == pytest.approx(own.macro.f1, **EXACT)
    assert best.micro_f1 == own.micro.f1
    np.testing.assert_array_equal(best.f1, np.max([made.f1 for made in common], axis=0))


def test_the_oracle_by_hand():
    y_true = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    y_score = np.array([[0.6, 0.1], [0.8, 0.3], [0.4, 0.7], [0.2, 0.1]])
    best = oracle(count_on_grid(y_true, y_score))
    assert best.thresholds.tolist() == [0.5, 0.5]  # the middles of .41 .. .6 (the lower of two) and .31 .. .7
    assert best.f1.tolist() == [1.0, 1.0]
    assert (best.common_threshold, best.common_micro_f1) == (0.5, 1.0)
    assert (best.macro_f1, best.micro_f1) == (1.0, 1.0)


def test_a_class_without_positives_or_knowledge_gets_the_middle():
    y_true, y_score = np.array([[0, 1], [0, 0]]), np.full((2, 2), 0.2)
    best = oracle(count_on_grid(y_true, y_score, [[1, 0], [1, 0]]))
    assert best.thresholds.tolist() == [0.5, 0.5]
    assert best.f1[0] == 0
    assert math.isnan(best.f1[1])
    assert best.macro_f1 == 0


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([0, 1, 0], 1),
        ([1, 1, 0, 1, 1, 1], 4),
        ([1, 1, 0, 1, 1], 0),  # of two runs of one length the first
        ([0, 2, 2, 2, 2, 0], 2),  # of two middles the lower
        ([math.nan, 0.5, math.nan], 1),
        ([math.nan] * 5, 2),
        ([3], 0),
    ],
)
def test_the_middle_of_the_longest_run_of_best_values(values, place):
    assert plateau_middle(values) == place


def test_any_ascending_grid_will_do():
    counts = count_on_grid([[1], [0]], [[2.0], [-1.0]], grid=[-2.0, 0.0, 2.0])
    assert counts.predicted.tolist() == [[2], [1], [1]]
    assert counts.tp.tolist() == [[1], [1], [1]]
    for bad in ([], [0.5, 0.5], [0.5, 0.1], [0.1, math.nan], 0.5):
        with pytest.raises(UsageError, match="ascend"):
            count_on_grid([[1]], [[0.5]], grid=bad)
