"""What a record says of its instruments, from its labels or its predictions alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...errors import ManifestError
from ...manifest import Prediction, Record
from ...score.model_names import member_of, named

Origin = Literal["labels", "predictions"]
"""Where to look."""

PRESENT = 0.5
"""Score or presence from which an instrument counts as present, where that has not been decided."""


@dataclass(frozen=True, slots=True)
class Mark:
    """That an instrument sounds, or does not.

    Attributes
    ----------
    label : str
        The class.
    score : float
        A prediction's score, a label's presence.
    present : bool
        Whether that counts as a yes.
    start, duration : float or None
        When, in seconds relative to the record; ``None``: throughout.
    model : str or None
        Whose prediction it is; ``None`` for a label.
    """

    label: str
    score: float
    present: bool
    start: float | None = None
    duration: float | None = None
    model: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it is about the record as a whole."""
        return self.start is None and self.duration is None

    def span(self, record: Record) -> tuple[float, float]:
        """Return start and duration in seconds, within the record."""
        start = min(max(self.start or 0.0, 0.0), record.duration)
        left = record.duration - start
        return start, left if self.duration is None else min(max(self.duration, 0.0), left)


def counts(prediction: Prediction) -> bool:
    """Whether a prediction is a yes: as has been decided, else from 0.5 on."""
    return prediction.score >= PRESENT if prediction.present is None else prediction.present


def marks(
    record: Record, origin: Origin | None = None, model: str | None = None, *, members: bool = False
) -> list[Mark]:
    """Return all that a record says of its instruments.

    Parameters
    ----------
    record : Record
        With labels or predictions.
    origin : {"labels", "predictions"}, optional
        Which of them; without it predictions where there are any.
    model : str, optional
        Only this model's predictions: its full name, or what stands before ``@``.
    members : bool
        Those of a model's members too; without it only where there are no others.

    Raises
    ------
    ManifestError
        If there is nothing of what was asked for.
    """
    if origin == "predictions" and not record.predictions:
        raise ManifestError(f"record {record.id}: has no predictions", "run im-predict on it first")
    if origin == "labels" and not record.labels and not record.labels_complete:
        raise ManifestError(f"record {record.id}: has no labels", "leave it out, or take its predictions")
    if origin == "labels" or (origin is None and not record.predictions):
        return [Mark(x.label, x.presence, x.presence >= PRESENT, x.start, x.duration) for x in record.labels]
    wanted = set(_models(record.predictions, model, members))
    return [
        Mark(x.label, x.score, counts(x), x.start, x.duration, x.model)
        for x in record.predictions
        if x.model in wanted
    ]


def _models(predictions: Iterable[Prediction], model: str | None, members: bool) -> Sequence[str]:
    every = list(dict.fromkeys(one.model for one in predictions))
    if model is not None:
        return [named(model, every)]
    models = [name for name in every if member_of(name)[1] is None]
    return every if members or not models else models


def instruments(record: Record, origin: Origin | None = None, model: str | None = None) -> list[Mark]:
    """Return what a record as a whole is said to contain: a mark for each class that is present.

    Labels count wherever in the record they are; of predictions only those for the whole record.

    Returns
    -------
    list of Mark
        The surest first; each class once.

    Raises
    ------
    ManifestError
        If the record has neither labels nor predictions for the whole, or those of several models.
    """
    every = marks(record, origin, model)
    if not every and not record.labels_complete:
        raise ManifestError(f"record {record.id}: has neither labels nor predictions", "run im-predict first")
    check_one_model(record, every)
    if every and every[0].model is not None:
        every = [mark for mark in every if mark.whole]
        if not every:
            what = f"record {record.id}: has no predictions for the whole of it"
            raise ManifestError(what, "run im-predict, which gives them")
    best: dict[str, Mark] = {}
    for mark in every:
        if mark.present and (mark.label not in best or best[mark.label].score < mark.score):
            best[mark.label] = mark
    return sorted(best.values(), key=lambda mark: (-mark.score, mark.label))


def spans(
    record: Record, origin: Origin | None = None, model: str | None = None, *, everything: bool = False
) -> list[Mark]:
    """Return what sounds when: labels, or for each model its predictions with times, else those without.

    Parameters
    ----------
    record, origin, model
        As for `marks`.
    everything : bool
        What does not count as present too.

    Raises
    ------
    ManifestError
        If there is nothing of what was asked for.
    """
    every = marks(record, origin, model)
    timed = {mark.model for mark in every if not mark.whole}
    return [
        mark
        for mark in every
        if (everything or mark.present) and (mark.model is None or mark.model not in timed or not mark.whole)
    ]


def check_one_model(record: Record, some: Iterable[Mark]) -> None:
    """Raise ManifestError if there are predictions of several models."""
    models = list(dict.fromkeys(mark.model for mark in some if mark.model is not None))
    if len(models) > 1:
        what = f"record {record.id}: has predictions of {len(models)} models: {', '.join(models)}"
        raise ManifestError(what, "choose one with --model")
