"""The prediction stage: records in, the same records with scores out."""

from __future__ import annotations

from collections.abc import Sequence

from ..device import resolve_device, resolve_precision
from ..manifest import Prediction, Record
from ..models.bundle import load
from ..predict.predictor import Floats, Predictor, Prepared, Scores
from ..run import Run, Stage, execute


class PredictStage(Stage[Prepared]):
    """Reads waveforms or features in workers and scores them in batches.

    Parameters
    ----------
    predictor : Predictor
        The model at work.
    windows : bool
        Give the scores of each window too.
    """

    group_size = 64
    prepare_step = "decode"
    process_step = "model"

    def __init__(self, predictor: Predictor, *, windows: bool) -> None:
        self._predictor, self._windows = predictor, windows

    def prepare(self, record: Record) -> Prepared:
        """Read what is to be scored of one record."""
        return self._predictor.prepare(record)

    def process(self, records: list[Record], prepared: list[Prepared]) -> list[list[Record]]:
        """Score a group of records."""
        scores = self._predictor.score(prepared)
        return [[self._with_scores(r, s)] for r, s in zip(records, scores, strict=True)]

    def _with_scores(self, record: Record, scores: Scores) -> Record:
        model = self._predictor.model
        made = self._predictions(model.name, model.labels, scores.mean, scores.windows, scores)
        for part in scores.members:
            labels = [model.labels[column] for column in part.fold.columns]
            name = f"{model.name}#fold{part.fold.number}"
            made += self._predictions(name, labels, part.mean, part.windows, scores)
        names = {one.model for one in made}
        others = [p for p in record.predictions if p.model not in names]
        return record.replace(predictions=others + made)

    def _predictions(
        self, name: str, labels: Sequence[str], mean: Floats, windows: Floats, scores: Scores
    ) -> list[Prediction]:
        made = [Prediction(name, label, _rounded(score)) for label, score in zip(labels, mean, strict=True)]
        if self._windows:
            for row, start, duration in zip(windows, scores.starts, scores.durations, strict=True):
                made += [
                    Prediction(name, label, _rounded(score), float(start), float(duration))
                    for label, score in zip(labels, row, strict=True)
                ]
        return made


def _rounded(score: float) -> float:
    """Return a score with the six digits that a net in single precision stands for."""
    return round(float(score), 6)


def predict(
    run: Run,
    model: str,
    *,
    hop: float | None,
    stereo: bool | None,
    windows: bool,
    held_out: bool,
    members: bool,
    batch_size: int,
) -> None:
    """Predict for the items of a run.

    Parameters
    ----------
    run : Run
        The harness.
    model : str
        The model directory.
    hop, stereo, held_out, members, batch_size
        See `Predictor`.
    windows : bool
        See `PredictStage`.
    """
    device = resolve_device(run.options.device)
    loaded = load(model, device, resolve_precision(run.options.precision, device))
    predictor = Predictor(
        loaded, hop=hop, stereo=stereo, batch_size=batch_size, held_out=held_out, members=members
    )
    execute(run, PredictStage(predictor, windows=windows), run.items())
