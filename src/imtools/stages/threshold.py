"""The threshold stages: fitting thresholds to labelled predictions, and applying them to predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..choices import Aggregation, Objective, Unlisted
from ..manifest import Record
from ..run import RecordStage, Run, execute
from ..thresholds import (
    PredictionsByModel,
    ThresholdMarker,
    ThresholdsFile,
    fit_records,
    write_thresholds,
)
from .inputs import inputs_of, items_of, take_in


def fit(
    run: Run,
    *,
    objective: Objective,
    target: float,
    common: bool,
    unlisted: Unlisted,
    classes: Sequence[str] | None,
    model: str | None,
    aggregation: Aggregation | None,
    into: str | None,
) -> ThresholdsFile | None:
    """Fit thresholds to the labelled predictions of a run, for every model among them.

    Parameters
    ----------
    run : Run
        The harness. Its inputs may have predictions of several models for the same records.
    objective, target, common, unlisted, classes, model, aggregation
        See `imtools.thresholds.fit_records`.
    into : str or None
        A model directory to write the thresholds of that model into.

    Returns
    -------
    ThresholdsFile or None
        ``None`` in a dry run.

    Raises
    ------
    UsageError
        If there are no predictions to fit to, or they are of another model than that of the directory.
    """
    predictions = PredictionsByModel(aggregation)
    with run.clock.measure("read"):
        for name in inputs_of(run):
            take_in(run, items_of(run, name), predictions.add, count=False)
    if run.options.dry_run:
        run.say(f"dry run: thresholds would be fitted to {len(predictions)} records")
        return None
    run.start()
    with run.clock.measure("fit"):
        file = fit_records(
            predictions,
            objective=objective,
            target=target,
            common=common,
            unlisted=unlisted,
            classes=classes,
            model=model,
        )
    for _ in range(len(predictions)):
        run.succeed()
    if into is not None:
        write_thresholds(into, file, aggregation=aggregation)
    return file


class ApplyStage(RecordStage):
    """Marks which predictions for whole items count as present.

    Parameters
    ----------
    file : ThresholdsFile
        The thresholds. Predictions of models and classes without a threshold stay as they are.
    """

    prepare_step = "apply"
    group_size = 256

    def __init__(self, file: ThresholdsFile) -> None:
        self._marker = ThresholdMarker(file)

    def begin(self, kept: Iterator[Record]) -> None:
        """Count the records of an earlier run."""
        for record in kept:
            self._marker.count(record)

    def prepare(self, record: Record) -> list[Record]:
        """Mark the predictions of one record."""
        return [self._marker.mark(record)]

    def process(self, records: list[Record], prepared: list[list[Record]]) -> list[list[Record]]:
        """Count the records, and pass them on."""
        for record in records:
            self._marker.count(record)
        return prepared

    def end(self) -> None:
        """Warn if the thresholds were fitted on some of this, or did not apply to some or any of it."""
        self._marker.warn()


def apply(run: Run, path: str) -> None:
    """Mark the predictions of a run by the thresholds in a file.

    Parameters
    ----------
    run : Run
        The harness.
    path : str
        A thresholds file.

    Raises
    ------
    ImtoolsError
        If the file cannot be read.
    """
    execute(run, ApplyStage(ThresholdsFile.load(path)), run.items())
