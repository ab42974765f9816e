"""The prediction stage: records in, the same records with predictions out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ..device import resolve_device, resolve_precision
from ..errors import ModelError
from ..manifest import Record
from ..models.bundle import load
from ..models.locate import locate
from ..predict.annotate import PredictionOutput
from ..predict.predictor import PredictSettings
from ..predict.recognizer import PreparedExcerpt, Recognizer
from ..run import Blueprint, Options, Run, Stage, execute
from ..run.settings import content_digest


class PredictStage(Stage[PreparedExcerpt]):
    """Reads waveforms or features in worker threads and scores them in batches.

    Parameters
    ----------
    recognizer : Recognizer
        The models at work.
    blueprint : Blueprint, optional
        How to make the same stage in another process.
    jobs : int
        How many long records are decoded at once.
    """

    group_size = 64
    prepare_step = "decode"
    process_step = "model"

    def __init__(self, recognizer: Recognizer, blueprint: Blueprint | None = None, jobs: int = 1) -> None:
        self._recognizer, self._blueprint, self._jobs = recognizer, blueprint, jobs

    def blueprint(self, options: Options) -> Blueprint | None:
        """Return how to make this stage in another process."""
        return self._blueprint

    def prepare(self, record: Record) -> PreparedExcerpt:
        """Read what is to be scored of one record."""
        return self._recognizer.prepare(record)

    def seconds(self, record: Record) -> float:
        """Return how much of a record is scored, in seconds."""
        return self._recognizer.seconds(record)

    def process(
        self, records: list[Record], prepared: list[PreparedExcerpt]
    ) -> list[list[Record] | Exception]:
        """Score a group of records; one that cannot be read to its end does not affect the others."""
        results = self._recognizer.annotate(records, prepared, threads=self._jobs)
        return [result if isinstance(result, Exception) else [result] for result in results]


def predict(run: Run, models: Sequence[str], settings: PredictSettings, output: PredictionOutput) -> None:
    """Score the records of a run.

    Parameters
    ----------
    run : Run
        The harness.
    models : sequence of str
        Model directories.
    settings : PredictSettings
        How the models score.
    output : PredictionOutput
        Which predictions a record gets.

    Raises
    ------
    ModelError
        If a model cannot be loaded.
    UsageError
        If the settings or the device are wrong, or a model is named twice.
    """
    options = run.options
    # Resolved here: all workers of a cluster have to compute alike.
    bf16 = resolve_precision(options.precision, resolve_device(options.device)) != torch.float32
    folders = [(folder, content_digest(str(folder), "model.json")) for folder in map(locate, models)]
    arguments = (folders, options.device, "bf16" if bf16 else "fp32", settings, output)
    # In other processes, one thread decodes for each that computes: a worker has one for each processor.
    execute(run, make_stage(*arguments, Blueprint(make_stage, arguments), options.jobs), run.items())


def make_stage(
    folders: Sequence[tuple[Path, str]],
    device: str,
    precision: str,
    settings: PredictSettings,
    output: PredictionOutput,
    blueprint: Blueprint | None = None,
    jobs: int = 1,
) -> PredictStage:
    """Make the stage in this process from the paths and digests of its models.

    Parameters
    ----------
    folders : sequence of (Path, str)
        Each model's directory and the digest of its description.
    device, precision : str
        See `imtools.device`.
    settings : PredictSettings
        How the models score.
    output : PredictionOutput
        Which predictions a record gets.
    blueprint : Blueprint, optional
        How to make the same stage in another process.
    jobs : int
        How many long records are decoded at once.

    Raises
    ------
    ModelError
        If a model's description has another digest: this is not the model that was meant.
    """
    place = resolve_device(device)
    models = []
    for folder, digest in folders:
        if content_digest(str(folder), "model.json") != digest:
            hint = "let all workers see the same files under the same paths"
            raise ModelError(f"{folder}: is another model here, or none", hint)
        models.append(load(folder, place, resolve_precision(precision, place)))
    return PredictStage(Recognizer(models, settings, output), blueprint, jobs)
