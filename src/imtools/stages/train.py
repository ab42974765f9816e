"""The training stage: all records in, a model directory out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from ..choices import Precision
from ..device import resolve_device
from ..errors import UsageError
from ..manifest import Record
from ..models.description import Description
from ..run import Run, record_items
from ..train import Monitor, TrainSettings, plan_training, train_model
from ..train.loop.history import Epoch
from ..train.loop.processes import joined, launched


def train(
    run: Run,
    settings: TrainSettings,
    *,
    preset: str | None = None,
    protocol: str | None = None,
    on_the_fly: bool = False,
    extend: str | None = None,
    init: str | None = None,
) -> None:
    """Train a model on the records of a run.

    A line for each member goes to standard output: what it was validated on, and its metrics.

    Parameters
    ----------
    run : Run
        The harness; its output directory becomes the model directory, and its seed is that of the training.
    settings, preset, protocol, on_the_fly, extend, init
        As for `imtools.train.train_model`.

    Raises
    ------
    UsageError
        If there is no output directory, or settings are wrong.
    FeatureError
        If the records have features of different front ends or shapes.
    ModelError
        If there are no records, or nothing can be learnt from them.
    """
    if run.folder is None:
        raise UsageError("a model needs an output directory", "name one with -o")
    if launched() and (not run.options.inputs or "-" in run.options.inputs):
        what = "several processes cannot share one standard input"
        raise UsageError(what, "write the manifest to a file, and name it")
    settings = replace(settings, seed=run.options.seed)
    with joined(resolve_device(run.options.device)) as (processes, device):
        if not processes.leads:
            run.mute()
        records = _Records(run)
        if run.options.dry_run:
            plan = plan_training(
                records,
                settings,
                preset=preset,
                protocol=protocol,
                on_the_fly=on_the_fly,
                extend=extend,
                init=init,
                folder=run.folder,
            )
            for fold in plan.folds:
                counts = f"{len(fold.train)} records to train on, {len(fold.validation)} to validate"
                run.say(f"dry run: {fold.name}: {counts}")
            return
        description = train_model(
            records,
            run.folder,
            settings,
            preset=preset,
            protocol=protocol,
            on_the_fly=on_the_fly,
            extend=extend,
            init=init,
            device=device,
            precision=cast("Precision", run.options.precision),
            jobs=run.options.jobs,
            resume=run.options.resume,
            on_failure=records.fail,
            monitor=_Progress(run),
            processes=processes,
        )
        records.succeed()
        if processes.leads:
            _emit(run, description)


class _Records(Iterable[Record]):
    """The input records of a run, read when they are iterated over, and counted at the end."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._records: list[Record] = []
        self._failed: set[str] = set()

    def __iter__(self) -> Iterator[Record]:
        self._records = self._run.records()
        return iter(self._records)

    def fail(self, record: Record, error: Exception) -> None:
        """Report a record that cannot be trained on."""
        self._failed.add(record.id)
        for item in record_items([record]):
            self._run.fail(item, "features", error)

    def succeed(self) -> None:
        """Count the records that have not failed, those of the split ``"test"`` included."""
        for record in self._records:
            if record.id not in self._failed:
                self._run.succeed(record.duration)


class _Progress(Monitor):
    """Shows a training on the progress line and in the messages of a run."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.clock)
        self._run = run

    def started(self) -> None:
        self._run.start()

    def loaded(self, count: int, usable: int) -> None:
        self._run.advance(count, note=f"{usable} features")

    def note(self, text: str) -> None:
        self._run.say(text)

    def epoch(self, epochs: Sequence[Epoch], seconds: float) -> None:
        first = epochs[0]
        fold = "" if first.fold is None else f"fold {first.fold}, "
        nets = "" if first.label is None else f" of {len(epochs)} nets"
        train, validation = (
            sum(losses) / len(epochs)
            for losses in ([row.train_loss for row in epochs], [row.validation_loss for row in epochs])
        )
        line = f"{fold}epoch {first.epoch}{nets}: loss {train:.4f}, on validation {validation:.4f}"
        line += f", {seconds:.1f} s"
        if (lrap := first.metrics.get("lrap")) is not None:
            line += f", LRAP {lrap:.3f}"
        self._run.advance(note=line)
        if self._run.options.verbose:
            self._run.say(line)


def _emit(run: Run, description: Description) -> None:
    model = str(run.folder)
    for member in description.members:
        own = {"member": member.prefix, "fold": member.fold, "label": member.label, "epoch": member.epoch}
        run.emit([{"model": model, **own, **member.validation}])
    if description.strategy == "one-vs-all":
        for together in description.training["validation"]:
            run.emit([{"model": model, "member": None, **together}])
