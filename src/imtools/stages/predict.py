"""The prediction stage: records in, the same records with scores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..device import resolve_device, resolve_precision
from ..errors import ModelError, UsageError
from ..fuse import Fusion, plan
from ..manifest import Prediction, Record
from ..manifest.values import Json
from ..models.bundle import load
from ..models.locate import locate
from ..predict.batching import score_together
from ..predict.excerpt import Excerpt
from ..predict.predictor import Cuttings, Predictor
from ..predict.scores import Floats, Prepared, Scores
from ..predict.timeline import Shape
from ..run import Blueprint, Options, Run, Stage, execute
from ..run.settings import content_digest


@dataclass(frozen=True, slots=True)
class Answer:
    """What is given of what the models say.

    Attributes
    ----------
    windows : bool
        Give the scores of each window too.
    shape : Shape
        Stretches instead of windows, and how many classes.
    excerpt : Excerpt or None
        The part of each record to hear.
    keep : bool
        Of several models, give the predictions of each beside their mean.
    """

    windows: bool = False
    shape: Shape = field(default_factory=Shape)
    excerpt: Excerpt | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What has been read of a record: for each model, and from which second on."""

    prepared: tuple[Prepared, ...]
    begin: float


class PredictStage(Stage[Heard]):
    """Reads waveforms or features in workers and scores them in batches.

    Parameters
    ----------
    predictors : sequence of Predictor
        The models at work; several share what is decoded and cut alike, and give their mean.
    answer : Answer
        What is given.
    blueprint : Blueprint, optional
        How to make the same stage elsewhere.
    jobs : int
        How many long records are decoded at once.
    """

    group_size = 64
    prepare_step = "decode"
    process_step = "model"

    def __init__(
        self,
        predictors: Sequence[Predictor],
        answer: Answer,
        blueprint: Blueprint | None = None,
        jobs: int = 1,
    ) -> None:
        self._predictors, self._answer, self._blueprint = predictors, answer, blueprint
        self._jobs = jobs
        self._thresholds = [
            dict(zip(one.model.labels, one.model.description.thresholds, strict=True)) for one in predictors
        ]
        self._fusion: Fusion | None = None
        if len(predictors) > 1:
            classes = {one.model.name: one.model.labels for one in predictors}
            if len(classes) < len(predictors):
                raise UsageError("one model is named twice", "name each model once")
            (self._fusion,) = plan(classes, "mean", partial=True)

    def blueprint(self, options: Options) -> Blueprint | None:
        """Return how to make this stage elsewhere."""
        return self._blueprint

    def prepare(self, record: Record) -> Heard:
        """Read what is to be scored of one record."""
        excerpt = self._answer.excerpt
        part, begin = (record, 0.0) if excerpt is None else excerpt.of(record)
        cut: Cuttings = {}
        return Heard(tuple(predictor.prepare(part, cut) for predictor in self._predictors), begin)

    def seconds(self, record: Record) -> float:
        """Return how much of a record is heard."""
        excerpt = self._answer.excerpt
        return record.duration if excerpt is None else excerpt.of(record)[0].duration

    def process(self, records: list[Record], prepared: list[Heard]) -> list[list[Record] | Exception]:
        """Score a group of records; one that cannot be read to its end spoils no other."""
        scores = score_together(self._predictors, [one.prepared for one in prepared], self._jobs)
        return [
            one if isinstance(one, Exception) else [self._with_scores(record, heard.begin, one)]
            for record, heard, one in zip(records, prepared, scores, strict=True)
        ]

    def _with_scores(self, record: Record, begin: float, scores: tuple[Scores, ...]) -> Record:
        made: list[Prediction] = []
        if self._fusion is None or self._answer.keep:
            made += [p for m, one in enumerate(scores) for p in self._of_model(m, begin, one)]
        if self._fusion is not None:
            said = {
                predictor.model.name: dict(zip(predictor.model.labels, map(_rounded, one.mean), strict=True))
                for predictor, one in zip(self._predictors, scores, strict=True)
            }
            made += self._answer.shape.of(self._fusion.fuse(record.id, said), {})
        names = {one.model for one in made}
        others = [p for p in record.predictions if p.model not in names]
        record = record.replace(predictions=others + made)
        if embeddings := self._embeddings(begin, scores):
            told = {predictor.model.name for predictor in self._predictors}
            earlier = [one for one in record.extra.get("embeddings", []) if one.get("model") not in told]
            record.extra = record.extra | {"embeddings": earlier + embeddings}
        return record

    def _embeddings(self, begin: float, scores: tuple[Scores, ...]) -> list[Json]:
        """Return the embeddings of all models, of the record or of its windows; none if not asked for."""
        made: list[Json] = []
        for predictor, one in zip(self._predictors, scores, strict=True):
            if one.embeddings is None:
                continue
            name = predictor.model.name
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

    def _of_model(self, m: int, begin: float, scores: Scores) -> list[Prediction]:
        """Return what one model says, as it is to be given."""
        model, thresholds = self._predictors[m].model, self._thresholds[m]
        made = self._predictions(model.name, model.labels, scores.mean, thresholds)
        windows = self._windows(model.name, model.labels, scores.windows, begin, scores)
        for part in scores.members:
            labels = [model.labels[column] for column in part.fold.columns]
            name = f"{model.name}#fold{part.fold.number}"
            made += self._predictions(name, labels, part.mean)
            windows += self._windows(name, labels, part.windows, begin, scores)
        return self._answer.shape.of(made + windows, thresholds)

    def _predictions(
        self, name: str, labels: Sequence[str], mean: Floats, thresholds: dict[str, float] | None = None
    ) -> list[Prediction]:
        made = [Prediction(name, label, _rounded(score)) for label, score in zip(labels, mean, strict=True)]
        if thresholds is not None:
            for one in made:
                one.present = one.score >= thresholds[one.label]
        return made

    def _windows(
        self, name: str, labels: Sequence[str], windows: Floats, begin: float, scores: Scores
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


def _digits(vector: Floats) -> list[float]:
    """Return the numbers of an embedding, with the digits that single precision stands for."""
    return [float(f"{value:.6g}") for value in vector.tolist()]


def predict(run: Run, models: Sequence[str], answer: Answer, **settings: Any) -> None:
    """Predict for the items of a run.

    Parameters
    ----------
    run : Run
        The harness.
    models : sequence of str
        The model directories.
    answer : Answer
        What is given.
    **settings
        Of `Predictor`.

    Raises
    ------
    UsageError
        If windows or members are asked for of several models, whose windows may differ.
    """
    if len(models) > 1 and (answer.windows or answer.shape.timeline or settings.get("members")):
        hint = "predict with one model at a time, and combine the results with im-fuse"
        raise UsageError("several models give scores of whole items only", hint)
    options = run.options
    # Settled here: all workers of a cluster are to compute alike.
    bf16 = resolve_precision(options.precision, resolve_device(options.device)) != torch.float32
    folders = [(folder, content_digest(str(folder), "model.json")) for folder in map(locate, models)]
    arguments = (folders, options.device, "bf16" if bf16 else "fp32", answer, settings)
    # Elsewhere, one thread decodes for each that computes: a worker has one for each processor already.
    execute(run, make_stage(*arguments, Blueprint(make_stage, arguments), options.jobs), run.items())


def make_stage(
    folders: Sequence[tuple[Path, str]],
    device: str,
    precision: str,
    answer: Answer,
    settings: dict[str, Any],
    blueprint: Blueprint | None = None,
    jobs: int = 1,
) -> PredictStage:
    """Make the stage from the paths and digests of its models, in this process.

    Raises
    ------
    ModelError
        If a model's description has another digest: this is not the model that was meant.
    """
    place = resolve_device(device)
    predictors = []
    for folder, digest in folders:
        if content_digest(str(folder), "model.json") != digest:
            hint = "let all workers see the same files under the same paths"
            raise ModelError(f"{folder}: is another model here, or none", hint)
        loaded = load(folder, place, resolve_precision(precision, place))
        predictors.append(Predictor(loaded, **settings))
    return PredictStage(predictors, answer, blueprint, jobs)
