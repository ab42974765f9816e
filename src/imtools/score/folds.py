"""Scores fold by fold: their mean and their spread."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .collect import LabelledScores
from .judge import Threshold, judge
from .result import Folds, ScoreReport, Spread


def over_folds(data: LabelledScores, threshold: Threshold = None) -> Folds | None:
    """Return the scores of each fold of the items, and their spread.

    Parameters
    ----------
    data : LabelledScores
        The items, with their folds.
    threshold : float, mapping of str to float, or None
        See `Threshold`.

    Returns
    -------
    Folds or None
        ``None`` if there are fewer than two folds, or some item has none.
    """
    numbers = np.unique(data.folds)
    if len(numbers) < 2 or numbers[0] < 0:
        return None
    parts = {int(fold): judge(data.take(np.flatnonzero(data.folds == fold)), threshold) for fold in numbers}
    return _spread("items", parts)


def over_members(members: Mapping[int, LabelledScores], threshold: Threshold = None) -> Folds | None:
    """Return the scores of each member of a model on all items, and their spread.

    Parameters
    ----------
    members : mapping of int to LabelledScores
        The scores of each member, by its fold.
    threshold : float, mapping of str to float, or None
        See `Threshold`.

    Returns
    -------
    Folds or None
        ``None`` if there are fewer than two members.
    """
    if len(members) < 2:
        return None
    return _spread("members", {fold: judge(data, threshold) for fold, data in members.items()})


def _spread(by: str, parts: Mapping[int, ScoreReport]) -> Folds:
    figures = [scores.figures() for scores in parts.values()]
    each = {name: [fold[name] for fold in figures] for name in figures[0]}
    return Folds(by, list(parts), {name: _spread_of(values) for name, values in each.items()}, each)


def _spread_of(values: list[float]) -> Spread:
    defined = np.array([value for value in values if not np.isnan(value)])
    if len(defined) < 2:
        return Spread(float("nan"), float("nan"))
    return Spread(float(defined.mean()), float(defined.std(ddof=1)))
