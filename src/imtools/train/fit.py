"""Training a model: records in, a model directory out; the whole survives being killed at any point."""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from .. import __version__
from ..arrays import BoolArray
from ..device import require_compiler, tune_malloc
from ..errors import ImtoolsWarning, UsageError
from ..features.front_ends.base import FrontEnd
from ..hashing import text_sha256
from ..manifest import Record
from ..manifest.values import Json
from ..models import bundle
from ..models.description import Description, Member
from .card import model_card
from .examples.data import Examples, FeatureStatistics, features_of
from .examples.folds import Fold
from .examples.rows import Rows, kind_of, stored_rows
from .loop.engine import Report, Trained, Trainer
from .loop.history import Epoch, validation_metrics, write_history
from .loop.processes import Processes
from .plan import make_plan
from .pretrained import Base, Start
from .protocol.config import TrainConfig

CHECKPOINTS_NAME = "checkpoints"
"""Folder of a model directory that holds checkpoints while its training goes on."""

_PACKAGES = ("torch", "numpy", "safetensors")
_THRESHOLD = 0.5


def fit(
    records: Sequence[Record],
    folder: str | os.PathLike[str],
    config: TrainConfig,
    *,
    rows: Rows | None = None,
    transform: FrontEnd | None = None,
    extend: str | os.PathLike[str] | None = None,
    init: str | os.PathLike[str] | None = None,
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
    init : path, optional
        A model whose weights to start from; see `Start`.
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
        If folds or settings do not fit the records, the model to extend or to start from, or checkpoints of
        another training.
    ModelError
        If nothing can be learnt: no class has both examples that have it and examples that have not.

    Warns
    -----
    ImtoolsWarning
        If single classes have no known positives or negatives, or a member answers the same always.
    """
    device, processes = device or torch.device("cpu"), processes or Processes()
    if config.compile:
        require_compiler()
    if device.type == "cpu":
        tune_malloc()
    if rows is None:
        rows = stored_rows(records, kind_of(records, config.features))
    front_end, shape = features_of(rows, transform)
    plan = make_plan(
        records, config, front_end, shape, on_the_fly=transform is not None, extend=extend, init=init
    )
    base, classes, only, folds = plan.base, plan.classes, plan.only, plan.folds
    examples = Examples(rows, records, classes, plan.unlisted, transform)
    if processes.leads:
        for fold in folds:
            present, known = examples.present[fold.train], examples.known[fold.train]
            _warn_of_classes(present, known, fold, classes, only)

    digest = records_digest(records, front_end.config_hash)
    setting: list[Json] = [digest, examples.digest(), config.to_json(), device.type, str(dtype), __version__]
    setting += [only, None if base is None else base.description.weights, processes.size]
    if plan.start is not None:
        setting.append(plan.start.description.weights)
    fingerprint = f"sha256:{text_sha256(json.dumps(setting, sort_keys=True))}"
    processes.agree(fingerprint, "records or settings")
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
        part = _Part(records, examples, fold, config, classes, only, device, dtype, processes, plan.start)
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
        window=plan.window,
        hop=config.hop or plan.window,
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
            "start": None if plan.start is None else plan.start.name,
            "licenses": _licenses(records, base or plan.start),
            "validation": [_together(examples, fold, trained, classes) for fold in folds],
        },
        versions={"imtools": __version__} | {name: version(name) for name in _PACKAGES},
    )
    if not processes.leads:
        processes.wait()  # one that ends before the model is written may end the others
        return description
    states = [one.state for one in trained]
    if flagged := [member.prefix for member in description.members if member.degenerate]:
        what = "the model gives" if len(flagged) == len(trained) else f"{', '.join(flagged)} give"
        message = f"{folder}: {what} nearly the same answer for every validation record"
        warnings.warn(ImtoolsWarning(message), stacklevel=2)
    if base is not None:
        description = base.extended_by(description)
        states = [*base.states, *states]
    card = model_card(description, config, trained, examples, records, base, plan.start)
    description = bundle.save(folder, description, states, card)
    shutil.rmtree(checkpoints, ignore_errors=True)
    processes.wait()
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
    start: Start | None


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
        start=part.start,
    )

    def note(rows: list[Epoch], seconds: float) -> None:
        write_history(folder, [*history, *trainer.history()])
        if report is not None:
            report(rows, seconds)

    trained = trainer.train(checkpoint, fingerprint, note)
    history += trainer.history()
    return trained


def _train_svm(part: _Part, report: Report | None) -> list[Trained]:
    from .svm import train_svm

    start, fold = time.perf_counter(), part.fold
    svm = train_svm(part.examples, fold, part.config, records=part.records)
    epoch = Epoch(fold.number, None, 0, 0.0, svm.train_loss, svm.validation_loss, svm.metrics)
    if report is not None:
        report([epoch], time.perf_counter() - start)
    # It standardises every dimension for itself.
    return [Trained(fold, None, svm.state, FeatureStatistics(0.0, 1.0), [epoch], 0, svm.scores)]


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
    known_classes = [classes[column] for column in columns]
    return {"fold": fold.number, "records": len(fold.validation), "classes": known_classes, **metrics}


def _licenses(records: Sequence[Record], base: Base | None) -> list[str]:
    """Return the licences of the audio that the model has learnt from, its base's included."""
    own = {str(record.source["license"]) for record in records if record.source.get("license")}
    return sorted(own | set([] if base is None else base.description.training.get("licenses", [])))


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
    return f"sha256:{text_sha256(json.dumps(lines))}"


def _finished(folder: Path, fingerprint: str) -> Description | None:
    """Return the description of a training that was completed before, if it is this one."""
    if not (folder / bundle.DESCRIPTION_NAME).exists():
        return None
    description = bundle.read_description(folder)
    if description.training.get("fingerprint") != fingerprint:
        hint = "give the same records and options, or --force to start over"
        raise UsageError(f"{folder}: holds a model of other records or options", hint)
    return description


def _warn_of_classes(
    present: BoolArray, known: BoolArray, fold: Fold, classes: Sequence[str], only: Sequence[str]
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
