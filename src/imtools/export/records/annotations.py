"""The instruments of a record, from its labels or its predictions alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...choices import Origin
from ...errors import ManifestError
from ...labels import PRESENT
from ...manifest import Prediction, Record
from ...score.model_names import member_of, named


@dataclass(frozen=True, slots=True)
class Annotation:
    """A label or a prediction: whether an instrument is present.

    Attributes
    ----------
    label : str
        The class.
    score : float
        The score of a prediction, the presence of a label.
    present : bool
        Whether the class counts as present.
    start, duration : float or None
        When, in seconds relative to the record; ``None``: throughout.
    model : str or None
        The model of a prediction; ``None`` for a label.
    """

    label: str
    score: float
    present: bool
    start: float | None = None
    duration: float | None = None
    model: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it applies to the record as a whole."""
        return self.start is None and self.duration is None

    def span(self, record: Record) -> tuple[float, float]:
        """Return start and duration in seconds, within the record."""
        start = min(max(self.start or 0.0, 0.0), record.duration)
        left = record.duration - start
        return start, left if self.duration is None else min(max(self.duration, 0.0), left)


def is_present(prediction: Prediction) -> bool:
    """Return the decision of a prediction; without one, whether its score is at least 0.5."""
    return prediction.score >= PRESENT if prediction.present is None else prediction.present


def record_annotations(
    record: Record, origin: Origin | None = None, model: str | None = None, *, members: bool = False
) -> list[Annotation]:
    """Return all labels or predictions of a record.

    Parameters
    ----------
    record : Record
        With labels or predictions.
    origin : {"labels", "predictions"}, optional
        Which of them; without it predictions if there are any.
    model : str, optional
        Only this model's predictions: its full name, or the part before ``@``.
    members : bool
        Include those of a model's members; otherwise they are used only if there are no others.

    Returns
    -------
    list of Annotation
        In the order of the record.

    Raises
    ------
    ManifestError
        If the record has none of the requested origin.
    UsageError
        If there are no predictions of the model.
    """
    if origin == "predictions" and not record.predictions:
        raise ManifestError(f"record {record.id}: has no predictions", "run im-predict on it first")
    if origin == "labels" and not record.labels and not record.labels_complete:
        raise ManifestError(f"record {record.id}: has no labels", "leave it out, or take its predictions")
    if origin == "labels" or (origin is None and not record.predictions):
        return [
            Annotation(x.label, x.presence, x.presence >= PRESENT, x.start, x.duration) for x in record.labels
        ]
    chosen = set(_models(record.predictions, model, members))
    return [
        Annotation(x.label, x.score, is_present(x), x.start, x.duration, x.model)
        for x in record.predictions
        if x.model in chosen
    ]


def _models(predictions: Iterable[Prediction], model: str | None, members: bool) -> Sequence[str]:
    names = list(dict.fromkeys(prediction.model for prediction in predictions))
    if model is not None:
        return [named(model, names)]
    models = [name for name in names if member_of(name)[1] is None]
    return names if members or not models else models


def present_instruments(
    record: Record, origin: Origin | None = None, model: str | None = None
) -> list[Annotation]:
    """Return the instruments that a record as a whole contains: an annotation for each class that is present.

    Labels anywhere in the record count; predictions only if they are for the whole record.

    Parameters
    ----------
    record, origin, model
        As for `record_annotations`.

    Returns
    -------
    list of Annotation
        Highest score first; each class once.

    Raises
    ------
    ManifestError
        If the record has neither labels nor predictions for the whole, or those of several models.
    """
    found = record_annotations(record, origin, model)
    if not found and not record.labels_complete:
        raise ManifestError(f"record {record.id}: has neither labels nor predictions", "run im-predict first")
    check_one_model(record, found)
    if found and found[0].model is not None:
        found = [annotation for annotation in found if annotation.whole]
        if not found:
            what = f"record {record.id}: has no predictions for the whole record"
            raise ManifestError(what, "run im-predict, which makes them")
    best: dict[str, Annotation] = {}
    for annotation in found:
        label = annotation.label
        if annotation.present and (label not in best or best[label].score < annotation.score):
            best[label] = annotation
    return sorted(best.values(), key=lambda annotation: (-annotation.score, annotation.label))


def timed_annotations(
    record: Record, origin: Origin | None = None, model: str | None = None, *, everything: bool = False
) -> list[Annotation]:
    """Return timed annotations: labels, or for each model its predictions with times, else those without.

    Parameters
    ----------
    record, origin, model
        As for `record_annotations`.
    everything : bool
        Include classes that do not count as present.

    Returns
    -------
    list of Annotation
        In the order of the record.

    Raises
    ------
    ManifestError
        If the record has none of the requested origin.
    """
    found = record_annotations(record, origin, model)
    timed = {annotation.model for annotation in found if not annotation.whole}
    return [
        annotation
        for annotation in found
        if (everything or annotation.present)
        and (annotation.model is None or annotation.model not in timed or not annotation.whole)
    ]


def check_one_model(record: Record, found: Iterable[Annotation]) -> None:
    """Raise ManifestError if there are predictions of several models.

    Parameters
    ----------
    record : Record
        To name in the error.
    found : iterable of Annotation
        Its annotations.
    """
    models = list(dict.fromkeys(annotation.model for annotation in found if annotation.model is not None))
    if len(models) > 1:
        what = f"record {record.id}: has predictions of {len(models)} models: {', '.join(models)}"
        raise ManifestError(what, "choose one with `model`")
