"""The prediction stage: records in, the same records with scores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..device import resolve_device, resolve_precision
from ..errors import ModelError, UsageError
from ..manifest import Record
from ..models.bundle import load
from ..models.locate import locate
from ..predict.annotate import Annotator, PredictionOutput
from ..predict.batching import score_together
from ..predict.predictor import Cuttings, Predictor
from ..predict.scores import Prepared
from ..run import Blueprint, Options, Run, Stage, execute
from ..run.settings import content_digest


@dataclass(frozen=True, slots=True)
class PreparedRecord:
    """What has been read of a record: for each model, and from which second on."""

    prepared: tuple[Prepared, ...]
    begin: float


class PredictStage(Stage[PreparedRecord]):
    """Reads waveforms or features in workers and scores them in batches.

    Parameters
    ----------
    predictors : sequence of Predictor
        The models at work; several share what is decoded and cut alike, and give their mean.
    answer : PredictionOutput
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
        answer: PredictionOutput,
        blueprint: Blueprint | None = None,
        jobs: int = 1,
    ) -> None:
        self._predictors, self._answer, self._blueprint = predictors, answer, blueprint
        self._jobs = jobs
        self._teller = Annotator([one.model for one in predictors], answer)

    def blueprint(self, options: Options) -> Blueprint | None:
        """Return how to make this stage elsewhere."""
        return self._blueprint

    def prepare(self, record: Record) -> PreparedRecord:
        """Read what is to be scored of one record."""
        excerpt = self._answer.excerpt
        part, begin = (record, 0.0) if excerpt is None else excerpt.cut(record)
        cut: Cuttings = {}
        return PreparedRecord(tuple(predictor.prepare(part, cut) for predictor in self._predictors), begin)

    def seconds(self, record: Record) -> float:
        """Return how much of a record is heard."""
        excerpt = self._answer.excerpt
        return record.duration if excerpt is None else excerpt.cut(record)[0].duration

    def process(
        self, records: list[Record], prepared: list[PreparedRecord]
    ) -> list[list[Record] | Exception]:
        """Score a group of records; one that cannot be read to its end spoils no other."""
        scores = score_together(self._predictors, [one.prepared for one in prepared], self._jobs)
        return [
            one if isinstance(one, Exception) else [self._teller.of(record, heard.begin, one)]
            for record, heard, one in zip(records, prepared, scores, strict=True)
        ]


def predict(run: Run, models: Sequence[str], answer: PredictionOutput, **settings: Any) -> None:
    """Predict for the items of a run.

    Parameters
    ----------
    run : Run
        The harness.
    models : sequence of str
        The model directories.
    answer : PredictionOutput
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
    answer: PredictionOutput,
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
