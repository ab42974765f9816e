"""The training stage: all records in, a model directory out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol

import torch

from ..arrays import Float32Array
from ..device import resolve_device, resolve_precision
from ..errors import FeatureError, ImtoolsError, ModelError, UsageError, is_fatal
from ..features import front_end as build_front_end
from ..features.front_ends.base import FrontEnd
from ..manifest import FeatureRef, Record
from ..models import ARCHITECTURES, DEFAULT_ARCHITECTURE
from ..models.bundle import read_description
from ..models.description import Description
from ..parallel import ordered_map
from ..run import Item, Run, record_items
from ..train.examples.rows import Rows, stored_rows
from ..train.examples.sound import SoundRows, bare_sound
from ..train.examples.waveforms import Computing, Probing, check_sound, choose_front_end, shape_of
from ..train.fit import fit
from ..train.loop.history import Epoch
from ..train.loop.processes import Processes, joined, launched
from ..train.plan import make_plan
from ..train.protocol.config import TrainConfig
from ..train.protocol.papers import protocol_of


def train(
    run: Run,
    settings: dict[str, Any],
    preset: str | None = None,
    *,
    protocol: str | None = None,
    on_the_fly: bool = False,
    extend: str | None = None,
    init: str | None = None,
) -> None:
    """Train a model on the records of a run.

    A line for each member goes to standard output: where it was validated, and how well it did.

    Parameters
    ----------
    run : Run
        The harness; its output directory becomes the model directory.
    settings : dict
        Fields of `TrainConfig`; those that are ``None`` are taken from the protocol.
    preset : str, optional
        Front end for records without stored features; see `choose_front_end`.
    protocol : str, optional
        The model as whose paper says to train; by default the one that is trained.
    on_the_fly : bool
        Keep waveforms, and compute features for each batch.
    extend : str, optional
        A one-vs-all model to which classes are added.
    init : str, optional
        A model from whose weights to start.

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
    config = _config(settings, protocol, extend or init) | {"seed": run.options.seed}
    if extend is not None and init is not None:
        raise UsageError("--extend and --init do not go together", "choose one of them")
    for what, base in (("extended", extend), ("trained further", init)):
        if base is not None and os.path.realpath(base) == os.path.realpath(run.folder):
            raise UsageError(f"{base}: cannot be {what} in place", "name another directory with -o")
    if launched() and (not run.options.inputs or "-" in run.options.inputs):
        what = "several processes cannot share one standard input"
        raise UsageError(what, "write the manifest to a file, and name it")
    with joined(resolve_device(run.options.device)) as (processes, device):
        if not processes.leads:
            run.mute()
        training = _Training(run, TrainConfig(**config), preset, processes, device)
        training.carry_out(on_the_fly, extend, init)


def _config(settings: dict[str, Any], protocol: str | None, model: str | None) -> dict[str, Any]:
    """Return fields of `TrainConfig`: what is given, else what the model is, else the protocol."""
    given = {name: value for name, value in settings.items() if value is not None}
    if model is not None:
        base = read_description(model)
        given = {name: getattr(base, name) for name in ("architecture", "width", "strategy")} | given
    stated = protocol_of(protocol or given.setdefault("architecture", DEFAULT_ARCHITECTURE))
    if given.get("strategy", stated["strategy"]) != "one-vs-all":
        stated["stop_precision"] = 0.0  # of nets for one class
    unused = {"epochs", "batch_size", "learning_rate", "schedule", "keep"} & given.keys()
    if stated["strategy"] == "svm" and unused:
        option = sorted(unused)[0].removesuffix("_size").replace("_", "-")
        raise UsageError(f"--{option} has no meaning for support vectors", "leave it out")
    return stated | given


def _usual_front_end(architecture: str, model: str | None) -> FrontEnd:
    """Return the front end of the model that is trained further or extended, else that of the net's paper."""
    if model is not None:
        return read_description(model).build_front_end()
    return build_front_end(ARCHITECTURES[architecture].front_end)


