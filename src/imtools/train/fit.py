"""Fitting a model by plan: what is interrupted at any point goes on from the last epoch."""

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
from ..hashing import text_sha256
from ..manifest import Record
from ..manifest.values import Json
from ..models import bundle
from ..models.description import Description, Member
from .card import model_card
from .examples.data import Examples, FeatureStatistics
from .examples.folds import Fold
from .examples.rows import FeatureRows
from .loop.engine import Report, Trainer
from .loop.history import Epoch, validation_metrics, write_history
from .loop.processes import Processes
from .loop.trained import Trained
from .plan import Plan
from .pretrained import BaseModel

CHECKPOINTS_NAME = "checkpoints"
"""Folder of a model directory that holds checkpoints while its training goes on."""

_PACKAGES = ("torch", "numpy", "safetensors")
_THRESHOLD = 0.5


def fit(
    folder: str | os.PathLike[str],
    plan: Plan,
    rows: FeatureRows,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    processes: Processes | None = None,
    resume: bool = False,
    report: Report | None = None,
) -> Description:
    """Carry out a plan: train a member for each fold (one-vs-all: and each class), write the model directory.

    Parameters
    ----------
    folder : path
        The model directory; ``history.jsonl`` and checkpoints are there while training goes on.
    plan : Plan
        What to train, and on which records.
    rows : FeatureRows
        One row for each record of the plan: its features or, on the fly, its waveform.
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
    UsageError
        If the settings cannot be carried out here, or the folder holds another training.
    ModelError
        If a loss is no longer a number, or nothing is known of validation labels.

    Warns
    -----
    ImtoolsWarning
        If single classes have no known positives or negatives, or a member gives all records the same scores.
    """
    device, processes, folder = device or torch.device("cpu"), processes or Processes(), Path(folder)
    config, classes, only, records = plan.config, plan.classes, plan.only, plan.records
    if config.compile:
        require_compiler()
    if device.type == "cpu":
        tune_malloc()
    transform = plan.front_end.to(device) if plan.on_the_fly else None
    examples = Examples(rows, records, classes, plan.unlisted, transform)
    if processes.leads:
        for fold in plan.folds:
            present, known = examples.present[fold.train], examples.known[fold.train]
            _warn_of_classes(present, known, fold, classes, only)

    digest = records_digest(records, plan.front_end.config_hash)
    fingerprint = _fingerprint(plan, digest, examples, device, dtype, processes)
    processes.agree(fingerprint, "records or settings")
    checkpoints = folder / CHECKPOINTS_NAME
    if resume and (done := _finished(folder, fingerprint)) is not None:
        processes.wait()
        shutil.rmtree(checkpoints, ignore_errors=True)  # killed just before it was deleted
        return done
    if not resume and processes.leads:
        shutil.rmtree(checkpoints, ignore_errors=True)
        (folder / bundle.DESCRIPTION_NAME).unlink(missing_ok=True)  # what is complete has a description
    processes.wait()

    trained: list[Trained] = []
    history: list[Epoch] = []
    for fold in plan.folds:
        part = _Part(plan, examples, fold, device, dtype, processes)
        if config.strategy == "svm":
            trained += _train_svm(part, report)
            history += trained[-1].history
        else:
            path = checkpoints / f"{fold.name}.safetensors"
            trained += _train_nets(part, path, fingerprint, folder, history, report)
        if processes.leads:
            write_history(folder, history)

    training: dict[str, Json] = {
        "records": digest,
        "fingerprint": fingerprint,
        "config": config.to_json(),
        "device": device.type,
        "precision": str(dtype).removeprefix("torch."),
        "processes": processes.size,
        "start": None if plan.start is None else plan.start.name,
        "licenses": _licenses(records, plan.base),
        "validation": [_together(examples, fold, trained, classes) for fold in plan.folds],
    }
    description = _describe(plan, trained, training)
    if not processes.leads:
        processes.wait()  # one that ends before the model is written may end the others
        return description
    states = [one.state for one in trained]
    if flagged := [member.prefix for member in description.members if member.degenerate]:
        what = "the model gives" if len(flagged) == len(trained) else f"{', '.join(flagged)} give"
        message = f"{folder}: {what} nearly the same answer for every validation record"
        warnings.warn(ImtoolsWarning(message), stacklevel=2)
    if plan.extended is not None:
        description = plan.extended.extended_by(description)
        states = [*plan.extended.states, *states]
    description = bundle.save(folder, description, states, model_card(description, plan, trained, examples))
    shutil.rmtree(checkpoints, ignore_errors=True)
    processes.wait()
    return description


