"""Calibrating a model: slopes and offsets of its logits, built into its output layer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..choices import Unlisted
from ..errors import UsageError
from ..manifest import Record
from ..manifest.values import Json
from ..score.collect import LabelledPredictions, LabelledScores, collect
from .fit import BINS, Calibration, Reliability, fit, reliability

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.description import Description

_PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class CalibratedModel:
    """A model whose scores are probabilities, in memory.

    Attributes
    ----------
    folder : Path
        The directory of the model before calibration.
    name : str
        The name of the model before calibration, ``"name@hash"``.
    calibration : Calibration
        What was fitted.
    num_records : int
        How many records it was fitted to.
    before, after : Reliability
        The reliability of the scores of these records.
    description : Description
        The new description: with thresholds at which the calibrated scores give the decisions of before.
    states : sequence of dict of str to Tensor
        The tensors of each member, with the changed output layers.
    card : str
        The new model card, in Markdown, with ``{name}`` for the full name of the model.
    """

    folder: Path
    name: str
    calibration: Calibration
    num_records: int
    before: Reliability
    after: Reliability
    description: Description
    states: Sequence[dict[str, Tensor]]
    card: str

    def to_json(self) -> dict[str, Json]:
        """Return what was fitted, and the calibration error and Brier score before and after."""
        return _report(self.calibration, self.num_records, self.before, self.after)

    def save(self, folder: _PathLike) -> str:
        """Write the model to a directory.

        Parameters
        ----------
        folder : path-like
            The directory; it is created if it does not exist.

        Returns
        -------
        str
            The full name of the new model.

        Raises
        ------
        UsageError
            If it is the directory of the model before calibration.
        """
        from ..models.bundle import full_name, save

        check_distinct(self.folder, folder)
        return full_name(save(folder, self.description, self.states, self.card))


def check_distinct(folder: _PathLike, output: _PathLike) -> None:
    """Check that the calibrated model will not overwrite the model itself.

    Parameters
    ----------
    folder : path-like
        The directory of the model.
    output : path-like
        The directory for the calibrated model.

    Raises
    ------
    UsageError
        If they are the same.
    """
    from ..models.bundle import DESCRIPTION_NAME
    from ..models.locate import locate

    if (Path(output) / DESCRIPTION_NAME).exists() and Path(output).samefile(locate(folder)):
        raise UsageError(f"{output}: is the model itself", "name another directory")


def calibratable(folder: _PathLike) -> Description:
    """Return the description of a model that can be calibrated.

    Parameters
    ----------
    folder : path-like
        The model directory.

    Returns
    -------
    Description
        Its description.

    Raises
    ------
    UsageError
        If its scores are not those of one sigmoid for each class.
    ModelError
        If the directory contains no model.
    """
    from ..models.bundle import read_description

    description = read_description(folder)
    if description.strategy != "multi-label":
        what = f"{os.fspath(folder)}: its scores are not of one sigmoid for each class "
        raise UsageError(f"{what}({description.strategy})", "calibrate a multi-label model")
    return description


def calibrate_model(
    folder: _PathLike, records: Iterable[Record] | LabelledPredictions, *, unlisted: Unlisted = "unknown"
) -> CalibratedModel:
    """Fit slopes and offsets to labelled predictions of a model, and build them into its output layer.

    The calibrated model ranks the items of each class as before, and at its new thresholds makes the same
    decisions, for items of one window.

    Parameters
    ----------
    folder : path-like
        The model directory, which does not change.
    records : iterable of Record, or LabelledPredictions
        Items with labels and predictions of this model, which it should not have been trained on.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list.

    Returns
    -------
    CalibratedModel
        The new model: call its ``save`` to write it.

    Raises
    ------
    UsageError
        If the model's scores are not of one sigmoid for each class, the predictions are of other models, or
        there are too few of them.
    ModelError
        If the directory contains no model.

    Examples
    --------
    >>> model = calibrate_model("model/", read_manifest("held-out.jsonl"))  # doctest: +SKIP
    >>> model.before.error, model.after.error  # doctest: +SKIP
    (0.0721, 0.0183)
    >>> model.save("calibrated/")  # doctest: +SKIP
    'net@9b2c11fe'
    """
    from ..models.bundle import full_name, read_card, read_states

    description = calibratable(folder)
    name = full_name(description)
    collected = records if isinstance(records, LabelledPredictions) else collect(records)
    data = _scores_of(collected, description, name, unlisted)
    calibration = fit(data.classes, data.y_true, data.y_score, data.known)
    before = reliability(data.y_true, data.y_score, data.known)
    after = reliability(data.y_true, calibration.apply(data.y_score), data.known)
    report = _report(calibration, len(data.ids), before, after)
    changed = replace(
        description,
        thresholds=_thresholds(description, calibration),
        training=description.training | {"calibration": {"of": name} | report},
    )
    states = [
        _with_calibration(state, description, calibration) for state in read_states(folder, description)
    ]
    card = read_card(folder).rstrip("\n").replace(name, "{name}")
    card += f"\n\n{_card_section(report, name)}\n"
    return CalibratedModel(
        Path(folder), name, calibration, len(data.ids), before, after, changed, states, card
    )


def _scores_of(
    collected: LabelledPredictions, description: Description, name: str, unlisted: Unlisted
) -> LabelledScores:
    if collected.models and name not in collected.models:
        what = f"these are predictions of {', '.join(collected.models)}, not of model {name}"
        raise UsageError(what, "predict with this very model")
    return collected.labelled_scores(name, classes=description.labels, unlisted=unlisted)


def _report(
    calibration: Calibration, num_records: int, before: Reliability, after: Reliability
) -> dict[str, Json]:
    slopes, offsets = calibration.slopes.tolist(), calibration.offsets.tolist()
    return {
        "records": num_records,
        "calibration_error": {"before": round(before.error, 6), "after": round(after.error, 6)},
        "brier": {"before": round(before.brier, 6), "after": round(after.brier, 6)},
        "classes": {
            label: {"slope": round(slope, 6), "offset": round(offset, 6), "own": label in calibration.fitted}
            for label, slope, offset in zip(calibration.classes, slopes, offsets, strict=True)
        },
    }


def _with_calibration(
    state: dict[str, Tensor], description: Description, calibration: Calibration
) -> dict[str, Tensor]:
    """Return the tensors of a network whose output layer computes the calibrated logits itself."""
    import torch

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


def _card_section(report: dict[str, Json], before: str) -> str:
    error, brier = report["calibration_error"], report["brier"]
    rows = ["| class | slope | offset |", "|---|---:|---:|"]
    rows += [
        f"| {label} | {own['slope']:.3f} | {own['offset']:.3f} |" for label, own in report["classes"].items()
    ]
    return (
        f"## Calibration\n\nThe output layer of {before} was changed such that scores are probabilities "
        f"(Platt 1999), fitted to its predictions for {report['records']} records. On these the expected "
        f"calibration error ({BINS} bins) goes from {error['before']:.4f} to {error['after']:.4f}, the Brier "
        f"score from {brier['before']:.4f} to {brier['after']:.4f}. Validation above is that of before.\n\n"
    ) + "\n".join(rows)
