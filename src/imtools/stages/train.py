"""The training stage: all records in, a model directory out."""

from __future__ import annotations

from typing import Any

from ..device import resolve_device, resolve_precision
from ..errors import ModelError, UsageError
from ..run import Run
from ..train.config import TrainConfig
from ..train.fit import fit
from ..train.folds import plan_folds
from ..train.history import Epoch


def train(run: Run, settings: dict[str, Any]) -> None:
    """Train a model on the records of a run.

    A line for each member goes to standard output: where it was validated, and how well it did.

    Parameters
    ----------
    run : Run
        The harness; its output directory becomes the model directory.
    settings : dict
        Fields of `TrainConfig`.

    Raises
    ------
    UsageError
        If there is no output directory, or settings are wrong.
    ModelError
        If there are no records.
    """
    if run.folder is None:
        raise UsageError("a model needs a place", "name a directory with -o")
    config = TrainConfig(**settings, seed=run.options.seed)
    device = resolve_device(run.options.device)
    records = run.records()
    if not records:
        raise ModelError("there are no records to train on", "give a manifest made by im-features")
    if run.options.dry_run:
        for fold in plan_folds(records, config.folds, seed=config.seed):
            counts = f"{len(fold.train)} records to train on, {len(fold.validation)} to validate"
            run.say(f"dry run: {fold.name}: {counts}")
        return

    run.start()

    def report(epoch: Epoch, seconds: float) -> None:
        place = "" if epoch.fold is None else f"fold {epoch.fold}, "
        losses = f"loss {epoch.train_loss:.4f}, on validation {epoch.validation_loss:.4f}"
        line = f"{place}epoch {epoch.epoch}: {losses}, {seconds:.1f} s"
        run.advance(note=line)
        if run.options.verbose:
            run.say(line)

    with run.clock.measure("training"):
        description = fit(
            records,
            run.folder,
            config,
            device=device,
            dtype=resolve_precision(run.options.precision, device),
            resume=run.options.resume,
            report=report,
        )
    for record in records:
        run.succeed(record.duration)
    for member in description.members:
        validation = {"member": member.prefix, "fold": member.fold, "epoch": member.epoch} | member.validation
        run.emit([{"model": str(run.folder), **validation}])
