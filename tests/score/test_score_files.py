"""Scores as JSON: what is written is read again, and faults are named."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imtools.errors import ManifestError
from imtools.score.metrics import Ratios
from imtools.score.names import FIGURES
from imtools.score.reading import read_scores
from imtools.score.result import (
    CLASS_FIGURES,
    ClassAtLevel,
    ClassScores,
    Comparison,
    Confusion,
    Difference,
    Folds,
    Interval,
    Intervals,
    LevelScores,
    OracleScores,
    Overall,
    ScoreReport,
    Spread,
)

nan = st.just(math.nan)
numbers = st.one_of(nan, st.floats(allow_nan=False, allow_infinity=False))
ratios = st.one_of(nan, st.floats(0, 1))
counts = st.integers(0, 10**12)
names = st.text(max_size=8)
overall = st.builds(
    Overall, *[st.builds(Ratios, numbers, numbers, numbers)] * 2, numbers, numbers
)  # fmt: skip
differences = st.builds(Difference, numbers, numbers, numbers, numbers)
intervals = st.builds(Interval, numbers, numbers)


def figures(values: st.SearchStrategy, known=tuple(FIGURES)) -> st.SearchStrategy:
    return st.dictionaries(st.sampled_from(known), values, max_size=4)


@st.composite
def confusions(draw) -> Confusion:
    classes = draw(st.lists(names, max_size=3))
    rows = st.lists(st.floats(0, 1e9), min_size=len(classes), max_size=len(classes))
    return Confusion(classes, [draw(rows) for _ in classes])


@st.composite
def reports(draw) -> ScoreReport:
    labels = draw(st.lists(names, max_size=3, unique=True))
    classes = [
        ClassScores(
            label, draw(counts), *draw(st.tuples(*[numbers] * 7)), *draw(st.tuples(*[counts] * 4)),
            draw(st.booleans()), draw(numbers), draw(numbers),
        )
        for label in labels
    ]  # fmt: skip
    at_level = st.builds(ClassAtLevel, ratios, ratios, counts, counts, counts, counts)
    level = st.builds(
        LevelScores, counts, counts, numbers, numbers, numbers, ratios, ratios,
        st.dictionaries(names, at_level, max_size=2),
    )  # fmt: skip

    def by_class(values: st.SearchStrategy) -> st.SearchStrategy:
        if not labels:
            return st.just({})
        return st.dictionaries(st.sampled_from(labels), figures(values, CLASS_FIGURES), max_size=3)

    return ScoreReport(
        draw(names), *draw(st.tuples(*[counts] * 4)), draw(numbers), draw(st.booleans()),
        *draw(st.tuples(*[numbers] * 4)), draw(overall), draw(numbers), draw(numbers), draw(overall),
        OracleScores(*draw(st.tuples(*[numbers] * 4))), classes, draw(st.lists(level, max_size=2)),
        draw(st.none() | confusions()),
        draw(st.none() | st.builds(
            Intervals, numbers, counts, counts, figures(intervals), by_class(intervals))),
        draw(st.none() | st.builds(Comparison, names, counts, figures(differences), by_class(differences))),
        draw(st.none() | st.builds(
            Folds, st.sampled_from(["items", "members"]), st.lists(counts, max_size=3),
            figures(st.builds(Spread, numbers, numbers)), figures(st.lists(numbers, max_size=3)))),
    )  # fmt: skip


@given(reports())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_read_again(report: ScoreReport) -> None:
    assert repr(ScoreReport.from_json(report.to_json(), "here")) == repr(report)  # NaN is not equal to NaN
    lines = [json.loads(json.dumps(row, allow_nan=False)) for row in report.to_rows()]
    again = ScoreReport.from_rows(("here", line) for line in lines * 2)
    assert [one.to_json() for one in again] == [report.to_json()] * 2


HEAD = {"schema": "imtools/scores/1", "model": "m", "label": None}
ROW = HEAD | {"label": "cel"}


def test_what_is_absent_is_not_defined() -> None:
    (report,) = ScoreReport.from_rows([("a", HEAD), ("b", ROW), ("c", {"model": "m", "label": "vio"})])
    assert all(math.isnan(figure) for figure in report.figures().values())
    assert report.intervals is report.baseline is report.folds is report.confusion is None
    assert [(row.label, row.support, row.tp, math.isnan(row.f1)) for row in report.classes] == [
        ("cel", 0, 0, True),
        ("vio", 0, 0, True),
    ]
    (one,) = ScoreReport.from_rows([("a", HEAD), ("b", ROW | {"intervals": {"f1": [0, 1], "new": 3}})])
    assert one.intervals is not None
    assert one.intervals.classes == {"cel": {"f1": (0, 1)}}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEAD | {"lrap": "high"}], "s.jsonl:1: key 'lrap' must be a number, not a string"),
        ([HEAD | {"model": 3}], "s.jsonl:1: key 'model' must be a string"),
        ([HEAD | {"num_items": 1.5}], "s.jsonl:1: key 'num_items' must be an integer"),
        ([HEAD | {"decisions": {"micro": []}}], "key 'decisions.micro' must be an object, not an array"),
        ([HEAD | {"levels": [{"num_items": 3}]}], r"key 'levels\[0\].polyphony' must be an integer"),
        ([HEAD | {"levels": [{"polyphony": 1, "classes": {"a": {"tpr": 2}}}]}], "classes.a.tpr' .*at most 1"),
        ([HEAD | {"confusion": {"classes": ["a"]}}], "key 'confusion.counts' must be an array, not null"),
        ([HEAD | {"confusion": {"classes": ["a"], "counts": [[-1]]}}], "at least 0"),
        ([HEAD | {"intervals": {"lrap": [0]}}], "key 'intervals.lrap' must be an array of low and hi"),
        ([HEAD | {"baseline": {}}], "key 'baseline.model' must be a string, not null"),
        ([HEAD, ROW | {"tp": 1}], "s.jsonl:2: key 'fp' must be an integer, not null"),
        ([HEAD, ROW | {"intervals": {"f1": 1}}], "s.jsonl:2: key 'intervals.f1' must be an array"),
        ([HEAD, HEAD | {"model": "n", "label": "cel"}], "s.jsonl:2: is a class of 'n' without the line"),
    ],
)  # fmt: skip
def test_faults_name_file_line_and_key(lines: list[dict], message: str, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ManifestError, match=message):
        read_scores(str(path))
