"""From records with labels and predictions to the scores of a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ..choices import Aggregation, Unlisted
from ..errors import ImtoolsWarning, UsageError
from ..manifest import Record
from .collect import UNDECIDED, LabelledPredictions, LabelledScores, collect
from .folds import over_folds, over_members
from .judge import Threshold, judge
from .model_names import member_of
from .resample import Resampling, compare, with_intervals
from .result import ScoreReport


class _Overlap(Protocol):
    def __bool__(self) -> bool: ...

    def warning(self) -> str: ...


class _Fitted(Protocol):
    """The thresholds of one model, as `imtools.thresholds.Thresholds` has them."""

    @property
    def classes(self) -> Mapping[str, float]: ...

    def overlap(self, ids: Iterable[str], groups: Iterable[str] = ()) -> _Overlap: ...


class FittedThresholds(Protocol):
    """Thresholds of several models, such as an `imtools.thresholds.ThresholdsFile`."""

    def for_model(self, model: str) -> _Fitted:
        """Return the thresholds of a model; raise UsageError if there are none."""


def score_records(
    records: Iterable[Record] | LabelledPredictions,
    *,
    threshold: Threshold | FittedThresholds = None,
    unlisted: Unlisted = "unknown",
    classes: Sequence[str] | None = None,
    model: str | None = None,
    aggregation: Aggregation | None = None,
    resampling: Resampling | None = None,
    baseline: Iterable[Record] | LabelledPredictions | None = None,
    baseline_model: str | None = None,
) -> ScoreReport:
    """Score the predictions in some records against their labels.

    Parameters
    ----------
    records : iterable of Record, or LabelledPredictions
        Items with labels and predictions.
    threshold : float, mapping of str to float, FittedThresholds, or None
        One threshold for all classes, one for each, or those that were fitted for each model. ``None``: the
        decisions in the predictions, and 0.5 where there are none.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list.
    classes : sequence of str, optional
        The classes to score; all that the model predicts if not given.
    model : str, optional
        Which model's predictions to score, if there are several.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Make the scores of an item from those of its windows; see `collect`, which has done so for
        `LabelledPredictions`.
    resampling : Resampling, optional
        Give bootstrap intervals.
    baseline : iterable of Record, or LabelledPredictions, optional
        Items with the predictions of another model, to compare with.
    baseline_model : str, optional
        The model to compare with, if there are several. Without ``baseline`` its predictions are those in
        ``records``.

    Returns
    -------
    ScoreReport
        With scores by fold, if every item has a fold or there are predictions of a model's members.

    Raises
    ------
    UsageError
        If there are no predictions of a model or it has to be chosen, it does not predict one of the
        classes, a class has no threshold, no item has both labels and predictions, or the baseline is the
        model itself.
    ManifestError
        As `collect`.

    Warns
    -----
    ImtoolsWarning
        As `LabelledPredictions.labelled_scores`, `with_intervals` and `compare`; if, without a threshold,
        only some of the predictions have decisions; if some members do not predict every class; and if
        thresholds were fitted on some of the records.

    Examples
    --------
    >>> from imtools.manifest import Label, Prediction, Record
    >>> def item(name, label, flu, vio):
    ...     predictions = [Prediction("net@1f3a", "flu", flu), Prediction("net@1f3a", "vio", vio)]
    ...     return Record(name, f"{name}.wav", 0.0, 1.0, 22050, 22050, labels=[Label(label)],
    ...                   labels_complete=True, predictions=predictions)
    >>> records = [item("a", "flu", 0.9, 0.2), item("b", "vio", 0.4, 0.7), item("c", "vio", 0.6, 0.3)]
    >>> report = score_records(records, threshold=0.5)
    >>> report.num_items, round(report.lrap, 3), round(report.decisions.micro.f1, 3)
    (3, 0.833, 0.667)
    >>> [(row.label, row.recall) for row in report.classes]
    [('flu', 1.0), ('vio', 0.5)]
    """
    collected = _collected(records, aggregation)
    resampling = resampling or Resampling(replicates=0)
    data = collected.labelled_scores(model, classes=classes, unlisted=unlisted)
    fitted = _fitted(threshold, data.model)
    own = _threshold(data, threshold, fitted)
    folds = over_members(_members(collected, data, unlisted), own) or over_folds(data, own)
    scores, samples = with_intervals(replace(judge(data, own), folds=folds), data, own, resampling)
    if baseline is not None or baseline_model is not None:
        others = collected if baseline is None else _collected(baseline, aggregation)
        try:
            other = others.labelled_scores(baseline_model, classes=data.classes, unlisted=unlisted)
        except UsageError as error:
            raise UsageError(f"baseline: {error.message}", error.hint) from None
        if others is collected and other.model == data.model:
            raise UsageError(f"{data.model} cannot be its own baseline", "name another model")
        pair = own, _threshold(other, threshold, _fitted(threshold, other.model))
        scores = replace(scores, baseline=compare(data, other, pair, resampling, samples))
    if fitted is not None and (overlap := fitted.overlap(collected.ids, collected.recordings)):
        warnings.warn(ImtoolsWarning(overlap.warning()), stacklevel=2)
    return scores


def _collected(
    records: Iterable[Record] | LabelledPredictions, aggregation: Aggregation | None
) -> LabelledPredictions:
    return records if isinstance(records, LabelledPredictions) else collect(records, aggregation=aggregation)


def _fitted(threshold: Threshold | FittedThresholds, model: str) -> _Fitted | None:
    """Return the thresholds that were fitted for a model, if thresholds were fitted."""
    if threshold is None or isinstance(threshold, float | int | Mapping):
        return None
    return threshold.for_model(model)


def _threshold(
    data: LabelledScores, threshold: Threshold | FittedThresholds, fitted: _Fitted | None
) -> Threshold:
    """Return the thresholds of a model; warn if only some of its predictions can do without."""
    if fitted is not None:
        return fitted.classes
    own = threshold if isinstance(threshold, float | int | Mapping) else None
    if own is None and data.decisions is not None:
        undecided = int((data.decisions == UNDECIDED).sum())
        if undecided:
            which = f"{undecided} of {data.decisions.size} predictions of model {data.model}"
            message = f"{which} do not state whether the class is present: it is from a score of 0.5"
            warnings.warn(ImtoolsWarning(message), stacklevel=3)
    return own


def _members(
    collected: LabelledPredictions, data: LabelledScores, unlisted: Unlisted
) -> Mapping[int, LabelledScores]:
    """Return the scores of a model's members, by their folds; nothing if some of them lack a class."""
    members = {}
    for name in collected.members(data.model):
        if lacking := set(data.classes) - set(collected.classes(name)):
            message = f"no scores by fold: member {name} does not predict {', '.join(sorted(lacking))}"
            warnings.warn(ImtoolsWarning(message), stacklevel=3)
            return {}
        fold = member_of(name)[1]
        if fold is not None:
            members[fold] = collected.labelled_scores(
                name, classes=data.classes, unlisted=unlisted, quiet=True
            )
    return members
