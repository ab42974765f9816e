"""Scores of a model: from records with labels and predictions to numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ImtoolsWarning, UsageError
from ..labels import Unlisted, classes_of, label_matrix
from ..manifest import Record
from ..manifest.values import Json
from .metrics import Ratios, average_precision, lrap, precision_recall_f1, roc_auc, top1

SCORES_SCHEMA = "imtools/scores/1"
"""Schema of the JSON objects that hold scores."""


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
        The score from which the model is taken to say yes.
    precision, recall, f1, auc, ap : float
        0 to 1.
    """

    label: str
    support: int
    threshold: float
    precision: float
    recall: float
    f1: float
    auc: float
    ap: float


@dataclass(frozen=True, slots=True)
class Overall:
    """F1 and its parts over all classes.

    Attributes
    ----------
    micro, macro : Ratios
        From the counts of all classes together; as means over the classes.
    macro_f1_of_means : float
        The harmonic mean of macro precision and macro recall.
    """

    micro: Ratios
    macro: Ratios
    macro_f1_of_means: float


@dataclass(frozen=True, slots=True)
class Scores:
    """How well a model does; NaN where a number is not defined.

    Attributes
    ----------
    model : str
        Name of the model.
    num_items : int
        Items scored.
    num_unpredicted, num_unlabelled : int
        Items left out because they have no prediction for the whole item, or no label that is known.
    known : float
        The part of the label matrix that is known, 0 to 1.
    lrap, auc, mean_ap, top1 : float
        Threshold-free scores, 0 to 1.
    decisions : Overall
        What the thresholds give.
    all_ones : Overall
        The floor: what saying yes to everything gives.
    classes : list of ClassScores
        One for each class.
    """

    model: str
    num_items: int
    num_unpredicted: int
    num_unlabelled: int
    known: float
    lrap: float
    auc: float
    mean_ap: float
    top1: float
    decisions: Overall
    all_ones: Overall
    classes: list[ClassScores]

    def to_json(self) -> dict[str, Json]:
        """Return one JSON object with everything; undefined numbers are null."""
        return {"schema": SCORES_SCHEMA, **_without_nan(asdict(self))}

    def to_rows(self) -> list[dict[str, Json]]:
        """Return JSON objects for lines of a file: one of all classes together and then one for each class.

        The first has ``"label": null``; all name the model.
        """
        whole = self.to_json()
        classes = whole.pop("classes")
        head = {"schema": whole.pop("schema"), "model": whole.pop("model")}
        return [head | {"label": None} | whole, *(head | row for row in classes)]


def evaluate(
    records: Iterable[Record],
    *,
    threshold: float | Mapping[str, float] = 0.5,
    unlisted: Unlisted = "unknown",
    classes: Sequence[str] | None = None,
    model: str | None = None,
) -> Scores:
    """Score the predictions in some records against their labels.

    Only predictions for whole items count, those without ``start`` and ``duration``.

    Parameters
    ----------
    records : iterable of Record
        Items with labels and predictions.
    threshold : float or mapping of str to float
        One for all classes, or one for each.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list.
    classes : sequence of str, optional
        The classes to score; all that the model predicts if not given.
    model : str, optional
        Which model's predictions to score, if there are several.

    Returns
    -------
    Scores

    Raises
    ------
    UsageError
        If the model is not there or has to be chosen, it does not predict a wanted class, a class has no
        threshold, or no item has both labels and predictions.

    Warns
    -----
    ImtoolsWarning
        If items are left out, labels are of classes that the model does not know, predictions are
        missing, nothing is known to be absent, or the predictions are the same for every item.
    """
    held = [(_labels_only(record), _whole_item_scores(record)) for record in records]
    model = _chosen({name for _, scores in held for name in scores}, model)
    predicted = [(record, scores[model]) for record, scores in held if model in scores]
    names = _scored_classes({label for _, scores in predicted for label in scores}, classes, model)
    if classes is None:  # who names the classes has left the others out on purpose
        _warn_foreign([record for record, _ in predicted], names, model)

    Y, known = label_matrix([record for record, _ in predicted], names, unlisted)
    spoken = np.array([bool(record.labels) or record.labels_complete for record, _ in predicted])
    labelled = known.any(axis=1) & spoken
    S = np.array([[scores.get(name, math.nan) for name in names] for _, scores in predicted])
    Y, known, S = Y[labelled], known[labelled], S[labelled]
    unpredicted, unlabelled = len(held) - len(predicted), int((~labelled).sum())
    if not len(Y):
        raise UsageError(
            "no item has both labels and predictions to score", "run im-predict on labelled records"
        )
    if unpredicted or unlabelled:
        reasons = f"{unpredicted} without predictions, {unlabelled} without labels"
        _warn(f"{unpredicted + unlabelled} of {len(held)} items are left out: {reasons}")
    if missing := int(np.isnan(S).any(axis=1).sum()):
        _warn(f"{missing} items lack a prediction for some class: it counts as 0")
        S = np.nan_to_num(S)
    if not (known & ~Y).any():
        _warn("no class is known to be absent anywhere, so every yes is right: consider unlisted = 'absent'")
    if len(S) > 1 and not np.ptp(S, axis=0).any():
        _warn(f"model {model} predicts the same for every item")
    return _scores(model, names, Y, S, known, _limits(threshold, names), unpredicted, unlabelled)


