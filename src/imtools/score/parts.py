"""The parts of a score report: figures overall, by class, by polyphony and by fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from ..arrays import IntArray
from ..manifest.values import Json, WrongKeyError, mapping
from .metrics import Ratios
from .names import FIGURES
from .schema import Amount, FromJson, Ratio, parse, parse_fields

CLASS_FIGURES = ("precision", "recall", "f1", "auc", "ap", "accuracy")
"""The figures of a class that have intervals and differences."""

_COUNTS = ("tp", "fp", "fn", "tn")


class Interval(NamedTuple):
    """A bootstrap interval; NaN where there is none."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference(FromJson):
    """How much a figure exceeds that of another model, on the items that both have scored.

    Attributes
    ----------
    value : float
        The other model's figure.
    difference : float
        This model's figure less the other's.
    low, high : float
        The interval of the difference, from paired resamples; NaN if there was no bootstrap.
    """

    value: float
    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


class DecisionCounts(FromJson):
    """Base of what holds the confusion matrix of a class against the rest, as four counts.

    Attributes
    ----------
    tp, fp, fn, tn : int
        Items with a known label: true positives, false positives, false negatives, true negatives.
    """

    __slots__ = ()

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def matrix(self) -> IntArray:
        """Label (present, absent) by decision (yes, no), shape (2, 2)."""
        return np.array([[self.tp, self.fn], [self.fp, self.tn]], dtype=np.int64)

    @classmethod
    def from_json(cls, value: Json, key: str) -> Self:
        """Return the object that JSON stands for; of the four counts there are all or none."""
        data = mapping(value, key)
        if any(name in data for name in _COUNTS):
            data = dict.fromkeys(_COUNTS) | data
        return cls(**parse_fields(cls, data, key))


@dataclass(frozen=True, slots=True)
class ClassScores(DecisionCounts):
    """The scores of one class; NaN where they are not defined.

    Attributes
    ----------
    label : str
        The class.
    support : int
        Number of items that are known to have it.
    threshold : float
        The score from which the class counts as present; NaN if the predictions hold decisions.
    precision, recall, f1, auc, ap, accuracy : float
        0 to 1; the recall is the true positive rate, the accuracy that of all decisions about the class.
    tp, fp, fn, tn : int
        The confusion matrix of class against rest, of the items whose label is known.
    constant : bool
        Whether every item gets the same score.
    oracle_threshold, oracle_f1 : float
        The threshold of the grid with the highest F1 on these very items, and that F1.
    """

    label: str
    support: int
    threshold: float
    precision: float
    recall: float
    f1: float
    auc: float
    ap: float
    accuracy: float
    tp: int
    fp: int
    fn: int
    tn: int
    constant: bool
    oracle_threshold: float
    oracle_f1: float


@dataclass(frozen=True, slots=True)
class Overall(FromJson):
    """F1 and its parts over all classes.

    Attributes
    ----------
    micro, macro : Ratios
        From the counts of all classes together; as means over the classes.
    macro_f1_of_means : float
        The harmonic mean of macro precision and macro recall.
    accuracy : float
        The part of all decisions, items x classes, that is right (Lumen 2023, section 3.5).
    """

    micro: Ratios
    macro: Ratios
    macro_f1_of_means: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class OracleScores(FromJson):
    """The best F1 with thresholds chosen on the scored items themselves: no estimate for other items.

    Attributes
    ----------
    threshold, micro_f1 : float
        One threshold for all classes, and the micro F1 at it.
    macro_f1, micro_f1_by_class : float
        Macro (the mean of F1s) and micro F1 where each class has its own threshold.
    """

    threshold: float
    micro_f1: float
    macro_f1: float
    micro_f1_by_class: float


@dataclass(frozen=True, slots=True)
class ClassAtLevel(DecisionCounts):
    """One class at one level of polyphony.

    Attributes
    ----------
    tpr, accuracy : float
        The true positive rate and the part of decisions that is right; NaN where not defined.
    tp, fp, fn, tn : int
        The confusion matrix of class against rest.
    """

    tpr: Ratio
    accuracy: Ratio
    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True, slots=True)
