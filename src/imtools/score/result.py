"""What a scoring says: plain numbers, from which tables, files and pictures are made."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

from ..manifest.values import Json
from .metrics import Ratios

SCORES_SCHEMA = "imtools/scores/1"
"""Schema of the JSON objects that hold scores."""


class Interval(NamedTuple):
    """A bootstrap interval; NaN where there is none."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a figure lies above that of another model, on the items that both have scored.

    Attributes
    ----------
    value : float
        The other model's figure.
    difference : float
        What is added to it.
    low, high : float
        The interval of the difference, of paired resamples; NaN if there was no bootstrap.
    """

    value: float
    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The scores of one class; NaN where they are not defined.

    Attributes
    ----------
    label : str
        The class.
    support : int
        How many items are known to have it.
    threshold : float
        The score from which the model is taken to say yes; NaN if predictions say so themselves.
    precision, recall, f1, auc, ap, accuracy : float
        0 to 1; the recall is the true positive rate, the accuracy that of all decisions about the class.
    tp, fp, fn, tn : int
        The confusion matrix of class against rest, of the items of which it is known.
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
class Overall:
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
class OracleScores:
    """The best that thresholds chosen on the scored items themselves give: no estimate for others.

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
class ClassAtLevel:
    """One class at one level of polyphony.

    Attributes
    ----------
    tpr, accuracy : float
        The true positive rate and the part of decisions that is right; NaN where not defined.
    tp, fp, fn, tn : int
        The confusion matrix of class against rest.
    """

    tpr: float
    accuracy: float
    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True, slots=True)
class LevelScores:
    """Scores of the items with one number of present classes (Chen et al. 2024, Fig. 6 to 14).

    Attributes
    ----------
    polyphony, num_items : int
        How many classes are present; in how many items that is so.
    lrap, f1_micro, accuracy, iou, emr : float
        As in `ScoreReport`.
    classes : dict of str to ClassAtLevel
        By class.
    """

    polyphony: int
    num_items: int
    lrap: float
    f1_micro: float
    accuracy: float
    iou: float
    emr: float
    classes: dict[str, ClassAtLevel]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which class is taken for which, of the items with one.

    Attributes
    ----------
    classes : list of str
        Rows (what is there) and columns (what scores highest).
    counts : list of list of float
        Items; of t classes that share the highest score each gets 1/t.
    """

    classes: list[str]
    counts: list[list[float]]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Bootstrap intervals of figures, from resamples of whole recordings.

    Attributes
    ----------
    confidence : float
        0.95 for intervals that hold the middle 95 % of the resamples.
    replicates, groups : int
        Resamples, and how many recordings there are to draw.
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


@dataclass(frozen=True, slots=True)
class Comparison:
    """Paired differences to another model.

    Attributes
    ----------
    model : str
        The other one.
    num_items : int
        Items that both have scored.
    overall, classes
        As in `Intervals`.
    """

    model: str
    num_items: int
    overall: dict[str, Difference]
    classes: dict[str, dict[str, Difference]]


class Spread(NamedTuple):
    """Mean and sample standard deviation over folds; NaN where fewer than two have the figure."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Folds:
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


CLASS_FIGURES = ("precision", "recall", "f1", "auc", "ap", "accuracy")
"""The figures of a class that get intervals and differences."""


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """How well a model does; NaN where a number is not defined.

    Attributes
    ----------
    model : str
        Name of the model.
    num_items, num_groups : int
        Items scored, and the recordings that they are of.
    num_unpredicted, num_unlabelled : int
        Items left out because they have no prediction for the whole item, or no label that is known.
    known : float
        The part of the label matrix that is known, 0 to 1.
    degenerate : bool
        Whether the model says the same for every item: then no figure means anything.
    lrap, auc, mean_ap, top1 : float
        Threshold-free scores, 0 to 1.
    decisions : Overall
        What the thresholds give.
    iou, emr : float
        Intersection over union of what is said and what is there, mean over the items, and the part of the
        items of which all is right (Chen et al. 2024, equations 3 and 4).
    all_ones : Overall
        The floor: what saying yes to everything gives.
    oracle : OracleScores
        The ceiling of thresholds.
    classes : list of ClassScores
        One for each class.
    levels : list of LevelScores
        One for each level of polyphony that occurs.
    confusion : Confusion or None
        If there are items with one class.
    intervals, baseline, folds
        As far as asked for and possible.
    """

    model: str
    num_items: int
    num_groups: int
    num_unpredicted: int
    num_unlabelled: int
    known: float
    degenerate: bool
    lrap: float
    auc: float
    mean_ap: float
    top1: float
    decisions: Overall
    iou: float
    emr: float
    all_ones: Overall
    oracle: OracleScores
    classes: list[ClassScores]
    levels: list[LevelScores]
    confusion: Confusion | None
    intervals: Intervals | None = None
    baseline: Comparison | None = None
    folds: Folds | None = None

    def figures(self) -> dict[str, float]:
        """Return the overall figures by the names under which intervals and differences have them."""
        made = self.decisions
        return {
            "lrap": self.lrap,
            "auc": self.auc,
            "mean_ap": self.mean_ap,
            "top1": self.top1,
            "precision_micro": made.micro.precision,
            "recall_micro": made.micro.recall,
            "f1_micro": made.micro.f1,
            "precision_macro": made.macro.precision,
            "recall_macro": made.macro.recall,
            "f1_macro": made.macro.f1,
            "macro_f1_of_means": made.macro_f1_of_means,
            "accuracy": made.accuracy,
            "iou": self.iou,
            "emr": self.emr,
        }

    def to_json(self) -> dict[str, Json]:
        """Return one JSON object with everything; undefined numbers are null."""
        whole = {"schema": SCORES_SCHEMA, **asdict(self)}
        for name in ("intervals", "baseline"):
            if whole[name] is not None:
                whole[name] |= whole[name].pop("overall")
        cleaned: dict[str, Json] = _without_nan(whole)
        return cleaned

    def to_rows(self) -> list[dict[str, Json]]:
        """Return JSON objects for lines of a file: one of all classes together and then one for each class.

        The first has ``"label": null``; all name the model. A class's line holds its intervals and
        differences.
        """
        whole = self.to_json()
        classes = whole.pop("classes")
        head = {"schema": whole.pop("schema"), "model": whole.pop("model")}
        parts = {}
        for name in ("intervals", "baseline"):
            parts[name] = (whole[name] or {}).pop("classes", {})
        rows = [{name: part.get(row["label"]) for name, part in parts.items()} | row for row in classes]
        return [head | {"label": None} | whole, *(head | row for row in rows)]


def _without_nan(value: Json) -> Json:
    """Replace NaN, which JSON has not, by ``None``."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
