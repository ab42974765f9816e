"""The training stage: all records in, a model directory out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch

from ..device import resolve_device, resolve_precision
from ..errors import FeatureError, ModelError, UsageError
from ..features.batches import Array
from ..features.front_ends.base import FrontEnd
from ..manifest import FeatureRef, Record
from ..run import Item, Run, is_fatal, record_items
from ..run.workers import ordered_map
from ..train.config import TrainConfig
from ..train.fit import check, fit
from ..train.folds import plan_folds
from ..train.history import Epoch
from ..train.rows import Rows, stored_rows
from ..train.waveforms import Computing, check_sound, choose_front_end


def train(run: Run, settings: dict[str, Any], preset: str | None = None) -> None:
    """Train a model on the records of a run.

    A line for each member goes to standard output: where it was validated, and how well it did.

    Parameters
    ----------
    run : Run
        The harness; its output directory becomes the model directory.
    settings : dict
        Fields of `TrainConfig`.
    preset : str, optional
        Front end for records without stored features; see `imtools.train.waveforms.choose_front_end`.

    Raises
    ------
    UsageError
        If there is no output directory, or settings are wrong.
    FeatureError
        If the records have no features, or not of one front end and shape.
    ModelError
        If there are no records, or nothing can be learnt from them.
    """
    if run.folder is None:
        raise UsageError("a model needs a place", "name a directory with -o")
    config = TrainConfig(**settings, seed=run.options.seed)
    device = resolve_device(run.options.device)
    records = run.records()
    if not records:
        raise ModelError("there are no records to train on", "give a manifest of labelled records")
    if run.options.dry_run:
        for fold in plan_folds(records, config.folds, seed=config.seed):
            counts = f"{len(fold.train)} records to train on, {len(fold.validation)} to validate"
            run.say(f"dry run: {fold.name}: {counts}")
        return

    front_end = choose_front_end(records, config.features, preset)
    if all(front_end.kind in record.features for record in records):
        run.start()
        with run.clock.measure("features"):
            rows = stored_rows(records, front_end.kind)
    else:
        records, rows = _compute(run, records, front_end, config, device)

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
            rows=rows,
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


def _compute(
    run: Run, records: list[Record], front_end: FrontEnd, config: TrainConfig, device: torch.device
) -> tuple[list[Record], Rows]:
    """Start the run and compute features; return the records that have one now, and the features.

    What is wrong with the whole is found before anything is computed or written; what is wrong with single
    records makes failures of them. Records of the split ``"test"`` need no features.
    """
    used = [record for record in records if record.split != "test"]
    faults = {record.id: fault for record in used if (fault := _fault(record, front_end))}
    sound = [record for record in used if record.id not in faults]
    if used and not sound:
        raise next(iter(faults.values()))
    plan_folds(sound, config.folds, seed=config.seed)  # says so if nothing is left
    computing = Computing(sound, front_end.to(device))
    check(sound, config, computing.shape)

    run.start()
    for item in record_items(used):
        if item.id in faults:
            run.fail(item, "features", faults[item.id])
    with run.clock.measure("features"), _fewer_threads():
        good = _fill(run, computing, sound)
    if not good:
        raise ModelError("no record is left to train on", "see the failures")
    for record in records:
        if record.split == "test":
            run.succeed(record.duration)
    shape = " x ".join(map(str, computing.shape))
    seconds = run.clock.seconds["features"]
    run.say(f"{len(good)} features ({front_end.kind}, {shape}, {computing.dtype}) in {seconds:.1f} s")
    return good, computing.rows()


@contextmanager
def _fewer_threads() -> Iterator[None]:
    """Leave most processors to the threads that decode, which take about four times what torch takes.

    Torch's own threads wait for work actively, and would keep the others from theirs.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 4))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _fault(record: Record, front_end: FrontEnd) -> FeatureError | None:
    try:
        check_sound(record, front_end)
    except FeatureError as error:
        return error
    return None


def _fill(run: Run, computing: Computing, records: list[Record]) -> list[Record]:
    """Compute the features of records, group by group; return the records that have not failed."""

    def load(item: Item) -> tuple[Item, Record, Array | FeatureRef | Exception]:
        record = item.resolve()
        try:
            return item, record, computing.load(record)
        except Exception as error:
            if is_fatal(error):
                raise
            return item, record, error

    good: list[Record] = []
    jobs, size = run.options.jobs, computing.group_size
    loaded = ordered_map(load, record_items(records), jobs, size + 2 * jobs, place=lambda item: item.audio)
    while group := list(islice(loaded, size)):
        faults = iter(computing.add([one for *_, one in group if not isinstance(one, Exception)]))
        for item, record, one in group:
            fault = one if isinstance(one, Exception) else next(faults)
            if fault is None:
                good.append(record)
            else:
                run.fail(item, "features", fault)
        run.advance(len(group), note=f"{len(good)} features")
    return good