class LevelScores(FromJson):
    """Scores of the items with one number of present classes (Chen et al. 2024, Fig. 6 to 14).

    Attributes
    ----------
    polyphony, num_items : int
        Number of classes present, and of the items with so many.
    lrap, f1_micro, accuracy, iou, emr : float
        As in `ScoreReport`.
    classes : dict of str to ClassAtLevel
        By class.
    """

    required: ClassVar[tuple[str, ...]] = ("polyphony",)

    polyphony: int
    num_items: int
    lrap: float
    f1_micro: float
    accuracy: float
    iou: Ratio
    emr: Ratio
    classes: dict[str, ClassAtLevel]


@dataclass(frozen=True, slots=True)
class Confusion(FromJson):
    """Which class is taken for which, of the items with one class.

    Attributes
    ----------
    classes : list of str
        Rows (the label) and columns (the class with the highest score).
    counts : list of list of float
        Items; of t classes that share the highest score each gets 1/t.
    """

    required: ClassVar[tuple[str, ...]] = ("classes", "counts")

    classes: list[str]
    counts: list[list[Amount]]

    @classmethod
    def from_json(cls, value: Json, key: str) -> Self:
        """Return the matrix that JSON stands for, which must be square."""
        matrix = cls(**parse_fields(cls, mapping(value, key), key))
        size = len(matrix.classes)
        if len(matrix.counts) != size or any(len(row) != size for row in matrix.counts):
            raise WrongKeyError(f"{key}.counts", "is no square of as many rows as there are classes")
        return matrix


@dataclass(frozen=True, slots=True)
class Intervals(FromJson):
    """Bootstrap intervals of figures, from resamples of whole recordings.

    Attributes
    ----------
    confidence : float
        0.95 for intervals that hold the middle 95 % of the resamples.
    replicates, groups : int
        Number of resamples, and of the recordings that they are drawn from.
    overall : dict of str to Interval
        By the names of `ScoreReport.figures`.
    classes : dict of str to dict of str to Interval
        By class, then by the names of `CLASS_FIGURES`.
    """

    confidence: float
    replicates: int
    groups: int
    overall: dict[str, Interval]
    classes: dict[str, dict[str, Interval]]

    @classmethod
    def from_json(cls, value: Json, key: str) -> Self:
        """Return the intervals that JSON stands for; those of the overall figures lie at its top level."""
        return cls(**_parse_block(cls, Interval, value, key))


@dataclass(frozen=True, slots=True)
class Comparison(FromJson):
    """Paired differences from another model.

    Attributes
    ----------
    model : str
        The other model.
    num_items : int
        Number of items that both have scored.
    overall, classes
        As in `Intervals`.
    """

    model: str
    num_items: int
    overall: dict[str, Difference]
    classes: dict[str, dict[str, Difference]]

    @classmethod
    def from_json(cls, value: Json, key: str) -> Self:
        """Return the differences that JSON stands for; those of the overall figures lie at its top level."""
        return cls(**_parse_block(cls, Difference, value, key))


class Spread(NamedTuple):
    """Mean and sample standard deviation over folds; NaN where fewer than two have the figure."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Folds(FromJson):
    """Figures fold by fold.

    Attributes
    ----------
    by : {"items", "members"}
        Whether the folds are of the items, each scored apart, or of the model's members, each scored on all
        items alone (Kratimenos et al. 2020, Table III).
    folds : list of int
        Their numbers.
    overall : dict of str to Spread
        By the names of `ScoreReport.figures`.
    each : dict of str to list of float
        The figures of each fold, in the order of ``folds``.
    """

    by: str
    folds: list[int]
    overall: dict[str, Spread]
    each: dict[str, list[float]]


def only(data: dict[str, Json], names: Iterable[str]) -> dict[str, Json]:
    """Return the entries of an object whose keys are known and whose values are not null.

    Parameters
    ----------
    data : dict
        A JSON object.
    names : iterable of str
        The known keys.
    """
    known = set(names)
    return {name: value for name, value in data.items() if name in known and value is not None}


def _parse_block(cls: type, item: type, value: Json, key: str) -> dict[str, Any]:
    """Return the fields of a block whose overall figures lie beside its other keys."""
    data = mapping(value, key)
    classes = {
        label: only(mapping(figures, f"{key}.classes.{label}"), CLASS_FIGURES)
        for label, figures in mapping(data.get("classes") or {}, f"{key}.classes").items()
    }
    fields = parse_fields(cls, data | {"overall": {}, "classes": classes}, key)
    return fields | {"overall": parse(dict[str, item], only(data, FIGURES), key)}  # type: ignore[valid-type]
