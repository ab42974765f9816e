from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as oracle

from imtools.errors import ImtoolsWarning, UsageError
from imtools.manifest import Label, Prediction, Record
from imtools.score import average_precision, evaluate, format_table, lrap, precision_recall_f1, roc_auc, top1

EXACT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}
TIED = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@st.composite
def problems(draw, masked: bool = False):
    """Labels, scores (with ties or without) and a mask."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 6)))
    Y = draw(hnp.arrays(np.bool_, shape))
    values = draw(st.sampled_from([TIED, st.floats(-5, 5)]))
    S = draw(hnp.arrays(np.float64, shape, elements=values))
    known = draw(hnp.arrays(np.bool_, shape)) if masked else np.ones(shape, dtype=bool)
    return Y, S, known


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
    Y, S, _ = problem
    if Y.shape[1] > 1:
        assert lrap(Y, S) == pytest.approx(oracle.label_ranking_average_precision_score(Y, S), **EXACT)
    made = precision_recall_f1(Y, S, 0.5)
    # scikit-learn takes a single column for a binary problem
    two = [np.hstack([x, x]) if Y.shape[1] == 1 else x for x in (Y, S >= 0.5)]
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
    Y, S, known = problem
    ap, mean_ap = average_precision(Y, S, known)
    auc, mean_auc = roc_auc(Y, S, known)
    made = precision_recall_f1(Y, S, 0.5, known)
    for k in range(Y.shape[1]):
        y, s = Y[known[:, k], k], S[known[:, k], k]
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
    micro = oracle.f1_score(Y[known], S[known] >= 0.5, zero_division=0) if known.any() else 0.0
    assert made.micro.f1 == pytest.approx(micro, **EXACT)
    rows = [row_lrap(Y[i, known[i]], S[i, known[i]]) for i in range(len(Y)) if known[i].any()]
    assert lrap(Y, S, known) == pytest.approx(nan_mean(rows), **EXACT)


@settings(max_examples=60, deadline=None)
@given(problems(masked=True), st.data())
def test_what_is_unknown_changes_nothing(problem, data):
    Y, S, known = problem
    other_Y = np.where(known, Y, data.draw(hnp.arrays(np.bool_, Y.shape)))
    junk = data.draw(hnp.arrays(np.float64, Y.shape, elements=st.sampled_from([-9.0, 0.5, 9.0, math.nan])))
    other_S = np.where(known, S, junk)
    for score in (lrap, roc_auc, average_precision, top1):
        np.testing.assert_equal(score(Y, S, known), score(other_Y, other_S, known))
    a, b = precision_recall_f1(Y, S, 0.5, known), precision_recall_f1(other_Y, other_S, 0.5, known)
    np.testing.assert_equal(a.f1, b.f1)
    np.testing.assert_equal(a.micro.f1, b.micro.f1)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(2, 6), st.integers(0, 1000))
def test_top1_is_the_accuracy_of_the_highest_score(n, k, seed):
    rng = np.random.default_rng(seed)
    truth, S = rng.integers(k, size=n), rng.random((n, k))
    assert top1(np.eye(k)[truth], S) == pytest.approx(oracle.accuracy_score(truth, S.argmax(1)), **EXACT)


def test_top1_shares_ties_and_passes_over_rows_without_a_single_label():
    Y = [[1, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert top1(Y, np.zeros((4, 3))) == pytest.approx(1 / 3)
    assert math.isnan(top1(Y[2:], np.zeros((2, 3))))


def test_a_class_may_have_its_own_threshold_and_equality_is_a_yes():
    Y, S = [[1, 1], [0, 0]], [[0.3, 0.8], [0.2, 0.7]]
    made = precision_recall_f1(Y, S, [0.3, 0.9])
    assert made.f1.tolist() == [1.0, 0.0]
    with pytest.raises(UsageError, match="3 thresholds for 2 classes"):
        precision_recall_f1(Y, S, [0.1, 0.2, 0.3])


def test_rows_without_a_label_score_one_as_in_scikit_learn():
    assert lrap([[0, 0], [1, 1]], [[0.1, 0.2], [0.3, 0.1]]) == 1.0


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="one shape"):
        lrap([[1, 0]], [[0.1, 0.2, 0.3]])
    with pytest.raises(UsageError, match="finite"):
        roc_auc([[1, 0]], [[0.1, math.nan]])


def test_nothing_known_is_not_a_number():
    Y, S, known = [[1, 0]], [[0.1, 0.2]], [[0, 0]]
    assert math.isnan(lrap(Y, S, known))
    assert math.isnan(roc_auc(Y, S, known)[1])
    assert math.isnan(average_precision(Y, S, known)[1])


# --- records ---


def item(number: int, labels: str, scores: dict[str, float], model: str = "net@1", **more) -> Record:
    complete = more.pop("labels_complete", True)
    return Record(
        f"r{number}",
        f"{number}.wav",
        0.0,
        1.0,
        8000,
        8000,
        labels=[Label(name) for name in labels],
        labels_complete=complete,
        predictions=[Prediction(model, name, score, **more) for name, score in scores.items()],
    )


ITEMS = [
    item(0, "a", {"a": 0.9, "b": 0.2, "c": 0.4}),
    item(1, "ab", {"a": 0.6, "b": 0.7, "c": 0.1}),
    item(2, "c", {"a": 0.7, "b": 0.1, "c": 0.3}),
    item(3, "b", {"a": 0.2, "b": 0.5, "c": 0.6}),
]


def test_records_are_scored_as_their_matrices_are():
    Y = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]])
    S = np.array([[p.score for p in r.predictions] for r in ITEMS])
    scores = evaluate(iter(ITEMS))
    assert (scores.model, scores.num_items, scores.known) == ("net@1", 4, 1.0)
    assert scores.lrap == lrap(Y, S)
    assert scores.decisions.micro.f1 == pytest.approx(oracle.f1_score(Y, S >= 0.5, average="micro"))
    assert scores.decisions.macro.f1 == pytest.approx(oracle.f1_score(Y, S >= 0.5, average="macro"))
    assert scores.all_ones.micro.f1 == pytest.approx(oracle.f1_score(Y, np.ones_like(Y), average="micro"))
    assert scores.all_ones.macro.f1 == pytest.approx(oracle.f1_score(Y, np.ones_like(Y), average="macro"))
    assert [row.label for row in scores.classes] == ["a", "b", "c"]
    assert [row.support for row in scores.classes] == [2, 2, 1]
    assert scores.top1 == pytest.approx(1 / 3)


def test_thresholds_may_come_by_class():
    scores = evaluate(ITEMS, threshold={"a": 0.6, "b": 0.5, "c": 0.3})
    assert [row.threshold for row in scores.classes] == [0.6, 0.5, 0.3]
    assert scores.classes[2].recall == 1.0
    with pytest.raises(UsageError, match="no threshold for c"):
        evaluate(ITEMS, threshold={"a": 0.6, "b": 0.5})


def test_a_subset_of_classes_can_be_scored():
    assert [row.label for row in evaluate(ITEMS, classes=["b", "a"]).classes] == ["b", "a"]
    with pytest.raises(UsageError, match="does not predict z; it predicts a, b, c"):
        evaluate(ITEMS, classes=["a", "z"])


def test_several_models_must_be_chosen_from():
    two = [item(i, "a", {"a": 0.1 * i, "b": 0.5}, model) for i in range(4) for model in ("x", "y")]
    with pytest.raises(UsageError, match="2 models: x, y"):
        evaluate(two)
    with pytest.raises(UsageError, match="no predictions of model 'z'; there are those of x, y"):
        evaluate(two, model="z")
    with pytest.warns(ImtoolsWarning, match="4 without predictions"):
        assert evaluate(two, model="y").model == "y"


def test_what_is_left_out_is_counted():
    windows = item(4, "a", {"a": 0.9, "b": 0.1, "c": 0.1}, start=0.0, duration=1.0)
    unlabelled = item(5, "", {"a": 0.9, "b": 0.1, "c": 0.1}, labels_complete=False)
    for unlisted in ("absent", "unknown"):
        with pytest.warns(
            ImtoolsWarning, match="2 of 6 items are left out: 1 without predictions, 1 without"
        ):
            scores = evaluate([*ITEMS, windows, unlabelled], unlisted=unlisted)
        assert (scores.num_items, scores.num_unpredicted, scores.num_unlabelled) == (4, 1, 1)
    silent = item(6, "", {"a": 0.9, "b": 0.1, "c": 0.1})
    assert evaluate([*ITEMS, silent]).num_items == 5


def test_unlisted_labels_are_left_out_or_taken_as_absent():
    partial = [r.replace(labels_complete=False) for r in ITEMS]
    with pytest.warns(ImtoolsWarning, match="no class is known to be absent"):
        scores = evaluate(partial)
    assert scores.known == pytest.approx(5 / 12)
    assert math.isnan(scores.auc)
    assert evaluate(partial, unlisted="absent") == evaluate(ITEMS)


def test_doubtful_predictions_are_warned_of():
    same = [item(i, "ab"[i % 2], {"a": 0.9, "b": 0.1}) for i in range(4)]
    with pytest.warns(ImtoolsWarning, match=r"net@1 predicts the same for every item"):
        evaluate(same)
    with pytest.warns(ImtoolsWarning, match="does not predict are left out: z"):
        evaluate([*ITEMS, item(7, "az", {"a": 0.9, "b": 0.1, "c": 0.1})])
    with pytest.warns(ImtoolsWarning, match="1 items lack a prediction"):
        evaluate([*ITEMS, item(7, "a", {"a": 0.9})])


def test_nothing_to_score_is_an_error():
    with pytest.raises(UsageError, match="predictions for the whole item"):
        evaluate([])
    with pytest.raises(UsageError, match="both labels and predictions"):
        evaluate([item(0, "", {"a": 0.9}, labels_complete=False)])


def test_scores_become_json_without_nan():
    with pytest.warns(ImtoolsWarning, match="no class is known"):
        scores = evaluate([item(0, "a", {"a": 0.9}), item(1, "a", {"a": 0.8})])
    text = json.dumps(scores.to_json(), allow_nan=False)
    assert json.loads(text)["classes"][0]["auc"] is None
    rows = evaluate(ITEMS).to_rows()
    assert [row["label"] for row in rows] == [None, "a", "b", "c"]
    assert {row["schema"] for row in rows} == {"imtools/scores/1"}
    assert {row["model"] for row in rows} == {"net@1"}
    assert rows[0]["decisions"]["macro"]["f1"] == evaluate(ITEMS).decisions.macro.f1


@pytest.mark.parametrize("threshold", [0.25, {"a": 0.25, "b": 0.5, "c" * 60: 0.75}])
def test_the_table_is_narrow_and_names_what_it_shows(threshold):
    long = [
        item(i, "", {"a": i / 9, "b": 0.3, "c" * 60: 0.7}, "m" * 200).replace(
            labels=[Label("a"), Label("c" * 60)]
        )
        for i in range(3)
    ]
    text = format_table(evaluate(long, threshold=threshold))
    assert max(map(len, text.splitlines())) <= 100
    assert "macro (mean of F1s)" in text
    assert "F1 of all-ones" in text
    assert ("threshold 0.25" in text) == (threshold == 0.25)
    assert "nan" not in text


def test_metrics_raise_no_warnings_of_their_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for score in (lrap, roc_auc, average_precision, top1, precision_recall_f1):
            score(np.zeros((3, 2)), np.zeros((3, 2)))
            score(np.zeros((0, 2)), np.zeros((0, 2)))
