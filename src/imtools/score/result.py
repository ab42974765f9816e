"""The result of a scoring: plain numbers, from which tables, files and pictures are decisions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from ..errors import ManifestError
from ..manifest.values import Json, WrongKeyError, mapping, string
from .parts import (
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
    Spread,
    only,
)
from .schema import parse, parse_fields

__all__ = [
    "CLASS_FIGURES",
    "SCORES_SCHEMA",
    "ClassAtLevel",
    "ClassScores",
    "Comparison",
    "Confusion",
    "Difference",
    "Folds",
    "Interval",
    "Intervals",
    "LevelScores",
    "OracleScores",
    "Overall",
    "ScoreReport",
    "Spread",
]

SCORES_SCHEMA = "imtools/scores/1"
"""Schema of the JSON objects that hold scores."""

SCORES_HINT = "make it by im-score with `fmt=jsonl`"


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """How well a model does; NaN where a number is not defined.

    Attributes
    ----------
    model : str
        Name of the model.
    num_items, num_groups : int
        Number of items scored, and of the recordings that they come from.
    num_unpredicted, num_unlabelled : int
        Items left out because they have no prediction for the whole item, or no known label.
    known : float
        The part of the label matrix that is known, 0 to 1.
    degenerate : bool
        Whether the model gives every item the same scores: then no figure means anything.
    lrap, auc, mean_ap, top1 : float
        Threshold-free scores, 0 to 1.
    decisions : Overall
        Scores of the decisions at the thresholds.
    iou, emr : float
        Intersection over union of decisions and labels, mean over the items, and the part of the items whose
        decisions are all right (Chen et al. 2024, equations 3 and 4).
    all_ones : Overall
        The floor: the scores of deciding that every class is present.
    oracle : OracleScores
        The ceiling of thresholds.
    classes : list of ClassScores
        One for each class.
    levels : list of LevelScores
        One for each level of polyphony that occurs.
    confusion : Confusion or None
        If there are items with one class.
    intervals, baseline, folds
        As far as requested and possible.
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
        """Return the overall figures by the names that intervals and differences use."""
        decisions = self.decisions
        return {
            "lrap": self.lrap,
            "auc": self.auc,
            "mean_ap": self.mean_ap,
            "top1": self.top1,
            "precision_micro": decisions.micro.precision,
            "recall_micro": decisions.micro.recall,
            "f1_micro": decisions.micro.f1,
            "precision_macro": decisions.macro.precision,
            "recall_macro": decisions.macro.recall,
            "f1_macro": decisions.macro.f1,
            "macro_f1_of_means": decisions.macro_f1_of_means,
            "accuracy": decisions.accuracy,
            "iou": self.iou,
            "emr": self.emr,
        }

    def to_json(self) -> dict[str, Json]:
        """Return one JSON object with everything; undefined numbers are ``None``."""
        whole = {"schema": SCORES_SCHEMA, **asdict(self)}
        for name in ("intervals", "baseline"):
            if whole[name] is not None:
                whole[name] |= whole[name].pop("overall")
        cleaned: dict[str, Json] = _without_nan(whole)
        return cleaned

    @classmethod
    def from_json(cls, value: Json, where: str) -> ScoreReport:
        """Return the report that a JSON object stands for.

        Parameters
        ----------
        value : Json
            What `to_json` gives. Only ``schema`` and ``model`` must be there; absent figures are NaN.
        where : str
            The place of the object, to name in errors: ``"scores.jsonl:1"`` for instance.

        Raises
        ------
        ManifestError
            If it is no object of this schema, or a key has a wrong value.
        """
        with _naming(where):
            return cls(**parse_fields(cls, _scores_object(value, where), ""))

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

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, Json]]) -> list[ScoreReport]:
        """Return the reports in the lines of a file.

        Parameters
        ----------
        rows : iterable of (str, Json)
            The place of each line, to name in errors, and its JSON object: what `to_rows` gives of one report
            or of several, one after another.

        Returns
        -------
        list of ScoreReport
            In the order of the lines.

        Raises
        ------
        ManifestError
            If a line is no object of this schema, a key has a wrong value, or the line of a class does not
            follow that of its model.
        """
        reports: list[ScoreReport] = []
        for where, value in rows:
            with _naming(where):
                data = _scores_object(value, where)
                model = string(data.get("model"), "model")
                if data.get("label") is None:
                    reports.append(cls.from_json(data, where))
                elif not reports or reports[-1].model != model:
                    what = f"{where}: is a class of {model!r} without the line before it"
                    raise ManifestError(what, SCORES_HINT)
                else:
                    reports[-1] = reports[-1]._with_class(data)
        return reports

    def _with_class(self, row: dict[str, Json]) -> ScoreReport:
        """Return the report with the class of another line."""
        scores = ClassScores.from_json(row, "")
        intervals, baseline = self.intervals, self.baseline
        if row.get("intervals") is not None:
            drawn = intervals or Intervals(math.nan, 0, 0, {}, {})
            known = only(mapping(row["intervals"], "intervals"), CLASS_FIGURES)
            found = {scores.label: parse(dict[str, Interval], known, "intervals")}
            intervals = replace(drawn, classes=drawn.classes | found)
        if baseline is not None and row.get("baseline") is not None:
            known = only(mapping(row["baseline"], "baseline"), CLASS_FIGURES)
            differences = {scores.label: parse(dict[str, Difference], known, "baseline")}
            baseline = replace(baseline, classes=baseline.classes | differences)
        return replace(self, classes=[*self.classes, scores], intervals=intervals, baseline=baseline)


def _scores_object(value: Json, where: str) -> dict[str, Json]:
    data = mapping(value, "schema")
    if data.get("schema", SCORES_SCHEMA if "label" in data else None) != SCORES_SCHEMA:
        raise ManifestError(f"{where}: is no score of schema {SCORES_SCHEMA!r}", SCORES_HINT)
    return data


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Turn the fault of a key into an error that names the place."""
    try:
        yield
    except WrongKeyError as error:
        raise ManifestError(f"{where}: {error}", SCORES_HINT) from None


def _without_nan(value: Json) -> Json:
    """Replace NaN, which JSON has not, by ``None``."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
