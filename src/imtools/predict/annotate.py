"""What is told of the scores of models: predictions for an item, its windows or stretches, and embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..arrays import Float32Array
from ..errors import UsageError
from ..fuse import Fusion, plan
from ..manifest import Prediction, Record
from ..manifest.values import Json
from ..models.bundle import Model
from ..sound.excerpt import Excerpt
from .scores import RecordScores
from .timeline import PredictionFilter


@dataclass(frozen=True, slots=True)
class PredictionOutput:
    """What is given of what the models say.

    Attributes
    ----------
    windows : bool
        Give the scores of each window too.
    shape : PredictionFilter
        Stretches instead of windows, and how many classes.
    excerpt : Excerpt or None
        The part of each record to hear.
    keep : bool
        Of several models, give the predictions of each beside their mean.
    """

    windows: bool = False
    shape: PredictionFilter = field(default_factory=PredictionFilter)
    excerpt: Excerpt | None = None
    keep: bool = False


class Annotator:
    """Makes predictions of scores.

    Parameters
    ----------
    models : sequence of Model
        Whose scores these are; several give their mean.
    answer : PredictionOutput
        What is given.

    Raises
    ------
    UsageError
        If a model is named twice.
    """

    def __init__(self, models: Sequence[Model], answer: PredictionOutput) -> None:
        self._models, self._answer = models, answer
        self._thresholds = [
            dict(zip(model.labels, model.description.thresholds, strict=True)) for model in models
        ]
        self._fusion: Fusion | None = None
        if len(models) > 1:
            classes = {model.name: model.labels for model in models}
            if len(classes) < len(models):
                raise UsageError("one model is named twice", "name each model once")
            (self._fusion,) = plan(classes, "mean", partial=True)

    def of(self, record: Record, begin: float, scores: Sequence[RecordScores]) -> Record:
        """Return a record with what is told of it, instead of what was told earlier by these models.

        Parameters
        ----------
        record : Record
            What was heard, or of which a part was.
        begin : float
            Where the part begins, in seconds.
        scores : sequence of RecordScores
            Of each model.
        """
        made: list[Prediction] = []
        if self._fusion is None or self._answer.keep:
            made += [p for m, one in enumerate(scores) for p in self._of_model(m, begin, one)]
        if self._fusion is not None:
            said = {
                model.name: dict(zip(model.labels, map(_rounded, one.mean), strict=True))
                for model, one in zip(self._models, scores, strict=True)
            }
            made += self._answer.shape.of(self._fusion.fuse(record.id, said), {})
        names = {one.model for one in made}
        others = [p for p in record.predictions if p.model not in names]
        record = record.replace(predictions=others + made)
        if embeddings := self._embeddings(begin, scores):
            told = {model.name for model in self._models}
            earlier = [one for one in record.extra.get("embeddings", []) if one.get("model") not in told]
            record.extra = record.extra | {"embeddings": earlier + embeddings}
        return record

    def _embeddings(self, begin: float, scores: Sequence[RecordScores]) -> list[Json]:
        """Return the embeddings of all models, of the record or of its windows; none if not asked for."""
        made: list[Json] = []
        for model, one in zip(self._models, scores, strict=True):
            if one.embeddings is None:
                continue
            name = model.name
            if not self._answer.windows:
                made.append({"model": name, "vector": _digits(one.embeddings.mean(axis=0))})
                continue
            made += [
                {"model": name, "start": begin + start, "duration": duration, "vector": _digits(row)}
                for row, start, duration in zip(
                    one.embeddings, one.starts.tolist(), one.durations.tolist(), strict=True
                )
            ]
        return made

    def _of_model(self, m: int, begin: float, scores: RecordScores) -> list[Prediction]:
        """Return what one model says, as it is to be given."""
        model, thresholds = self._models[m], self._thresholds[m]
        made = self._predictions(model.name, model.labels, scores.mean, thresholds)
        windows = self._windows(model.name, model.labels, scores.windows, begin, scores)
        for part in scores.members:
            labels = [model.labels[column] for column in part.fold.columns]
            name = f"{model.name}#fold{part.fold.number}"
            made += self._predictions(name, labels, part.mean)
            windows += self._windows(name, labels, part.windows, begin, scores)
        return self._answer.shape.of(made + windows, thresholds)

    def _predictions(
        self, name: str, labels: Sequence[str], mean: Float32Array, thresholds: dict[str, float] | None = None
    ) -> list[Prediction]:
        made = [Prediction(name, label, _rounded(score)) for label, score in zip(labels, mean, strict=True)]
        if thresholds is not None:
            for one in made:
                one.present = one.score >= thresholds[one.label]
        return made

    def _windows(
        self, name: str, labels: Sequence[str], windows: Float32Array, begin: float, scores: RecordScores
    ) -> list[Prediction]:
        if not (self._answer.windows or self._answer.shape.timeline):
            return []
        return [
            Prediction(name, label, _rounded(score), float(begin + start), float(duration))
            for row, start, duration in zip(windows, scores.starts, scores.durations, strict=True)
            for label, score in zip(labels, row, strict=True)
        ]


def _rounded(score: float) -> float:
    """Return a score with the six digits that a net in single precision stands for."""
    return round(float(score), 6)


def _digits(vector: Float32Array) -> list[float]:
    """Return the numbers of an embedding, with the digits that single precision stands for."""
    return [float(f"{value:.6g}") for value in vector.tolist()]
