"""From records to the matrices that all metrics take: the scores of a model beside the labels."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arrays import BoolArray, Float64Array, IntArray
from ..choices import Aggregation, Unlisted
from ..errors import ImtoolsWarning, UsageError
from ..grouping import groups_of, united
from ..labels import LabelTable
from ..manifest import Record
from .metrics.matrices import ratio_or_nan
from .model_names import member_of, named
from .predicted import item_predictions

UNDECIDED = -1
"""Stands for the decision on an entry whose prediction does not state whether the class is present."""


@dataclass(frozen=True, slots=True)
class LabelledScores:
    """One model's scores for n items and k classes, and the labels of the items.

    Attributes
    ----------
    model : str
        Name of the model.
    classes : list of str
        The columns.
    ids : list of str
        The rows.
    y_true, known : ndarray of bool, shape (n, k)
        Which classes are present, and which of these labels are known.
    y_score : ndarray of float64, shape (n, k)
        The scores.
    decisions : ndarray of int8, shape (n, k), or None
        1 or 0 where the predictions themselves state whether the class is present, -1 where they do not;
        ``None`` if none does.
    groups : ndarray of int64, shape (n,)
        Numbers of the original recordings, from 0: items that share one, even through others, have one.
    folds : ndarray of int64, shape (n,)
        Cross-validation folds; -1 for none.
    num_unpredicted, num_unlabelled : int
        Items left out because they have no prediction for the whole item, or no known label.
    """

    model: str
    classes: list[str]
    ids: list[str]
    y_true: BoolArray
    known: BoolArray
    y_score: Float64Array
    decisions: NDArray[np.int8] | None
    groups: IntArray
    folds: IntArray
    num_unpredicted: int = 0
    num_unlabelled: int = 0

    @property
    def constant(self) -> BoolArray:
        """Which classes have the same score in every one of several items, shape (k,)."""
        varies: BoolArray = np.ptp(self.y_score, axis=0) > 0
        return ~varies if len(self.y_score) > 1 else np.zeros(len(self.classes), dtype=np.bool_)

    def take(self, rows: IntArray) -> LabelledScores:
        """Return some of the items, in the given order."""
        return LabelledScores(
            self.model,
            self.classes,
            [self.ids[row] for row in rows],
            self.y_true[rows],
            self.known[rows],
            self.y_score[rows],
            None if self.decisions is None else self.decisions[rows],
            self.groups[rows],
            self.folds[rows],
        )


@dataclass(slots=True)
class _Table:
    """One model's predictions: row, column, score and decision (0, 1 or none) of each."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    columns: array[int] = field(default_factory=lambda: array("q"))
    scores: array[float] = field(default_factory=lambda: array("d"))
    decisions: array[int] = field(default_factory=lambda: array("b"))

    def add(self, row: int, column: int, score: float, present: bool | None = None) -> None:
        self.rows.append(row)
        self.columns.append(column)
        self.scores.append(score)
        self.decisions.append(UNDECIDED if present is None else present)


