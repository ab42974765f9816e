from __future__ import annotations

import importlib
import os
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from imtools.errors import UsageError
from imtools.score.bootstrap import bootstrap, interval
from imtools.score.metrics import (
    average_precision,
    decision_scores,
    exact_match,
    intersection_over_union,
    lrap,
    roc_auc,
    top1,
    weighted,
)

module = importlib.import_module("imtools.score.bootstrap")  # beside a function of this name


@st.composite
def problems(draw):
    """Labels, scores (with ties or without), decisions, a mask and groups."""
    shape = draw(st.tuples(st.integers(2, 14), st.integers(1, 4)))
    y_true, y_pred = draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))
    values = draw(st.sampled_from([st.sampled_from([0.0, 0.25, 0.5]), st.floats(-5, 5)]))
    y_score = draw(hnp.arrays(np.float64, shape, elements=values))
    known = draw(hnp.arrays(np.bool_, shape)) if draw(st.booleans()) else np.ones(shape, dtype=bool)
    groups = draw(hnp.arrays(np.int64, shape[0], elements=st.integers(0, 5)))
    groups[:2] = 0, 1
    return y_true, y_score, y_pred, known, groups


def defined_mean(values):
    values = values[~np.isnan(values)]
    return values.mean() if len(values) else np.nan


def of_rows(y_true, y_score, y_pred, known):
    """What the metrics make of rows as they are."""
    made = decision_scores(y_true, y_pred, known)
    auc, ap = roc_auc(y_true, y_score, known), average_precision(y_true, y_score, known)
    return {
        "lrap": lrap(y_true, y_score, known),
        "auc": auc[1],
        "mean_ap": ap[1],
        "top1": top1(y_true, y_score, known),
        **{f"{name}_micro": getattr(made.micro, name) for name in ("precision", "recall", "f1")},
        **{f"{name}_macro": getattr(made.macro, name) for name in ("precision", "recall", "f1")},
        "macro_f1_of_means": made.macro_f1_of_means,
        "accuracy": made.accuracy,
        "iou": defined_mean(intersection_over_union(y_true, y_pred, known)),
        "emr": defined_mean(exact_match(y_true, y_pred, known)),
        "class_precision": made.precision,
        "class_recall": made.recall,
        "class_f1": made.f1,
        "class_auc": auc[0],
        "class_ap": ap[0],
        "class_accuracy": made.class_accuracy,
    }


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(0, 99))
def test_replicates_are_the_metrics_of_repeated_rows(problem, seed):
    y_true, y_score, y_pred, known, groups = problem
    made = bootstrap(y_true, y_score, y_pred, known, groups, replicates=4, seed=seed)
    unique, number = np.unique(groups, return_inverse=True)
    for replicate in range(4):
        weights = module._drawn(len(unique), seed, replicate)
        assert weights.sum() == len(unique)
        rows = np.repeat(np.arange(len(y_true)), weights[number])
        wanted = of_rows(y_true[rows], y_score[rows], y_pred[rows], known[rows])
        assert wanted.keys() == made.keys()
        for name, value in wanted.items():
            np.testing.assert_allclose(made[name][replicate], value, rtol=1e-12, atol=1e-15, err_msg=name)


def larger(num_items=60, classes=3, groups=20, seed=0):
    rng = np.random.default_rng(seed)
    y_true = rng.random((num_items, classes)) < 0.4
    y_score = np.round(np.clip(rng.normal(0.3 + 0.3 * y_true, 0.2), 0, 1), 2)
    return (
        y_true,
        y_score,
        y_score >= 0.5,
        rng.random(y_true.shape) < 0.9,
        rng.integers(groups, size=num_items),
    )


def test_neither_rounds_nor_threads_change_a_digit(monkeypatch):
    data = larger()
    whole = bootstrap(*data, replicates=30, seed=3)
    monkeypatch.setattr(module, "_WEIGHTS_PER_CHUNK", 60)
    monkeypatch.setattr(weighted, "_WEIGHTS_PER_CHUNK", 150)
    for processors in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda count=processors: count)
        parts = bootstrap(*data, replicates=30, seed=3)
        for name, values in whole.items():
            np.testing.assert_array_equal(parts[name], values, err_msg=name)
    first = bootstrap(*data, replicates=10, seed=3)
    np.testing.assert_array_equal(first["class_auc"], whole["class_auc"][:10])


