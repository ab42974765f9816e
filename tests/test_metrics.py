"""imtools.metrics: what library users import, and the examples in the docstrings of scoring."""

from __future__ import annotations

import doctest
import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
from sklearn import metrics as oracle

from imtools import metrics
from imtools.score import metrics as defined

DOCUMENTED = (
    "imtools.metrics",
    "imtools.aggregation",
    "imtools.calibrate.fit",
    "imtools.fuse.plan",
    "imtools.fuse.rules",
    "imtools.score.evaluate",
    "imtools.score.grid",
    "imtools.score.metrics.confusion",
    "imtools.score.metrics.decisions",
    "imtools.score.metrics.items",
    "imtools.score.metrics.polyphony",
    "imtools.score.metrics.ranking",
    "imtools.score.predicted",
    "imtools.thresholds.apply",
    "imtools.thresholds.file",
    "imtools.thresholds.records",
)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_examples_of_the_docstrings_hold(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


FUNCTIONS = [name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))]


def test_what_is_exported_is_all_that_is_defined():
    assert metrics.__all__ == defined.__all__
    assert all(getattr(metrics, name) is getattr(defined, name) for name in metrics.__all__)
    assert len(FUNCTIONS) == 13


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_metric_has_an_example_and_the_order_of_scikit_learn(name):
    function = getattr(metrics, name)
    assert "    Parameters\n" in function.__doc__
    assert "    Examples\n" in function.__doc__
    names = [
        p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    if name == "decide":
        assert names == ["y_score", "thresholds"]
    else:
        assert names[0] == "y_true"
        assert names[1:] in (["y_score", "known"], ["y_pred", "known"], ["y_score", "y_pred", "known"])


def test_names_of_scikit_learn_are_keywords():
    rng = np.random.default_rng(0)
    y_true, y_score = rng.random((50, 4)) < 0.4, rng.random((50, 4))
    y_pred = metrics.decide(y_score=y_score, thresholds=0.3)
    both = {"y_true": y_true, "y_score": y_score}
    assert metrics.lrap(**both) == pytest.approx(oracle.label_ranking_average_precision_score(**both))
    assert metrics.roc_auc(**both)[1] == pytest.approx(oracle.roc_auc_score(**both))
    assert metrics.average_precision(**both)[1] == pytest.approx(oracle.average_precision_score(**both))
    both = {"y_true": y_true, "y_pred": y_pred}
    assert metrics.exact_match(**both).mean() == pytest.approx(oracle.accuracy_score(**both))
    jaccard = oracle.jaccard_score(**both, average="samples", zero_division=1)
    assert metrics.intersection_over_union(**both).mean() == pytest.approx(jaccard)
    assert metrics.decision_scores(**both).micro.f1 == pytest.approx(oracle.f1_score(**both, average="micro"))


def test_neither_torch_nor_librosa_is_imported():
    code = "import sys, imtools.metrics; print({'torch', 'librosa', 'sklearn', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
