"""The calibration stage: from labelled predictions of a model to a model whose scores are probabilities."""

from __future__ import annotations

from ..calibrate import calibratable, calibrate_model
from ..calibrate.model import check_distinct
from ..choices import Unlisted
from ..errors import UsageError
from ..models.bundle import full_name
from ..run import Run
from ..score import LabelledPredictions
from .inputs import inputs_of, items_of, take_in


def calibrate(run: Run, model: str, *, unlisted: Unlisted) -> None:
    """Fit slopes and offsets to labelled predictions of a model, and write the model with them.

    One line goes to standard output: what was fitted, and the calibration error before and after.

    Parameters
    ----------
    run : Run
        The harness; the new model is written to its output directory.
    model : str
        The model directory.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list.

    Raises
    ------
    UsageError
        If there is no output directory, or it is that of the model; or as `calibrate_model`.
    ModelError
        If the directory contains no model.
    """
    if run.folder is None:
        raise UsageError("a calibrated model needs a place", "name a directory with -o")
    name = full_name(calibratable(model))
    check_distinct(model, run.folder)
    predictions = LabelledPredictions()
    with run.clock.measure("read"):
        for source in inputs_of(run):
            take_in(run, items_of(run, source), predictions.add)
    if run.options.dry_run:
        run.say(f"dry run: model {name} would be calibrated on {len(predictions)} records")
        return
    with run.clock.measure("fit"):
        calibrated = calibrate_model(model, predictions, unlisted=unlisted)
    run.start()
    saved = calibrated.save(run.folder)
    run.emit([{"model": saved, "of": name} | calibrated.to_json()])
