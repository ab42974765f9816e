"""From records with labels and predictions to the thresholds of every model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence

from ..choices import Aggregation, Objective, Unlisted
from ..errors import ImtoolsWarning, ManifestError
from ..manifest import Prediction, Record
from ..score.collect import LabelledPredictions
from ..score.model_names import member_of, named
from ..score.predicted import item_predictions
from .file import Thresholds, ThresholdsFile
from .fit import fit


class PredictionsByModel:
    """The predictions of each model in some records, beside the labels.

    Several models may have predictions for the same records, in one record or in several with the same id.

    Parameters
    ----------
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Make the scores of an item from those of its windows.
    """

    def __init__(self, aggregation: Aggregation | None = None) -> None:
        self._aggregation = aggregation
        self._count = self._unpredicted = 0
        self._models: dict[str, LabelledPredictions] = {}
        self._groups: dict[str, dict[str, list[str]]] = {}

    def __len__(self) -> int:
        return self._count

    @property
    def num_unpredicted(self) -> int:
        """How many of the records have no predictions for the whole item."""
        return self._unpredicted

    def add(self, record: Record) -> None:
        """Add a record.

        Raises
        ------
        ManifestError
            If there are predictions of a model for its id already, or as `item_predictions`: nothing of the
            record is added.
        """
        by_model: dict[str, list[Prediction]] = {}
        for prediction in item_predictions(record, self._aggregation):
            by_model.setdefault(member_of(prediction.model)[0], []).append(prediction)
        for model in by_model:
            if record.id in self._groups.get(model, {}):
                what = f"id {record.id!r} appears a second time with predictions of model {model}"
                raise ManifestError(what, "ids must be unique among the predictions of a model")
        self._count += 1
        self._unpredicted += not by_model
        for model, predictions in by_model.items():
            self._models.setdefault(model, LabelledPredictions()).add(record.replace(predictions=predictions))
            self._groups.setdefault(model, {})[record.id] = record.groups

    def __iter__(self) -> Iterator[tuple[str, LabelledPredictions]]:
        """Yield each model's name and predictions, sorted; raise UsageError if there is none."""
        if not self._models:
            LabelledPredictions(self._aggregation).labelled_scores()
        return iter(sorted(self._models.items()))

    def groups(self, model: str, ids: Iterable[str]) -> set[str]:
        """Return the recordings of some items.

        Parameters
        ----------
        model : str
            The model whose predictions the items have.
        ids : iterable of str
            The items.

        Returns
        -------
        set of str
            The ``groups`` of their records.
        """
        return {group for item in ids for group in self._groups[model][item]}


def fit_records(
    records: Iterable[Record] | PredictionsByModel,
    *,
    objective: Objective = "f1",
    target: float = 0.9,
    common: bool = False,
    unlisted: Unlisted = "unknown",
    classes: Sequence[str] | None = None,
    model: str | None = None,
    aggregation: Aggregation | None = None,
) -> ThresholdsFile:
    """Fit thresholds to labelled predictions, for every model among them.

    Parameters
    ----------
    records : iterable of Record, or PredictionsByModel
        Items with labels and predictions.
    objective : {"f1", "f0.5", "f2", "accuracy", "youden", "prevalence", "precision"}
        What the thresholds are to be optimal for; see `imtools.thresholds.fit`.
    target : float
        The precision to reach, if that is the objective.
    common : bool
        Fit one threshold for all classes instead of one for each.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list.
    classes : sequence of str, optional
        The classes to fit; all that a model predicts if not given.
    model : str, optional
        The only model to fit, by its full name or the name before ``@``; all if not given.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Fit to scores of items that are made from those of their windows.

    Returns
    -------
    ThresholdsFile
        The thresholds of each model.

    Raises
    ------
    UsageError
        If there are no predictions of the model, or as `imtools.thresholds.fit` and
        `imtools.score.LabelledPredictions.labelled_scores`.
    ManifestError
        If predictions of a model are repeated, or its windows have different classes.

    Warns
    -----
    ImtoolsWarning
        If records have no predictions, or as `fit` and `labelled_scores`.

    Examples
    --------
    >>> from imtools.manifest import Label
    >>> def item(name, label, flu):
    ...     return Record(name, f"{name}.wav", 0.0, 1.0, 22050, 22050, labels=[Label(label)],
    ...                   labels_complete=True, predictions=[Prediction("net@1f3a", "flu", flu)])
    >>> records = [item("a", "flu", 0.9), item("b", "vio", 0.2), item("c", "flu", 0.8)]
    >>> fit_records(records, classes=["flu"]).for_model("net@1f3a").classes
    {'flu': 0.5}
    """
    if isinstance(records, PredictionsByModel):
        collected = records
    else:
        collected = PredictionsByModel(aggregation)
        for record in records:
            collected.add(record)
    fitted: dict[str, Thresholds] = {}
    chosen = None if model is None else named(model, [name for name, _ in collected])
    for name, predictions in collected:
        if chosen in (None, name):
            data = predictions.labelled_scores(name, classes=classes, unlisted=unlisted)
            groups = collected.groups(name, data.ids)
            fitted[name] = fit(data, objective, common=common, target=target, groups=groups)
    if collected.num_unpredicted:
        what = f"{collected.num_unpredicted} of {len(collected)} items are left out: they have no predictions"
        warnings.warn(ImtoolsWarning(what), stacklevel=2)
    return ThresholdsFile(fitted)
