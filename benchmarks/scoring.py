"""Scoring: the bootstrap and the threshold grid against repeating rows and calling scikit-learn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn

from benchmarks.report import Row, milliseconds
from imtools.score.bootstrap import bootstrap
from imtools.score.grid import GRID, count_on_grid

CLASSES, REPLICATES = 11, 1000
NAIVE_REPLICATES, NAIVE_THRESHOLDS = 2, 5


@dataclass
class Case:
    """Random labels and scores that have something to do with them."""

    Y: NDArray[np.bool_]
    S: NDArray[np.float64]
    groups: NDArray[np.int64]

    @classmethod
    def make(cls, items: int, groups: int) -> Case:
        """Return a case with items of about as many groups."""
        rng = np.random.default_rng(0)
        Y = rng.random((items, CLASSES)) < 0.16
        S = np.round(0.7 * rng.random(Y.shape) + 0.3 * Y * rng.random(Y.shape), 6)
        return cls(Y, S, rng.integers(groups, size=items))

    def ours(self) -> object:
        """Resample as the package does."""
        return bootstrap(self.Y, self.S, self.S >= 0.5, None, self.groups, replicates=REPLICATES)

    def naive(self) -> object:
        """Resample a few times in the plain way."""
        order = np.argsort(self.groups, kind="stable")
        rows_of = np.split(order, np.flatnonzero(np.diff(self.groups[order])) + 1)
        rng = np.random.default_rng(0)
        return [
            _metrics(self.Y[rows], self.S[rows])
            for rows in (
                np.concatenate([rows_of[g] for g in rng.integers(len(rows_of), size=len(rows_of))])
                for _ in range(NAIVE_REPLICATES)
            )
        ]

    def on_grid(self) -> object:
        """Score all thresholds as the package does."""
        return count_on_grid(self.Y, self.S).f1()

    def naive_on_grid(self) -> object:
        """Score a few thresholds in the plain way."""
        some = GRID[:: len(GRID) // NAIVE_THRESHOLDS][:NAIVE_THRESHOLDS]
        return [
            sklearn.f1_score(self.Y, np.greater_equal(self.S, t), average=None, zero_division=0) for t in some
        ]


def _metrics(Y: NDArray[np.bool_], S: NDArray[np.float64]) -> list[object]:
    """Return what the bootstrap gives of each replicate, by scikit-learn; without top-1."""
    said = S >= 0.5
    averages = ("micro", "macro", None)
    return [
        sklearn.label_ranking_average_precision_score(Y, S),
        sklearn.roc_auc_score(Y, S, average=None),
        sklearn.average_precision_score(Y, S, average=None),
        *(sklearn.precision_recall_fscore_support(Y, said, average=a, zero_division=0) for a in averages),
        sklearn.jaccard_score(Y, said, average="samples", zero_division=1),
        sklearn.accuracy_score(Y, said),
        [sklearn.accuracy_score(y, z) for y, z in zip(Y.T, said.T, strict=True)],
    ]


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def run() -> list[Row]:
    rows = []
    for items, groups in ((2874, 208), (100_000, 33_000)):
        case = Case.make(items, groups)
        name = f"bootstrap: {items} items, {groups} groups, {REPLICATES} replicates"
        naive = _seconds(case.naive) * REPLICATES / NAIVE_REPLICATES
        rows.append(Row(name, min(_seconds(case.ours) for _ in range(2)), naive, "s"))
        naive = 1000 * _seconds(case.naive_on_grid) * len(GRID) / NAIVE_THRESHOLDS
        name = f"F1 at {len(GRID)} thresholds: {items} items"
        rows.append(Row(name, milliseconds(case.on_grid), naive))
    return rows