def _scores(
    model: str,
    names: Sequence[str],
    Y: NDArray[np.bool_],
    S: NDArray[np.float64],
    known: NDArray[np.bool_],
    limits: NDArray[np.float64],
    unpredicted: int,
    unlabelled: int,
) -> Scores:
    made = precision_recall_f1(Y, S, limits, known)
    ones = precision_recall_f1(Y, np.ones_like(S), 1.0, known)
    aucs, auc = roc_auc(Y, S, known)
    aps, mean_ap = average_precision(Y, S, known)
    columns = (made.support, limits, made.precision, made.recall, made.f1, aucs, aps)
    return Scores(
        model=model,
        num_items=len(Y),
        num_unpredicted=unpredicted,
        num_unlabelled=unlabelled,
        known=float(known.mean()),
        lrap=lrap(Y, S, known),
        auc=auc,
        mean_ap=mean_ap,
        top1=top1(Y, S, known),
        decisions=Overall(made.micro, made.macro, made.macro_f1_of_means),
        all_ones=Overall(ones.micro, ones.macro, ones.macro_f1_of_means),
        classes=[
            ClassScores(name, *row) for name, *row in zip(names, *(x.tolist() for x in columns), strict=True)
        ],
    )


def _labels_only(record: Record) -> Record:
    """Return what `label_matrix` looks at, so that the rest of a long manifest is not held."""
    return Record(
        record.id, None, 0.0, 0.0, 1, 0, labels=record.labels, labels_complete=record.labels_complete
    )


def _whole_item_scores(record: Record) -> dict[str, dict[str, float]]:
    """Return the scores for the whole item, by model and class."""
    scores: dict[str, dict[str, float]] = {}
    for prediction in record.predictions:
        if prediction.start is None and prediction.duration is None:
            scores.setdefault(prediction.model, {})[prediction.label] = prediction.score
    return scores


def _chosen(models: set[str], model: str | None) -> str:
    if not models:
        raise UsageError(
            "no record has predictions for the whole item", "run im-predict, with one prediction an item"
        )
    listing = ", ".join(sorted(models))
    if model is None and len(models) > 1:
        raise UsageError(f"predictions of {len(models)} models: {listing}", "choose one of them")
    if model is not None and model not in models:
        raise UsageError(f"no predictions of model {model!r}", f"there are those of {listing}")
    return model or models.pop()


def _scored_classes(predicted: set[str], classes: Sequence[str] | None, model: str) -> list[str]:
    if classes is None:
        return sorted(predicted)
    if not classes:
        raise UsageError("no class to score", "name at least one")
    if foreign := sorted(set(classes) - predicted):
        hint = f"it predicts {', '.join(sorted(predicted))}"
        raise UsageError(f"model {model} does not predict {', '.join(foreign)}", hint)
    return list(classes)


def _limits(threshold: float | Mapping[str, float], names: Sequence[str]) -> NDArray[np.float64]:
    """Return the threshold of each class."""
    if not isinstance(threshold, Mapping):
        return np.full(len(names), float(threshold))
    if missing := [name for name in names if name not in threshold]:
        raise UsageError(f"no threshold for {', '.join(missing)}", "give one for each class")
    return np.array([float(threshold[name]) for name in names])


def _warn_foreign(records: Sequence[Record], names: Sequence[str], model: str) -> None:
    if foreign := sorted(set(classes_of(records)) - set(names)):
        _warn(f"labels that model {model} does not predict are left out: {', '.join(foreign)}")


def _warn(message: str) -> None:
    warnings.warn(ImtoolsWarning(message), stacklevel=3)


def _without_nan(value: Json) -> Json:
    """Replace NaN, which JSON has not, by ``None``."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
