"""Training a model: records in, a model directory out; the whole survives being killed at any point."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .. import __version__
from ..device import tune_malloc
from ..errors import FeatureError, ImtoolsWarning, ModelError, UsageError
from ..features.front_ends.base import FrontEnd
from ..labels import classes_of, label_matrix
from ..manifest import Record
from ..models import build, bundle
from ..models.description import Description, Member
from ..units import samples_to_seconds
from .card import model_card
from .config import TrainConfig
from .data import Examples
from .engine import Report, Trained, Trainer
from .folds import Fold, plan_folds
from .history import Epoch, write_history
from .rows import Rows, Shape, kind_of, stored_rows

CHECKPOINTS_NAME = "checkpoints"
"""Folder of a model directory that holds checkpoints while its training goes on."""

_PACKAGES = ("torch", "numpy", "safetensors")
_THRESHOLD = 0.5

Labels = NDArray[np.bool_]


def check(records: Sequence[Record], config: TrainConfig, shape: Shape) -> None:
    """Raise what `fit` would raise of labels, folds and net, before the features have been computed.

    Parameters
    ----------
    records, config
        As for `fit`.
    shape : tuple of int
        ``(bins, frames)`` of the features.
    """
    classes = _classes(records, config)
    present, known = label_matrix(records, classes, config.unlisted)
    for fold in plan_folds(records, config.folds, seed=config.seed):
        _check_labels(present[fold.train], known[fold.train], fold)
    build(config.architecture, num_classes=len(classes), input_shape=shape, width=config.width)


def fit(
    records: Sequence[Record],
    folder: str | os.PathLike[str],
    config: TrainConfig,
    *,
    rows: Rows | None = None,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    resume: bool = False,
    report: Report | None = None,
) -> Description:
    """Train a member for each fold, and write the model directory.

    Parameters
    ----------
    records : sequence of Record
        With labels, and features of one kind and one front end.
    folder : path
        The model directory; ``history.jsonl`` and checkpoints lie there while training goes on.
    config : TrainConfig
        The settings.
    rows : Rows, optional
        The features, one row for each record; by default those that the records have stored.
    device : torch.device
        Where to compute, by default the CPU.
    dtype : torch.dtype
        In what: ``torch.float32`` or ``torch.bfloat16`` (the weights stay float32).
    resume : bool
        Go on from the checkpoints that an interrupted training left; on a CPU the weights are the same,
        byte for byte, as without the interruption. Otherwise checkpoints are deleted.
    report : callable, optional
        Called after each epoch with an ``Epoch`` and the seconds it took.

    Returns
    -------
    Description
        Of the model that the folder now holds.

    Raises
    ------
    FeatureError
        If features are missing, or not of one front end and shape.
    UsageError
        If folds or settings do not fit the records, or checkpoints belong to another training.
    ModelError
        If nothing can be learnt: no class has both examples that have it and examples that have not.

    Warns
    -----
    ImtoolsWarning
        If single classes have no known positives or negatives, or a member answers the same always.
    """
    device = device or torch.device("cpu")
    if device.type == "cpu":
        tune_malloc()
    if rows is None:
        rows = stored_rows(records, kind_of(records, config.features))
    classes = _classes(records, config)
    examples = Examples(rows, records, classes, config.unlisted)
    front_end = rows.front_end
    window = _window(records, front_end, examples)
    folds = plan_folds(records, config.folds, seed=config.seed)
    for fold in folds:
        present, known = examples.present[fold.train], examples.known[fold.train]
        _check_labels(present, known, fold)
        _warn_of_classes(present, known, fold, classes)

    digest = records_digest(records, front_end.config_hash)
    setting = [digest, examples.digest(), config.to_json(), device.type, str(dtype), __version__]
    fingerprint = _sha256(json.dumps(setting, sort_keys=True))
    folder = Path(folder)
    checkpoints = folder / CHECKPOINTS_NAME
    if resume and (done := _finished(folder, fingerprint)) is not None:
        shutil.rmtree(checkpoints, ignore_errors=True)  # killed just before it went
        return done
    if not resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
        (folder / bundle.DESCRIPTION_NAME).unlink(missing_ok=True)  # what is complete has a description
    trained = _train_all(
        folds, examples, config, front_end, device, dtype, folder, fingerprint, report or (lambda *_: None)
    )

    description = Description(
        name=config.name or config.architecture,
        architecture=config.architecture,
        width=config.width,
        labels=classes,
        front_end=front_end.config,
        front_end_hash=front_end.config_hash,
        shape=examples.shape,
        window=window,
        hop=config.hop or window,
        thresholds=[_THRESHOLD] * len(classes),
        members=[_member(one) for one in trained],
        training={
            "records": digest,
            "fingerprint": fingerprint,
            "config": config.to_json(),
            "device": device.type,
            "precision": str(dtype).removeprefix("torch."),
        },
        versions={"imtools": __version__} | {name: version(name) for name in _PACKAGES},
    )
    if description.degenerate:
        message = f"{folder}: the model gives nearly the same answer for every validation record"
        warnings.warn(ImtoolsWarning(message), stacklevel=2)
    parameters = sum(tensor.numel() for key, tensor in trained[0].state.items() if _is_parameter(key))
    card = model_card(description, config, trained, examples, records, parameters)
    description = bundle.save(folder, description, [one.state for one in trained], card)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return description


def _train_all(
    folds: Sequence[Fold],
    examples: Examples,
    config: TrainConfig,
    front_end: FrontEnd,
    device: torch.device,
    dtype: torch.dtype,
    folder: Path,
    fingerprint: str,
    report: Report,
) -> list[Trained]:
    """Train fold after fold; the history file holds all epochs so far, whatever was interrupted when."""
    trained: list[Trained] = []
    earlier: list[Epoch] = []
    for fold in folds:
        trainer = Trainer(examples, fold, config, front_end.config, device, dtype)
        path = folder / CHECKPOINTS_NAME / f"{fold.name}.safetensors"
        one = trainer.train(path, fingerprint, report)
        trained.append(one)
        earlier += one.history
        write_history(folder, earlier)
    return trained


def records_digest(records: Sequence[Record], front_end_hash: str) -> str:
    """Return ``"sha256:..."`` of what training reads of the records, wherever their files lie."""
    lines = [
        [
            record.id,
            [(label.label, label.presence) for label in record.labels],
            record.labels_complete,
            record.groups,
            record.split,
            record.fold,
            front_end_hash,
        ]
        for record in records
    ]
    return _sha256(json.dumps(lines))


def _finished(folder: Path, fingerprint: str) -> Description | None:
    """Return the description of a training that was completed before, if it is this one."""
    if not (folder / bundle.DESCRIPTION_NAME).exists():
        return None
    description = bundle.read_description(folder)
    if description.training.get("fingerprint") != fingerprint:
        hint = "give the same records and options, or --force to start over"
        raise UsageError(f"{folder}: holds a model of other records or options", hint)
    return description


def _window(records: Sequence[Record], front_end: FrontEnd, examples: Examples) -> float:
    """Return the length of the records in seconds, after checking that the features span them."""
    rate = front_end.sampling_rate
    lengths = sorted({record.at_rate(rate).num_samples for record in records})
    for length in lengths:
        if (front_end.bins, front_end.frames(length)) != examples.shape:
            odd = next(record.id for record in records if record.at_rate(rate).num_samples == length)
            shape = "x".join(map(str, examples.shape))
            raise FeatureError(
                f"record {odd}: features of {shape} do not span its {length} samples at {rate} Hz",
                "compute them from the segments themselves (im-segment, then im-features)",
            )
    return samples_to_seconds(lengths[-1], rate)


def _classes(records: Sequence[Record], config: TrainConfig) -> list[str]:
    """Return what to recognise."""
    classes = list(config.classes) if config.classes is not None else classes_of(records)
    if not classes:
        raise ModelError("the records have no labels to learn", "label them with im-index --layout")
    return classes


def _check_labels(present: Labels, known: Labels, fold: Fold) -> None:
    """Check that the training records of a fold, (n, classes), have something to tell apart."""
    if not ((known & ~present).any(axis=0) & present.any(axis=0)).any():
        raise ModelError(
            f"{fold.name}: no class has both records that have it and records known not to",
            "pass --unlisted absent if the labels name everything that sounds",
        )


def _warn_of_classes(present: Labels, known: Labels, fold: Fold, classes: Sequence[str]) -> None:
    """Warn of the classes of which the training records of a fold show one side only."""
    for what, has in (("to be present", present), ("to be absent", known & ~present)):
        if names := [classes[column] for column in np.flatnonzero(~has.any(axis=0)).tolist()]:
            message = f"{fold.name}: no training record is known for {', '.join(names)} {what}"
            warnings.warn(ImtoolsWarning(message), stacklevel=3)


def _member(trained: Trained) -> Member:
    return Member(
        prefix=trained.fold.name,
        fold=trained.fold.number,
        epoch=trained.best.epoch,
        mean=trained.statistics.mean,
        std=trained.statistics.std,
        validation=trained.best.validation(),
        degenerate=trained.degenerate,
    )


def _is_parameter(key: str) -> bool:
    """Return whether a tensor of a state is trained: the others are running statistics."""
    return key.rsplit(".", 1)[1] in ("weight", "bias")


def _sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