class LabelledPredictions:
    """The predictions of all models in some records, beside the labels; see `collect`.

    Parameters
    ----------
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Make the scores of an item from those of its windows.
    """

    def __init__(self, aggregation: Aggregation | None = None) -> None:
        self._aggregation = aggregation
        self._ids: list[str] = []
        self._labels = LabelTable()
        self._ties: list[tuple[str, ...]] = []
        self._folds: list[int] = []
        self._columns: dict[str, int] = {}
        self._tables: dict[str, _Table] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> list[str]:
        """The ids of the items."""
        return self._ids

    @property
    def recordings(self) -> set[str]:
        """The original recordings of the items; see `groups_of`."""
        return {name for names in self._ties for name in names}

    @property
    def models(self) -> list[str]:
        """The models with predictions for whole items, sorted; members are named by their model."""
        return sorted({member_of(name)[0] for name in self._tables})

    def members(self, model: str) -> list[str]:
        """Return the names of a model's members, ``"net@1f3a#fold0"`` and so on, sorted by fold."""
        names = [name for name in self._tables if member_of(name)[0] == model and name != model]
        return sorted(names, key=lambda name: member_of(name)[1] or 0)

    def classes(self, name: str) -> list[str]:
        """Return the classes that a model, or a member by its full name, predicts; sorted."""
        places = set(self._tables[name].columns)
        return sorted(label for label, place in self._columns.items() if place in places)

    def add(self, record: Record) -> None:
        """Add a record.

        Raises
        ------
        ManifestError
            If a model gives a class two scores, or its windows have different classes: nothing of the
            record is added.
        """
        predictions = item_predictions(record, self._aggregation)
        row = len(self._ids)
        self._ids.append(record.id)
        self._labels.add(record)
        self._ties.append(tuple(groups_of(record)))  # of strings: nothing for the garbage collector to visit
        self._folds.append(-1 if record.fold is None else record.fold)
        columns, tables = self._columns, self._tables
        for one in predictions:
            table = tables.get(one.model) or tables.setdefault(one.model, _Table())
            table.add(row, columns.setdefault(one.label, len(columns)), one.score, one.present)

    def labelled_scores(
        self,
        model: str | None = None,
        *,
        classes: Sequence[str] | None = None,
        unlisted: Unlisted = "unknown",
        quiet: bool = False,
    ) -> LabelledScores:
        """Return one model's scores for the items that have labels.

        Parameters
        ----------
        model : str, optional
            Which model's, if there are several: its full name, or the name before ``@``. For a model with
            predictions of members only, the mean of the members that predict a class.
        classes : sequence of str, optional
            The classes, in this order; all that the model predicts, sorted, if not given.
        unlisted : {"unknown", "absent"}
            What a class is that a record with incomplete labels does not list.
        quiet : bool
            Give no warnings.

        Returns
        -------
        LabelledScores
            The matrices.

        Raises
        ------
        UsageError
            If there are no predictions of the model or it has to be chosen, it does not predict one of the
            classes, or no item has both labels and predictions.

        Warns
        -----
        ImtoolsWarning
            If items are left out, there are labels of classes that the model does not predict, predictions
            are missing or not between 0 and 1, no class is known to be absent, or the predictions are the
            same for every item.
        """

        def warn(message: str) -> None:
            if not quiet:
                warnings.warn(ImtoolsWarning(message), stacklevel=3)

        model = self._chosen(model)
        y_score, decisions, predicted = self._scores(model)
        labels = [label for label, column in self._columns.items() if not np.isnan(y_score[:, column]).all()]
        names = _chosen_classes(sorted(labels), classes, model)
        columns = [self._columns[name] for name in names]
        y_score, decisions = y_score[:, columns], decisions[:, columns]

        if classes is None and (foreign := sorted(set(self._labels.listed(predicted)) - set(names))):
            warn(f"labels that model {model} does not predict are left out: {', '.join(foreign)}")
        y_true, known = self._labels.matrix(names, unlisted)
        labelled = known.any(axis=1) & self._labels.spoken
        rows = np.flatnonzero(predicted & labelled)
        if not len(rows):
            raise UsageError(
                "no item has both labels and predictions to score", "run im-predict on labelled records"
            )
        unpredicted, unlabelled = int((~predicted).sum()), int((predicted & ~labelled).sum())
        if unpredicted or unlabelled:
            reasons = f"{unpredicted} without predictions, {unlabelled} without labels"
            warn(f"{unpredicted + unlabelled} of {len(self)} items are left out: {reasons}")
        y_true, known, y_score, decisions = y_true[rows], known[rows], y_score[rows], decisions[rows]
        has_decisions = bool((decisions != UNDECIDED).any())
        if missing := int(np.isnan(y_score).any(axis=1).sum()):
            warn(f"{missing} items lack a prediction for some class: it counts as 0")
            decisions[np.isnan(y_score)] = False
            y_score = np.nan_to_num(y_score)
        if outside := int(((y_score < 0) | (y_score > 1)).sum()):
            warn(f"{outside} scores of model {model} are not between 0 and 1, where thresholds lie")
        if not (known & ~y_true).any():
            warn(
                "no class is known to be absent anywhere, so every positive prediction is right: "
                "consider `unlisted=absent`"
            )
        result = LabelledScores(
            model,
            names,
            [self._ids[row] for row in rows],
            y_true,
            known,
            y_score,
            decisions if has_decisions else None,
            np.array(united([self._ties[row] for row in rows]), dtype=np.int64),
            np.array(self._folds, dtype=np.int64)[rows],
            unpredicted,
            unlabelled,
        )
        if result.constant.all():
            warn(f"model {model} predicts the same for every item")
        return result

    def _chosen(self, model: str | None) -> str:
        if not self._tables:
            if self._aggregation is None:
                raise UsageError("no record has predictions for the whole item", "run im-predict")
            raise UsageError("no record has predictions for windows", "run im-predict with `windows`")
        listing = ", ".join(self.models)
        if model is None and len(self.models) > 1:
            raise UsageError(f"predictions of {len(self.models)} models: {listing}", "choose one of them")
        if model is None or model in self._tables:
            return model or self.models[0]
        return named(model, self.models)

    def _scores(self, model: str) -> tuple[Float64Array, NDArray[np.int8], BoolArray]:
        """Return scores (NaN where there are none) and decisions of all columns, and which items have any."""
        if model in self._tables:
            return self._matrices(self._tables[model])
        members = [self._matrices(self._tables[name]) for name in self.members(model)]
        stacked = np.stack([scores for scores, _, _ in members])
        scores = ratio_or_nan(np.nansum(stacked, axis=0), (~np.isnan(stacked)).sum(axis=0))
        undecided = np.full(scores.shape, UNDECIDED, dtype=np.int8)
        return scores, undecided, np.logical_and.reduce([predicted for _, _, predicted in members])

    def _matrices(self, table: _Table) -> tuple[Float64Array, NDArray[np.int8], BoolArray]:
        shape = (len(self._ids), len(self._columns))
        rows, columns = np.asarray(table.rows, dtype=np.int64), np.asarray(table.columns, dtype=np.int64)
        scores = np.full(shape, np.nan)
        scores[rows, columns] = table.scores
        decisions = np.full(shape, UNDECIDED, dtype=np.int8)
        decisions[rows, columns] = table.decisions
        predicted = np.zeros(len(self._ids), dtype=np.bool_)
        predicted[rows] = True
        return scores, decisions, predicted


def collect(records: Iterable[Record], *, aggregation: Aggregation | None = None) -> LabelledPredictions:
    """Take the predictions and labels from records.

    Parameters
    ----------
    records : iterable of Record
        Items with labels and predictions. They are read one at a time and not kept.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Make the scores of an item from those of its windows, the predictions with ``start``; without it
        only predictions for whole items count, those without ``start`` and ``duration``.

    Returns
    -------
    LabelledPredictions
        All that scoring needs of them.

    Raises
    ------
    ManifestError
        If a model gives a class of an item two scores, or the windows of an item have different classes.
    """
    collected = LabelledPredictions(aggregation)
    for record in records:
        collected.add(record)
    return collected


def _chosen_classes(predicted: list[str], classes: Sequence[str] | None, model: str) -> list[str]:
    if classes is None:
        return predicted
    if not classes:
        raise UsageError("no class to score", "name at least one")
    if foreign := sorted(set(classes) - set(predicted)):
        raise UsageError(
            f"model {model} does not predict {', '.join(foreign)}", f"it predicts {', '.join(predicted)}"
        )
    return list(classes)
