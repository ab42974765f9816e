"""From scores to predictions: the form in which records hold the scores of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..arrays import Float32Array
from ..errors import UsageError
from ..fuse import Fusion, plan
from ..manifest import Prediction, Record
from ..manifest.values import Json
from ..models.bundle import TrainedModel
from ..sound.excerpt import Excerpt
from ..units import is_count
from .scores import RecordScores
from .timeline import selected_predictions


@dataclass(frozen=True, slots=True)
class PredictionOutput:
    """Which predictions a record gets.

    Attributes
    ----------
    windows : bool
        Add the scores of each window.
    timeline : bool
        Add the time spans in which each class is present.
    top : int or None
        Keep only this many classes, those with the highest scores; ``None``: keep all.
    excerpt : Excerpt or None
        Score only this part of each record.
    keep : bool
        With several models, also give the predictions of each.
    """

    windows: bool = False
    timeline: bool = False
    top: int | None = None
    excerpt: Excerpt | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        """Check that the parts go together."""
        if self.windows and self.timeline:
            raise UsageError("`timeline` and `windows` do not go together", "choose one of them")
        if self.top is not None and not is_count(self.top):
            raise UsageError(f"`top` is {self.top!r}", "give a whole number above 0")


class Annotator:
    """Adds the scores of models to records as predictions.

    Parameters
    ----------
    models : sequence of TrainedModel
        The models that the scores come from; several are averaged.
    output : PredictionOutput
        Which predictions a record gets.

    Raises
    ------
    UsageError
        If a model is named twice.
    """

    def __init__(self, models: Sequence[TrainedModel], output: PredictionOutput) -> None:
        self._models, self._output = models, output
        self._thresholds = [
            dict(zip(model.labels, model.description.thresholds, strict=True)) for model in models
        ]
        self._fusion: Fusion | None = None
        if len(models) > 1:
            classes = {model.name: model.labels for model in models}
            if len(classes) < len(models):
                raise UsageError("one model is named twice", "name each model once")
            (self._fusion,) = plan(classes, "mean", partial=True)

    @property
    def name(self) -> str:
        """Name of the predictions that count: of the model, or of the mean of several."""
        return self._models[0].name if self._fusion is None else self._fusion.name

    def annotate(self, record: Record, begin: float, scores: Sequence[RecordScores]) -> Record:
        """Return a record with its predictions, which replace earlier ones by the same models.

        Parameters
        ----------
        record : Record
            The record, of which a part may have been scored.
        begin : float
            Where that part begins, in seconds.
        scores : sequence of RecordScores
            One for each model, in their order.

        Returns
        -------
        Record
        """
        made: list[Prediction] = []
        if self._fusion is None or self._output.keep:
            made += [p for m, one in enumerate(scores) for p in self._of_model(m, begin, one)]
        if self._fusion is not None:
            by_model = {
                model.name: dict(zip(model.labels, map(_rounded, one.mean), strict=True))
                for model, one in zip(self._models, scores, strict=True)
            }
            fused = self._fusion.fuse(record.id, by_model)
            made += selected_predictions(fused, {}, spans=self._output.timeline, top=self._output.top)
        names = {prediction.model for prediction in made}
        others = [prediction for prediction in record.predictions if prediction.model not in names]
        record = record.replace(predictions=others + made)
        if embeddings := self._embeddings(begin, scores):
            models = {model.name for model in self._models}
            earlier = [one for one in record.extra.get("embeddings", []) if one.get("model") not in models]
            record.extra = record.extra | {"embeddings": earlier + embeddings}
        return record

    def _embeddings(self, begin: float, scores: Sequence[RecordScores]) -> list[Json]:
        """Return the embeddings of the record or of its windows by all models; none if there are none."""
        made: list[Json] = []
        for model, one in zip(self._models, scores, strict=True):
            if one.embeddings is None:
                continue
            name = model.name
            if not self._output.windows:
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
        """Return the predictions of one model and its members."""
        model, thresholds = self._models[m], self._thresholds[m]
        made = self._of_record(model.name, model.labels, scores.mean, thresholds)
        windows = self._of_windows(model.name, model.labels, scores.windows, begin, scores)
        for part in scores.members:
            labels = [model.labels[column] for column in part.fold.columns]
            name = f"{model.name}#fold{part.fold.number}"
            made += self._of_record(name, labels, part.mean)
            windows += self._of_windows(name, labels, part.windows, begin, scores)
        output = self._output
        return selected_predictions(made + windows, thresholds, spans=output.timeline, top=output.top)

    def _of_record(
        self, name: str, labels: Sequence[str], mean: Float32Array, thresholds: dict[str, float] | None = None
    ) -> list[Prediction]:
        made = [Prediction(name, label, _rounded(score)) for label, score in zip(labels, mean, strict=True)]
        if thresholds is not None:
            for prediction in made:
                prediction.present = prediction.score >= thresholds[prediction.label]
        return made

    def _of_windows(
        self, name: str, labels: Sequence[str], windows: Float32Array, begin: float, scores: RecordScores
    ) -> list[Prediction]:
        if not (self._output.windows or self._output.timeline):
            return []
        return [
            Prediction(name, label, _rounded(score), float(begin + start), float(duration))
            for row, start, duration in zip(windows, scores.starts, scores.durations, strict=True)
            for label, score in zip(labels, row, strict=True)
        ]


def _rounded(score: float) -> float:
    """Return a score with six decimals, the precision of a net in float32."""
    return round(float(score), 6)


def _digits(vector: Float32Array) -> list[float]:
    """Return the numbers of an embedding with the significant digits of single precision."""
    return [float(f"{value:.6g}") for value in vector.tolist()]
