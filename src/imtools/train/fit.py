"""Training a model: records in, a model directory out; the whole survives being killed at any point."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .. import __version__
from ..device import tune_malloc
from ..errors import FeatureError, ImtoolsWarning, ModelError, UsageError
from ..features.front_ends.base import FrontEnd
from ..labels import Unlisted, classes_of, label_matrix
from ..manifest import Record
from ..manifest.values import Json
from ..models import build, bundle
from ..models.description import Description, Member
from ..units import samples_to_seconds
from .card import model_card
from .config import TrainConfig
from .data import Examples, Statistics
from .engine import Report, Trained, Trainer
from .extend import Base
from .folds import Fold, plan_folds
from .history import Epoch, validation_metrics, write_history
from .processes import Processes
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
    present, known = label_matrix(records, classes, _unlisted(config))
    for fold in plan_folds(records, config.folds, division=config.division, seed=config.seed):
        _check_labels(present[fold.train], known[fold.train], fold)
    if config.strategy != "svm":
        build(config.architecture, num_classes=len(classes), input_shape=shape, width=config.width)


def fit(
    records: Sequence[Record],
    folder: str | os.PathLike[str],
    config: TrainConfig,
    *,
    rows: Rows | None = None,
    transform: FrontEnd | None = None,
    extend: str | os.PathLike[str] | None = None,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    processes: Processes | None = None,
    resume: bool = False,
    report: Report | None = None,
) -> Description:
    """Train a member for each fold (one-vs-all: and each class), and write the model directory.

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
    transform : FrontEnd, optional
        On the device: the rows are waveforms, and this computes the features of each batch.
    extend : path, optional
        One-vs-all: a model whose members are taken over as they are, and whose classes are not trained.
    device : torch.device
        Where to compute, by default the CPU.
    dtype : torch.dtype
        In what: ``torch.float32`` or ``torch.bfloat16`` (the weights stay float32).
    processes : Processes, optional
        Which of several processes this is. All give the same arguments; the first writes the files.
    resume : bool
        Go on from the checkpoints that an interrupted training left; on a CPU the weights are the same,
        byte for byte, as without the interruption. Otherwise checkpoints are deleted.
    report : callable, optional
        Called after each epoch with the ``Epoch`` of each net, and the seconds it took.

    Returns
    -------
    Description
        Of the model that the folder now holds.

    Raises
    ------
    FeatureError
        If features are missing, or not of one front end and shape.
    UsageError
        If folds or settings do not fit the records, the model to extend, or checkpoints of another training.
    ModelError
        If nothing can be learnt: no class has both examples that have it and examples that have not.

    Warns
    -----
    ImtoolsWarning
        If single classes have no known positives or negatives, or a member answers the same always.
    """
    device, processes = device or torch.device("cpu"), processes or Processes()
    if device.type == "cpu":
        tune_malloc()
    if rows is None:
        rows = stored_rows(records, kind_of(records, config.features))
    base = None if extend is None else Base.read(extend, config)
    classes = _classes(records, config)
    if base is not None:
        classes = base.with_classes(classes)
    examples = Examples(rows, records, classes, _unlisted(config), transform)
    front_end = examples.front_end
    window = _window(records, front_end, examples)
    if base is not None:
        base.check(front_end, examples.shape, window)
    only = classes if base is None else [label for label in classes if label not in base.description.labels]
    folds = plan_folds(records, config.folds, division=config.division, seed=config.seed)
    for fold in folds:
        present, known = examples.present[fold.train], examples.known[fold.train]
        _check_labels(present, known, fold)
        if processes.leads:
            _warn_of_classes(present, known, fold, classes, only)

    digest = records_digest(records, front_end.config_hash)
    setting: list[Json] = [digest, examples.digest(), config.to_json(), device.type, str(dtype), __version__]
    setting += [only, None if base is None else base.description.weights, processes.size]
    fingerprint = _sha256(json.dumps(setting, sort_keys=True))
    folder = Path(folder)
    checkpoints = folder / CHECKPOINTS_NAME
    if resume and (done := _finished(folder, fingerprint)) is not None:
        processes.wait()
        shutil.rmtree(checkpoints, ignore_errors=True)  # killed just before it went
        return done
    if not resume and processes.leads:
        shutil.rmtree(checkpoints, ignore_errors=True)
        (folder / bundle.DESCRIPTION_NAME).unlink(missing_ok=True)  # what is complete has a description
    processes.wait()

    trained: list[Trained] = []
    history: list[Epoch] = []
    for fold in folds:
        part = _Part(records, examples, fold, config, classes, only, device, dtype, processes)
        if config.strategy == "svm":
            trained += _train_svm(part, report)
            history += trained[-1].history
        else:
            path = checkpoints / f"{fold.name}.safetensors"
            trained += _train_nets(part, path, fingerprint, folder, history, report)
        if processes.leads:
            write_history(folder, history)

    description = Description(
        name=config.name or config.architecture,
        architecture=config.architecture,
        width=config.width,
        strategy=config.strategy,
        labels=classes,
        front_end=front_end.config,
        front_end_hash=front_end.config_hash,
        shape=examples.shape,
        window=window,
        hop=config.hop or window,
        thresholds=[_THRESHOLD] * len(classes),
        members=[_member(one, classes) for one in trained],
        aggregation=config.aggregation,
        stereo=config.stereo,
        training={
            "records": digest,
            "fingerprint": fingerprint,
            "config": config.to_json(),
            "device": device.type,
            "precision": str(dtype).removeprefix("torch."),
            "processes": processes.size,
            "validation": [_together(examples, fold, trained, classes) for fold in folds],
        },
        versions={"imtools": __version__} | {name: version(name) for name in _PACKAGES},
    )
    if not processes.leads:
        return description
    states = [one.state for one in trained]
    if flagged := [member.prefix for member in description.members if member.degenerate]:
        what = "the model gives" if len(flagged) == len(trained) else f"{', '.join(flagged)} give"
        message = f"{folder}: {what} nearly the same answer for every validation record"
        warnings.warn(ImtoolsWarning(message), stacklevel=2)
    if base is not None:
        description = replace(description, members=[*base.description.members, *description.members])
        states = [*base.states, *states]
    name = None if base is None else base.name
    card = model_card(description, config, trained, examples, records, name)
    description = bundle.save(folder, description, states, card)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return description


@dataclass(frozen=True)
class _Part:
    """What is trained on one division."""

    records: Sequence[Record]
    examples: Examples
    fold: Fold
    config: TrainConfig
    classes: list[str]
    only: list[str]
    device: torch.device
    dtype: torch.dtype
    processes: Processes


def _train_nets(
    part: _Part,
    checkpoint: Path,
    fingerprint: str,
    folder: Path,
    history: list[Epoch],
    report: Report | None,
) -> list[Trained]:
    """Train on one division; the history file holds all epochs so far, whatever was interrupted when."""
    trainer = Trainer(
        part.examples,
        part.fold,
        part.config,
        part.classes,
        part.device,
        part.dtype,
        processes=part.processes,
        only=part.only,
    )

    def note(rows: list[Epoch], seconds: float) -> None:
        write_history(folder, [*history, *trainer.history()])
        if report is not None:
            report(rows, seconds)

    trained = trainer.train(checkpoint, fingerprint, note)
    history += trainer.history()
    return trained


def _train_svm(part: _Part, report: Report | None) -> list[Trained]:
    from .svm import train_svm  # scikit-learn takes a second to load

    start, fold = time.perf_counter(), part.fold
    svm = train_svm(part.examples, fold, part.config, records=part.records)
    epoch = Epoch(fold.number, None, 0, 0.0, svm.train_loss, svm.validation_loss, svm.metrics)
    if report is not None:
        report([epoch], time.perf_counter() - start)
    # It standardises every dimension for itself.
    return [Trained(fold, None, svm.state, Statistics(0.0, 1.0), [epoch], 0, svm.scores)]


def _together(
    examples: Examples, fold: Fold, trained: Sequence[Trained], classes: Sequence[str]
) -> dict[str, Json]:
    """Return how good all nets of one division are together, on its validation records."""
    own = [one for one in trained if one.fold is fold]
    labels = {one.label for one in own}
    columns = [column for column, label in enumerate(classes) if labels & {None, label}]
    scores = np.concatenate([one.scores for one in own], axis=1)
    present, known = (y[fold.validation][:, columns] for y in (examples.present, examples.known))
    metrics = validation_metrics(present, scores, known)
    return {"fold": fold.number, "records": len(fold.validation), **metrics}


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


def _unlisted(config: TrainConfig) -> Unlisted:
    """Return what an unlisted class is: of classes that exclude each other, the named one rules it out."""
    return "absent" if config.strategy == "single-label" else config.unlisted


def _check_labels(present: Labels, known: Labels, fold: Fold) -> None:
    """Check that the training records of a fold, (n, classes), have something to tell apart."""
    if not ((known & ~present).any(axis=0) & present.any(axis=0)).any():
        raise ModelError(
            f"{fold.name}: no class has both records that have it and records known not to",
            "pass --unlisted absent if the labels name everything that sounds",
        )


def _warn_of_classes(
    present: Labels, known: Labels, fold: Fold, classes: Sequence[str], only: Sequence[str]
) -> None:
    """Warn of the trained classes of which the training records of a fold show one side only."""
    for what, has in (("to be present", present), ("to be absent", known & ~present)):
        bare = [classes[column] for column in np.flatnonzero(~has.any(axis=0)).tolist()]
        if names := [label for label in bare if label in only]:
            message = f"{fold.name}: no training record is known for {', '.join(names)} {what}"
            warnings.warn(ImtoolsWarning(message), stacklevel=3)


def _member(trained: Trained, classes: Sequence[str]) -> Member:
    name, label = trained.fold.name, trained.label
    return Member(
        prefix=name if label is None else f"{name}.{classes.index(label)}",
        fold=trained.fold.number,
        label=label,
        epoch=trained.best.epoch,
        mean=trained.statistics.mean,
        std=trained.statistics.std,
        validation=trained.best.validation(),
        degenerate=trained.degenerate,
    )


def _sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
