"""The calibration stage: labelled predictions of a model in, a model whose scores are probabilities out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..calibrate.fit import BINS, Calibration, reliability
from ..calibrate.fit import fit as fit_calibration
from ..errors import UsageError
from ..labels import Unlisted
from ..manifest.values import Json
from ..models.bundle import (
    DESCRIPTION_NAME,
    full_name,
    read_card,
    read_description,
    read_states,
    save,
)
from ..models.description import Description
from ..models.locate import locate
from ..run import Run
from ..score import Collected, LabelledScores
from .inputs import inputs_of, items_of, take_in


def calibrate(run: Run, model: str, *, unlisted: Unlisted) -> None:
    """Fit slopes and offsets to labelled predictions of a model, and write the model with them.

    One line goes to standard output: what was fitted, and the calibration error before and after.

    Parameters
    ----------
    run : Run
        The harness; the new model goes to its output directory.
    model : str
        The model directory.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list.

    Raises
    ------
    UsageError
        If there is no output directory, the predictions are of other models, or they do not suffice.
    ModelError
        If the directory holds no model, or one whose scores are not of sigmoids.
    """
    if run.folder is None:
        raise UsageError("a calibrated model needs a place", "name a directory with -o")
    description = read_description(model)
    if description.strategy != "multi-label":
        what = f"{model}: its scores are not of one sigmoid for each class ({description.strategy})"
        raise UsageError(what, "calibrate a multi-label model")
    if (run.folder / DESCRIPTION_NAME).exists() and run.folder.samefile(locate(model)):
        raise UsageError(f"{run.folder}: is the model itself", "name another directory with -o")
    collected, held = Collected(), 0
    with run.clock.measure("read"):
        for name in inputs_of(run):
            held += take_in(run, items_of(run, name), collected.add)
    if run.options.dry_run:
        run.say(f"dry run: model {full_name(description)} would be calibrated on {held} records")
        return
    data = _own(collected, description, unlisted)
    with run.clock.measure("fit"):
        calibration = fit_calibration(data.classes, data.Y, data.S, data.known)
    run.start()
    found = _found(calibration, data)
    states = [_calibrated(state, description, calibration) for state in read_states(model, description)]
    changed = replace(
        description,
        thresholds=_thresholds(description, calibration),
        training=description.training | {"calibration": {"of": full_name(description)} | found},
    )
    card = read_card(model).rstrip("\n").replace(full_name(description), "{name}")
    card += f"\n\n{_section(found, full_name(description))}\n"
    saved = save(run.folder, changed, states, card)
    run.emit([{"model": full_name(saved), "of": full_name(description)} | found])


def _own(collected: Collected, description: Description, unlisted: Unlisted) -> LabelledScores:
    name = full_name(description)
    if collected.models and name not in collected.models:
        what = f"these are predictions of {', '.join(collected.models)}, not of model {name}"
        raise UsageError(what, "predict with this very model")
    return collected.of(name, classes=description.labels, unlisted=unlisted)


def _found(calibration: Calibration, data: LabelledScores) -> dict[str, Json]:
    before = reliability(data.Y, data.S, data.known)
    after = reliability(data.Y, calibration.apply(data.S), data.known)
    slopes, offsets = calibration.slopes.tolist(), calibration.offsets.tolist()
    return {
        "records": len(data.ids),
        "calibration_error": {"before": round(before.error, 6), "after": round(after.error, 6)},
        "brier": {"before": round(before.brier, 6), "after": round(after.brier, 6)},
        "classes": {
            label: {"slope": round(slope, 6), "offset": round(offset, 6), "own": label in calibration.fitted}
            for label, slope, offset in zip(calibration.classes, slopes, offsets, strict=True)
        },
    }


def _calibrated(
    state: dict[str, Tensor], description: Description, calibration: Calibration
) -> dict[str, Tensor]:
    """Return the tensors of a net whose output layer gives the changed logits itself."""
    from ..models import build
    from ..models.output import output_layer

    net = build(
        description.architecture,
        num_classes=len(description.labels),
        input_shape=description.shape,
        width=description.width,
    )
    name, _ = output_layer(net)
    slopes, offsets = (torch.from_numpy(part) for part in (calibration.slopes, calibration.offsets))
    weight, bias = (state[f"{name}.{part}"] for part in ("weight", "bias"))
    scaled = weight.double() * slopes.reshape(-1, *[1] * (weight.ndim - 1))
    moved = bias.double() * slopes + offsets
    return state | {f"{name}.weight": scaled.to(weight.dtype), f"{name}.bias": moved.to(bias.dtype)}


def _thresholds(description: Description, calibration: Calibration) -> list[float]:
    """Return the thresholds at which the calibrated scores give the decisions of before."""
    return [float(value) for value in calibration.apply([description.thresholds])[0]]


def _section(found: dict[str, Any], before: str) -> str:
    error, brier = found["calibration_error"], found["brier"]
    rows = ["| class | slope | offset |", "|---|---:|---:|"]
    rows += [
        f"| {label} | {one['slope']:.3f} | {one['offset']:.3f} |" for label, one in found["classes"].items()
    ]
    return (
        f"## Calibration\n\nThe output layer of {before} was changed such that scores are probabilities "
        f"(Platt 1999), fitted to its predictions for {found['records']} records. On these the expected "
        f"calibration error ({BINS} bins) goes from {error['before']:.4f} to {error['after']:.4f}, the Brier "
        f"score from {brier['before']:.4f} to {brier['after']:.4f}. Validation above is that of before.\n\n"
    ) + "\n".join(rows)