class _Training:
    """One training, and the harness that it runs in."""

    def __init__(
        self, run: Run, config: TrainConfig, preset: str | None, processes: Processes, device: torch.device
    ) -> None:
        self._run, self._config, self._preset = run, config, preset
        self._processes, self._device = processes, device

    def carry_out(self, on_the_fly: bool, extend: str | None, init: str | None) -> None:
        """Read the records, get rows of them, train, and say what came of it."""
        run, config = self._run, self._config
        records = run.records()
        if not records:
            raise ModelError("there are no records to train on", "give a manifest of labelled records")
        default = _usual_front_end(config.architecture, extend or init)
        front_end = choose_front_end(records, config.features, self._preset, default)
        if on_the_fly:
            records = [record.replace(features={}) for record in records]
        sound = self._usable(records, front_end)
        shape = shape_of(sound, front_end)
        bases = {"extend": extend, "init": init}
        plan = make_plan(sound, config, front_end, shape, on_the_fly=on_the_fly, **bases)
        if run.options.dry_run:
            for fold in plan.folds:
                counts = f"{len(fold.train)} records to train on, {len(fold.validation)} to validate"
                run.say(f"dry run: {fold.name}: {counts}")
            return
        good, rows = self._rows(records, sound, front_end, on_the_fly)
        transform = front_end.to(self._device) if on_the_fly else None

        with run.clock.measure("training"):
            description = fit(
                good,
                run.options.output or "",
                config,
                rows=rows,
                transform=transform,
                **bases,
                device=self._device,
                dtype=resolve_precision(run.options.precision, self._device, training=True),
                processes=self._processes,
                resume=run.options.resume,
                report=self._report,
            )
        for record in good:
            run.succeed(record.duration)
        if self._processes.leads:
            self._emit(description)

    def _start(self) -> None:
        """Open the output; with several processes only one does, and the others wait for it."""
        if self._processes.leads:
            self._run.start()
        self._processes.wait()

    def _report(self, rows: list[Epoch], seconds: float) -> None:
        first = rows[0]
        place = "" if first.fold is None else f"fold {first.fold}, "
        train, held = (
            sum(losses) / len(rows)
            for losses in ([row.train_loss for row in rows], [row.validation_loss for row in rows])
        )
        nets = f" of {len(rows)} nets" if first.label is not None else ""
        line = (
            f"{place}epoch {first.epoch}{nets}: loss {train:.4f}, on validation {held:.4f}, {seconds:.1f} s"
        )
        if (lrap := first.metrics.get("lrap")) is not None:
            line += f", LRAP {lrap:.3f}"
        self._run.advance(note=line)
        if self._run.options.verbose:
            self._run.say(line)

    def _emit(self, description: Description) -> None:
        model = str(self._run.folder)
        for member in description.members:
            own = {"member": member.prefix, "fold": member.fold, "label": member.label, "epoch": member.epoch}
            self._run.emit([{"model": model, **own, **member.validation}])
        if description.strategy == "one-vs-all":
            for together in description.training["validation"]:
                self._run.emit([{"model": model, "member": None, **together}])

    def _rows(
        self, records: list[Record], sound: list[Record], front_end: FrontEnd, on_the_fly: bool
    ) -> tuple[list[Record], Rows]:
        """Start the run and get rows of the usable records; return those that have one, and the rows.

        What is wrong with the whole has been found by now; what is wrong with single records makes failures
        of them. Records of the split ``"test"`` need no rows.
        """
        run = self._run
        if all(front_end.kind in record.features for record in sound):
            self._start()
            with run.clock.measure("features"):
                rows: Rows = stored_rows(sound, front_end.kind)
            self._count_tests(records)
            return sound, rows
        if on_the_fly:
            return self._sounds(records, sound, bare_sound(front_end))
        computing = Computing(sound, front_end.to(self._device))
        good = self._go_through(records, sound, front_end, computing)
        shape = " x ".join(map(str, computing.shape))
        seconds = run.clock.seconds["features"]
        run.say(f"{len(good)} features ({front_end.kind}, {shape}, {computing.dtype}) in {seconds:.1f} s")
        return good, computing.rows()

    def _sounds(
        self, records: list[Record], sound: list[Record], bare: FrontEnd
    ) -> tuple[list[Record], Rows]:
        """Load waveforms, or make sure that they can be loaded when they are needed."""
        keeping: Keeping
        try:
            keeping = Computing(sound, bare)
        except FeatureError:
            keeping = Probing(sound, bare)  # of different lengths: it raises as well
        good = self._go_through(records, sound, bare, keeping)
        if isinstance(keeping, Computing):
            self._run.say(f"{len(good)} waveforms in memory")
            return good, keeping.rows()
        self._run.say(f"{len(good)} waveforms, too many for memory: read for each batch")
        return good, SoundRows(bare, good, jobs=self._run.options.jobs)

    def _usable(self, records: list[Record], front_end: FrontEnd) -> list[Record]:
        """Return the records to train with: all but those of the split ``"test"`` and those at fault."""
        used = [record for record in records if record.split != "test"]
        sound = [record for record in used if _fault(record, front_end) is None]
        if used and not sound and (fault := _fault(used[0], front_end)):
            raise fault
        if not sound:
            raise UsageError(
                "0 records to train on and to validate on", "look at their splits, and at --where"
            )
        return sound

    def _count_tests(self, records: list[Record]) -> None:
        for record in records:
            if record.split == "test":
                self._run.succeed(record.duration)

    def _go_through(
        self, records: list[Record], sound: list[Record], front_end: FrontEnd, keeping: Keeping
    ) -> list[Record]:
        """Start the run and load all usable records; return those that did not fail."""
        run = self._run
        self._start()
        usable = {record.id for record in sound}
        for item in record_items([r for r in records if r.split != "test" and r.id not in usable]):
            if fault := _fault(item.resolve(), front_end):
                run.fail(item, "features", fault)
        with run.clock.measure("features"), _fewer_threads():
            good = _fill(run, keeping, sound)
        if not good:
            raise ModelError("no record is left to train on", "see the failures")
        self._count_tests(records)
        return good


class Keeping(Protocol):
    """What takes the sound of records, group by group: `Computing`, `Probing`."""

    shape: tuple[int, int]
    group_size: int

    def load(self, record: Record) -> Float32Array | FeatureRef:
        """Return what `add` takes."""

    def add(self, loaded: Sequence[Float32Array | FeatureRef]) -> list[ImtoolsError | None]:
        """Take some; return for each what is wrong with it, or ``None``."""


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


def _fill(run: Run, keeping: Keeping, records: list[Record]) -> list[Record]:
    """Load records and hand them over, group by group; return the records that have not failed."""

    def load(item: Item) -> tuple[Item, Record, Float32Array | FeatureRef | Exception]:
        record = item.resolve()
        try:
            return item, record, keeping.load(record)
        except Exception as error:
            if is_fatal(error):
                raise
            return item, record, error

    good: list[Record] = []
    jobs, size = run.options.jobs, keeping.group_size
    loaded = ordered_map(load, record_items(records), jobs, size + 2 * jobs, place=lambda item: item.audio)
    while group := list(islice(loaded, size)):
        faults = iter(keeping.add([one for *_, one in group if not isinstance(one, Exception)]))
        for item, record, one in group:
            fault = one if isinstance(one, Exception) else next(faults)
            if fault is None:
                good.append(record)
            else:
                run.fail(item, "features", fault)
        run.advance(len(group), note=f"{len(good)} features")
    return good
