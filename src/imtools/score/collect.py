"""From records to the matrices that all metrics take: what a model says beside what is known."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..aggregation import Aggregation
from ..arrays import BoolArray, Float64Array, IntArray
from ..errors import ImtoolsWarning, UsageError
from ..grouping import groups_of, united
from ..labels import LabelTable, Unlisted
from ..manifest import Record
from .metrics.matrices import part
from .model_names import member_of, named
from .predicted import made_of_windows, of_whole

UNDECIDED = -1
"""The decision on an entry of which the predictions do not say whether it counts as a yes."""


@dataclass(frozen=True, slots=True)
class LabelledScores:
    """One model's scores for n items and k classes, and what is known of the items.

    Attributes
    ----------
    model : str
        Name of the model.
    classes : list of str
        The columns.
    ids : list of str
        The rows.
    Y, known : ndarray of bool, shape (n, k)
        Which classes are present, and of which that is known at all.
    S : ndarray of float64, shape (n, k)
        The scores.
    decided : ndarray of int8, shape (n, k), or None
        What counts as a yes (1) or a no (0) where the predictions say so themselves, -1 where they do not;
        ``None`` if they do not anywhere.
    groups : ndarray of int64, shape (n,)
        Numbers of the original recordings, from 0: items that share one, even through others, have one.
    folds : ndarray of int64, shape (n,)
        Cross-validation folds; -1 for none.
    num_unpredicted, num_unlabelled : int
        Items left out because they have no prediction for the whole item, or no label that is known.
    """

    model: str
    classes: list[str]
    ids: list[str]
    Y: BoolArray
    known: BoolArray
    S: Float64Array
    decided: NDArray[np.int8] | None
    groups: IntArray
    folds: IntArray
    num_unpredicted: int = 0
    num_unlabelled: int = 0

    @property
    def constant(self) -> BoolArray:
        """Which classes get the same score in every one of several items, shape (k,)."""
        varies: BoolArray = np.ptp(self.S, axis=0) > 0
        return ~varies if len(self.S) > 1 else np.zeros(len(self.classes), dtype=np.bool_)

    def take(self, rows: IntArray) -> LabelledScores:
        """Return some of the items, in the given order."""
        return LabelledScores(
            self.model,
            self.classes,
            [self.ids[row] for row in rows],
            self.Y[rows],
            self.known[rows],
            self.S[rows],
            None if self.decided is None else self.decided[rows],
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


class Collected:
    """The predictions of all models in some records, beside the labels; see `collect`."""

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
        """The items."""
        return self._ids

    @property
    def recordings(self) -> set[str]:
        """What the items are of; see `groups_of`."""
        return {name for names in self._ties for name in names}

    @property
    def models(self) -> list[str]:
        """The models that predict something for a whole item, sorted; of members the model."""
        return sorted({member_of(name)[0] for name in self._tables})

    def members(self, model: str) -> list[str]:
        """Return the names of a model's members, ``"net@1f3a#fold0"`` and so on, sorted by fold."""
        names = [name for name in self._tables if member_of(name)[0] == model and name != model]
        return sorted(names, key=lambda name: member_of(name)[1] or 0)

    def classes(self, name: str) -> list[str]:
        """Return the classes that a model predicts, or a member, as it is named; sorted."""
        places = set(self._tables[name].columns)
        return sorted(label for label, place in self._columns.items() if place in places)

    def add(self, record: Record) -> None:
        """Take in a record.

        Raises
        ------
        ManifestError
            If a model gives a class two scores, or its windows are of different classes: nothing of the
            record is taken in.
        """
        aggregation = self._aggregation
        made = of_whole(record) if aggregation is None else made_of_windows(record, aggregation)
        row = len(self._ids)
        self._ids.append(record.id)
        self._labels.add(record)
        self._ties.append(tuple(groups_of(record)))  # of strings: nothing for the garbage collector to visit
        self._folds.append(-1 if record.fold is None else record.fold)
        columns, tables = self._columns, self._tables
        for one in made:
            table = tables.get(one.model) or tables.setdefault(one.model, _Table())
            table.add(row, columns.setdefault(one.label, len(columns)), one.score, one.present)

    def of(
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
            Which model's, if there are several: its full name, or the name before ``@``. Of a model of which
            there are only members, the mean of those that know a class.
        classes : sequence of str, optional
            The classes, in this order; all that the model predicts, sorted, if not given.
        unlisted : {"unknown", "absent"}
            What a class is that a record with incomplete labels does not list.
        quiet : bool
            Give no warnings.

        Raises
        ------
        UsageError
            If the model is not there or has to be chosen, it does not predict a wanted class, or no item has
            both labels and predictions.

        Warns
        -----
        ImtoolsWarning
            If items are left out, labels are of classes that the model does not know, predictions are
            missing or not between 0 and 1, nothing is known to be absent, or the predictions are the same
            for every item.
        """

        def warn(message: str) -> None:
            if not quiet:
                warnings.warn(ImtoolsWarning(message), stacklevel=3)

        model = self._chosen(model)
        S, decisions, predicted = self._scores(model)
        labels = [label for label, column in self._columns.items() if not np.isnan(S[:, column]).all()]
        names = _chosen_classes(sorted(labels), classes, model)
        columns = [self._columns[name] for name in names]
        S, decisions = S[:, columns], decisions[:, columns]

        if classes is None and (foreign := sorted(set(self._labels.listed(predicted)) - set(names))):
            warn(f"labels that model {model} does not predict are left out: {', '.join(foreign)}")
        Y, known = self._labels.matrix(names, unlisted)
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
        Y, known, S, decisions = Y[rows], known[rows], S[rows], decisions[rows]
        decided = bool((decisions != UNDECIDED).any())
        if missing := int(np.isnan(S).any(axis=1).sum()):
            warn(f"{missing} items lack a prediction for some class: it counts as 0")
            decisions[np.isnan(S)] = False
            S = np.nan_to_num(S)
        if outside := int(((S < 0) | (S > 1)).sum()):
            warn(f"{outside} scores of model {model} are not between 0 and 1, where thresholds lie")
        if not (known & ~Y).any():
            warn(
                "no class is known to be absent anywhere, so every yes is right: consider unlisted = 'absent'"
            )
        result = LabelledScores(
            model,
            names,
            [self._ids[row] for row in rows],
            Y,
            known,
            S,
            decisions if decided else None,
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
            what = "the whole item" if self._aggregation is None else "windows"
            hint = "run im-predict, with --windows" if self._aggregation else "run im-predict"
            raise UsageError(f"no record has predictions for {what}", hint)
        listing = ", ".join(self.models)
        if model is None and len(self.models) > 1:
            raise UsageError(f"predictions of {len(self.models)} models: {listing}", "choose one of them")
        if model is None or model in self._tables:
            return model or self.models[0]
        return named(model, self.models)

    def _scores(self, model: str) -> tuple[Float64Array, NDArray[np.int8], BoolArray]:
        """Return scores (NaN where there are none) and decisions of all columns, and who has any."""
        if model in self._tables:
            return self._filled(self._tables[model])
        parts = [self._filled(self._tables[name]) for name in self.members(model)]
        told = np.stack([one[0] for one in parts])
        scores = part(np.nansum(told, axis=0), (~np.isnan(told)).sum(axis=0))
        undecided = np.full(scores.shape, UNDECIDED, dtype=np.int8)
        return scores, undecided, np.logical_and.reduce([one[2] for one in parts])

    def _filled(self, table: _Table) -> tuple[Float64Array, NDArray[np.int8], BoolArray]:
        shape = (len(self._ids), len(self._columns))
        rows, columns = np.asarray(table.rows, dtype=np.int64), np.asarray(table.columns, dtype=np.int64)
        scores = np.full(shape, np.nan)
        scores[rows, columns] = table.scores
        decisions = np.full(shape, UNDECIDED, dtype=np.int8)
        decisions[rows, columns] = table.decisions
        predicted = np.zeros(len(self._ids), dtype=np.bool_)
        predicted[rows] = True
        return scores, decisions, predicted


def collect(records: Iterable[Record], *, aggregation: Aggregation | None = None) -> Collected:
    """Take the predictions and labels from records.

    Parameters
    ----------
    records : iterable of Record
        Items with labels and predictions. Each may be forgotten once it has been handed over.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Make the scores of an item from those of its windows, the predictions with ``start``; without it
        only predictions for whole items count, those without ``start`` and ``duration``.

    Raises
    ------
    ManifestError
        If a model gives a class of an item two scores, or the windows of an item are of different classes.
    """
    collected = Collected(aggregation)
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
