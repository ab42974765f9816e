"""Timelines and shapes of predictions, by hand: overlaps, gaps, tails, ties."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imtools.errors import UsageError
from imtools.manifest import Prediction
from imtools.predict.timeline import (
    ActiveSpan,
    active_spans,
    selected_predictions,
    timeline,
    top_predictions,
)


def of_one(scores: list[float], hop: float, window: float, limit: float = 0.5) -> list[tuple[float, ...]]:
    """Start, duration and score of the stretches of one class."""
    starts = [hop * k for k in range(len(scores))]
    found = active_spans([[s] for s in scores], starts, [window] * len(scores), [limit])
    return [(one.start, one.duration, one.score) for one in found]


def test_neighbours_are_joined_and_their_score_is_the_mean() -> None:
    assert of_one([0.9, 0.7, 0.1, 0.6], hop=1, window=1) == [(0, 2, 0.8), (3, 1, 0.6)]


def test_overlapping_windows_are_averaged_on_the_grid_of_hops() -> None:
    # Pieces of half a second: 0.8, (0.8 + 0.4) / 2, (0.4 + 0) / 2, 0.
    assert of_one([0.8, 0.4, 0.0], hop=0.5, window=1) == [(0, 1, 0.7)]


def test_a_window_that_is_no_whole_number_of_hops() -> None:
    # Windows 0 to 1 and 0.7 to 1.7: pieces of 0.7, 0.3 and 0.7 s with 0.9, 0.6 and 0.3.
    found = of_one([0.9, 0.3], hop=0.7, window=1)
    assert found == [(0, 1, round((0.7 * 0.9 + 0.3 * 0.6) / 1, 6))]


def test_a_window_longer_than_the_clip_ends_with_it() -> None:
    assert active_spans([[0.9]], [0.0], [0.4], [0.5]) == [ActiveSpan(0, 0.0, 0.4, 0.9)]


def test_no_window_above_gives_nothing() -> None:
    assert of_one([0.1, 0.2, 0.49], hop=0.5, window=1) == []
    assert active_spans(np.zeros((0, 3)), [], [], [0.5] * 3) == []


def test_a_score_that_equals_the_threshold_counts() -> None:
    assert of_one([0.3, 0.1], hop=1, window=1, limit=0.3) == [(0, 1, 0.3)]
    # 0.1 + 0.2 is not 0.3 in binary, nor is their mean 0.15 for sure.
    assert of_one([0.1, 0.2, 0.0], hop=0.5, window=1, limit=0.15) == [(0.5, 0.5, 0.15)]


def test_the_last_window_reaches_its_own_end_and_no_further() -> None:
    assert of_one([0.0, 0.0, 0.9], hop=0.5, window=1) == [(1.5, 0.5, 0.9)]  # from 1.0 on it is shared


def test_a_gap_between_windows_parts_stretches() -> None:
    assert of_one([0.9, 0.9], hop=2, window=1) == [(0, 1, 0.9), (2, 1, 0.9)]


def test_each_class_has_its_own_threshold_and_order_is_time_then_class() -> None:
    scores = [[0.1, 0.9], [0.9, 0.9]]
    found = active_spans(scores, [0.0, 1.0], [1.0, 1.0], [0.95, 0.5])
    assert found == [ActiveSpan(1, 0.0, 2.0, 0.9)]
    found = active_spans(scores, [0.0, 1.0], [1.0, 1.0], [0.5, 0.5])
    assert [(one.column, one.start) for one in found] == [(1, 0.0), (0, 1.0)]


def test_times_that_differ_by_rounding_are_one() -> None:
    found = active_spans([[0.9], [0.9]], [0.1 + 0.2, 0.6], [0.3, 0.3], [0.5])
    assert found == [ActiveSpan(0, 0.3, 0.6, 0.9)]


@pytest.mark.parametrize("shape", [(2, 1), (1, 2), (2,)])
def test_shapes_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="shapes"):
        active_spans(np.zeros(shape), [0.0], [1.0], [0.5])


@given(st.lists(st.integers(0, 100), min_size=1, max_size=12), st.integers(1, 4), st.integers(1, 6))
def test_stretches_are_where_the_mean_of_the_windows_is_high(
    scores: list[int], hop: int, window: int
) -> None:
    """Against the definition, moment by moment."""
    found = active_spans(
        [[s / 100] for s in scores], [hop * k for k in range(len(scores))], [window] * len(scores), [0.5]
    )
    active = set()
    for moment in range(hop * len(scores) + window):
        here = [s for k, s in enumerate(scores) if hop * k <= moment < hop * k + window]
        if here and np.mean(here) >= 50:
            active.add(moment)
    assert {m for one in found for m in range(int(one.start), int(one.start + one.duration))} == active
    ends = [(one.start, one.start + one.duration) for one in found]
    assert all(first[1] < second[0] for first, second in pairwise(ends))


def said(label: str, score: float, start: float | None = None, duration: float | None = None) -> Prediction:
    return Prediction("net@1", label, score, start, duration)


WINDOWS = [
    said("cel", 0.4), said("flu", 0.6), said("vio", 0.6),
    said("cel", 0.7, 0, 1), said("flu", 0.6, 0, 1), said("vio", 0.2, 0, 1),
    said("cel", 0.1, 1, 1), said("flu", 0.6, 1, 1), said("vio", 1.0, 1, 1),
]  # fmt: skip


def test_a_timeline_takes_the_place_of_windows_model_by_model() -> None:
    other = [Prediction("net@1#fold0", "cel", 0.2), Prediction("net@1#fold0", "cel", 0.8, 0.0, 1.0)]
    made = timeline(WINDOWS + other, {"cel": 0.65, "flu": 0.61, "vio": 0.9})
    assert made[:3] == WINDOWS[:3]
    assert made[3:5] == [
        Prediction("net@1", "cel", 0.7, 0.0, 1.0, True),
        Prediction("net@1", "vio", 1.0, 1.0, 1.0, True),
    ]
    assert made[5:] == [other[0], Prediction("net@1#fold0", "cel", 0.8, 0.0, 1.0, True)]
    assert timeline(WINDOWS[:3], {}) == WINDOWS[:3]


def test_the_surest_of_each_item_and_window() -> None:
    kept = top_predictions(WINDOWS, 1)
    assert [(one.label, one.start) for one in kept] == [("flu", None), ("cel", 0), ("vio", 1)]
    assert top_predictions(WINDOWS, 9) == WINDOWS
    assert selected_predictions(WINDOWS, {}, top=1) == kept
    assert selected_predictions(WINDOWS, {}) is WINDOWS


def test_the_timeline_of_the_surest() -> None:
    made = selected_predictions(WINDOWS, {"flu": 0.5}, spans=True, top=2)
    assert [(one.label, one.start, one.duration) for one in made] == [
        ("flu", None, None), ("vio", None, None), ("flu", 0, 2), ("vio", 1, 1)
    ]  # fmt: skip


# --------------------------------------------------------------------------------------------- the command


def _records(result) -> list[dict]:
    assert result.returncode == 0, result.stderr.decode()
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_command_gives_timelines_of_what_its_windows_say(run, space: Path, tmp_path: Path) -> None:
    shutil.copytree(space / "model", tmp_path / "model")
    model = json.loads((space / "model/model.json").read_text())
    model["thresholds"] = [0.3, 0.9]
    (tmp_path / "model/model.json").write_text(json.dumps(model))
    arguments = ("-m", str(tmp_path / "model"), "--hop", "0.5", "lib/cla/0.wav", "lib/vio/0.wav")
    windows = _records(run("im-predict", "--windows", *arguments, cwd=space))
    lines = _records(run("im-predict", "--timeline", "-o", str(tmp_path / "o"), *arguments, cwd=space))
    limits = dict(zip(model["labels"], model["thresholds"], strict=True))
    for one, other in zip(windows, lines, strict=True):
        told = [Prediction.from_json(p, "p") for p in one["predictions"]]
        assert len(told) > len(limits)
        expected = [p.to_json() for p in timeline(told, limits)]
        timed = [p for p in other["predictions"] if "start" in p]
        assert timed == [p for p in expected if "start" in p]
        assert {p["label"] for p in timed} == {model["labels"][0]}
        assert [p["score"] for p in other["predictions"] if "start" not in p] == [
            p.score for p in told if p.start is None
        ]
    top = _records(run("im-predict", "--top", "1", "--windows", *arguments, cwd=space))
    for one, other in zip(windows, top, strict=True):
        places = {p.get("start") for p in one["predictions"]}
        assert [p.get("start") for p in other["predictions"]] == sorted(
            places, key=lambda start: -1 if start is None else start
        )


def test_windows_and_timeline_exclude_each_other(run, space: Path) -> None:
    result = run("im-predict", "-m", "model", "--windows", "--timeline", "lib/cla/0.wav", cwd=space)
    assert result.returncode == 2
    assert b"--timeline and --windows" in result.stderr