def _fingerprint(
    plan: Plan,
    digest: str,
    examples: Examples,
    device: torch.device,
    dtype: torch.dtype,
    processes: Processes,
) -> str:
    """Return a hash of everything that decides the weights."""
    extended, start = plan.extended, plan.start
    parts: list[Json] = [
        digest,
        examples.digest(),
        plan.config.to_json(),
        device.type,
        str(dtype),
        __version__,
        plan.only,
        None if extended is None else extended.description.weights,
        processes.size,
    ]
    if start is not None:
        parts.append(start.description.weights)
    return f"sha256:{text_sha256(json.dumps(parts, sort_keys=True))}"


def _describe(plan: Plan, trained: Sequence[Trained], training: dict[str, Json]) -> Description:
    """Return the description of what has been trained."""
    config, front_end = plan.config, plan.front_end
    return Description(
        name=config.name or config.architecture,
        architecture=config.architecture,
        width=config.width,
        strategy=config.strategy,
        labels=plan.classes,
        front_end=front_end.config,
        front_end_hash=front_end.config_hash,
        shape=plan.shape,
        window=plan.window,
        hop=config.hop or plan.window,
        thresholds=[_THRESHOLD] * len(plan.classes),
        members=[_member(one, plan.classes) for one in trained],
        aggregation=config.aggregation,
        stereo=config.stereo,
        training=training,
        versions={"imtools": __version__} | {name: version(name) for name in _PACKAGES},
    )


@dataclass(frozen=True)
class _Part:
    """What is trained on one division."""

    plan: Plan
    examples: Examples
    fold: Fold
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
    """Train on one division, and write all epochs so far to the history file after each epoch."""
    trainer = Trainer(
        part.examples,
        part.fold,
        part.plan.config,
        part.plan.classes,
        part.device,
        part.dtype,
        processes=part.processes,
        only=part.plan.only,
        start=part.plan.start,
    )

    def note(rows: Sequence[Epoch], seconds: float) -> None:
        write_history(folder, [*history, *trainer.history()])
        if report is not None:
            report(rows, seconds)

    trained = trainer.train(checkpoint, fingerprint, note)
    history += trainer.history()
    return trained


def _train_svm(part: _Part, report: Report | None) -> list[Trained]:
    from .svm import train_svm

    start, fold = time.perf_counter(), part.fold
    svm = train_svm(part.examples, fold, part.plan.config, records=part.plan.records)
    epoch = Epoch(fold.number, None, 0, 0.0, svm.train_loss, svm.validation_loss, svm.metrics)
    if report is not None:
        report([epoch], time.perf_counter() - start)
    # The machines standardise every dimension themselves.
    return [Trained(fold, None, svm.state, FeatureStatistics(0.0, 1.0), [epoch], 0, svm.scores)]


def _together(
    examples: Examples, fold: Fold, trained: Sequence[Trained], classes: Sequence[str]
) -> dict[str, Json]:
    """Return the metrics of all nets of one division together, on its validation records."""
    own = [one for one in trained if one.fold is fold]
    labels = {one.label for one in own}
    columns = [column for column, label in enumerate(classes) if labels & {None, label}]
    scores = np.concatenate([one.scores for one in own], axis=1)
    present, known = (y[fold.validation][:, columns] for y in (examples.present, examples.known))
    metrics = validation_metrics(present, scores, known)
    known_classes = [classes[column] for column in columns]
    return {"fold": fold.number, "records": len(fold.validation), "classes": known_classes, **metrics}


def _licenses(records: Sequence[Record], base: BaseModel | None) -> list[str]:
    """Return the licences of the audio that the model and its base were trained on."""
    own = {str(record.source["license"]) for record in records if record.source.get("license")}
    return sorted(own | set([] if base is None else base.description.training.get("licenses", [])))


def records_digest(records: Sequence[Record], front_end_hash: str) -> str:
    """Return a hash of what a training reads of the records; it does not depend on where their files are.

    Parameters
    ----------
    records : sequence of Record
        In their order.
    front_end_hash : str
        ``FrontEnd.config_hash`` of the features.

    Returns
    -------
    str
        ``"sha256:..."``
    """
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
    """Return the description of the folder if this very training has been completed in it."""
    if not (folder / bundle.DESCRIPTION_NAME).exists():
        return None
    description = bundle.read_description(folder)
    if description.training.get("fingerprint") != fingerprint:
        hint = "give the same records and options, or start over without `resume`"
        raise UsageError(f"{folder}: holds a model of other records or options", hint)
    return description


def _warn_of_classes(
    present: BoolArray, known: BoolArray, fold: Fold, classes: Sequence[str], only: Sequence[str]
) -> None:
    """Warn of trained classes without a known positive or negative among the training records of a fold."""
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