def test_the_draws_depend_on_the_groups_and_the_seed_alone():
    y_true, y_score, y_pred, known, groups = larger()
    better = np.where(y_true, y_score + 1, y_score)
    a = bootstrap(y_true, y_score, y_pred, known, groups, replicates=50)
    b = bootstrap(y_true, better, better >= 1, known, groups, replicates=50)
    again = bootstrap(y_true, y_score, y_pred, known, [f"track-{g:03d}" for g in groups], replicates=50)
    other = bootstrap(y_true, y_score, y_pred, known, groups, replicates=50, seed=1)
    np.testing.assert_array_equal(a["lrap"], again["lrap"])
    assert (a["lrap"] != other["lrap"]).any()
    # Perfect scores leave nothing to chance: the paired difference is what is missing to 1.
    assert (b["f1_micro"] == 1).all()
    assert (b["lrap"] - a["lrap"] >= 0).all()
    same = bootstrap(y_true, y_score, y_pred, known, groups, replicates=50)
    assert all((same[name] == a[name])[~np.isnan(a[name])].all() for name in a)


def test_whole_groups_are_drawn():
    # One group is all right, one all wrong: a replicate is 0, 1/2 or 1, one in two of them 1/2.
    y_true = np.ones((20, 1), dtype=bool)
    y_pred = (np.arange(20) < 10)[:, None]
    made = bootstrap(y_true, y_pred.astype(float), y_pred, None, np.arange(20) // 10, replicates=2000)
    values, counts = np.unique(made["accuracy"], return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    assert counts / 2000 == pytest.approx([0.25, 0.5, 0.25], abs=0.05)
    assert np.isnan(made["class_auc"]).all()  # nothing is absent


def test_the_spread_is_that_of_the_mean():
    rng = np.random.default_rng(0)
    y_pred = rng.random((400, 1)) < 0.3
    made = bootstrap(np.ones((400, 1)), y_pred.astype(float), y_pred, None, np.arange(400), replicates=2000)
    assert made["accuracy"].mean() == pytest.approx(y_pred.mean(), abs=0.003)
    assert made["accuracy"].std() == pytest.approx(y_pred.std() / 20, rel=0.06)


def test_unknown_entries_change_nothing_and_columns_may_be_swapped():
    y_true, y_score, y_pred, known, groups = larger(seed=5)
    junk = np.where(known, y_score, np.nan)
    a = bootstrap(y_true, y_score, y_pred, known, groups, replicates=20)
    b = bootstrap(y_true ^ ~known, junk, y_pred ^ ~known, known, groups, replicates=20)
    order = [2, 0, 1]
    c = bootstrap(*(x[:, order] for x in (y_true, y_score, y_pred, known)), groups, replicates=20)
    for name, values in a.items():
        np.testing.assert_array_equal(b[name], values, err_msg=name)
        turned = values[:, order] if values.ndim == 2 else values
        np.testing.assert_allclose(c[name], turned, rtol=1e-12, err_msg=name)


def test_what_cannot_be_drawn_is_refused():
    y_true, y_score, y_pred, known, groups = larger()
    with pytest.raises(UsageError, match=r"1 groups to draw from.*no intervals from one recording"):
        bootstrap(y_true, y_score, y_pred, known, np.zeros(len(y_true)))
    with pytest.raises(UsageError, match="0 groups"):
        bootstrap(*(np.zeros((0, 2)) for _ in range(4)), np.zeros(0))
    with pytest.raises(UsageError, match="0 replicates"):
        bootstrap(y_true, y_score, y_pred, known, groups, replicates=0)
    with pytest.raises(UsageError, match="59 groups for 60 items"):
        bootstrap(y_true, y_score, y_pred, known, groups[:-1])
    with pytest.raises(UsageError, match="finite"):
        bootstrap(y_true, y_score + np.inf, y_pred, None, groups)


def test_an_interval_holds_the_middle_and_passes_over_what_is_undefined():
    assert [float(x) for x in interval(np.arange(101.0))] == pytest.approx([2.5, 97.5])
    samples = np.stack([np.arange(101.0), np.full(101, np.nan)], axis=1)
    samples[5, 0] = np.nan
    low, high = interval(samples, 0.8)
    assert low.shape == high.shape == (2,)
    assert [low[0], high[0]] == pytest.approx(np.nanquantile(samples[:, 0], [0.1, 0.9]))
    assert np.isnan(low[1])
    assert np.isnan(high[1])
    for confidence in (0, 1, 95, np.nan):
        with pytest.raises(UsageError, match="between 0 and 1"):
            interval(samples, confidence)


def test_no_warnings_of_its_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing = np.zeros((3, 2))
        made = bootstrap(nothing, nothing, nothing, nothing, np.arange(3), replicates=3)
    assert np.isnan(made["lrap"]).all()
    assert made["f1_micro"].tolist() == [0, 0, 0]
