"""The threshold stages: labelled predictions in, thresholds out; and thresholds applied to predictions."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..aggregation import Aggregation
from ..atomic import write_text
from ..errors import ImtoolsWarning, ManifestError, UsageError
from ..labels import Unlisted
from ..manifest import Prediction, Record
from ..run import Item, RecordStage, Run, execute
from ..run.context import resolved
from ..score import Collected
from ..score.collect import member_of
from ..thresholds import Objective, OverlapCounter, Seen, Thresholds, ThresholdsFile
from ..thresholds import fit as fit_model
from .fuse import items_of


class _Gathered:
    """The predictions of each model by themselves: inputs may hold those of others for the same records."""

    def __init__(self, aggregation: Aggregation | None) -> None:
        self._aggregation = aggregation
        self.unpredicted = 0
        self._models: dict[str, Collected] = {}
        self._groups: dict[str, dict[str, list[str]]] = {}

    def add(self, record: Record) -> None:
        """Take in a record.

        Raises
        ------
        ManifestError
            If a model's predictions for it have come before.
        """
        parts: dict[str, list[Prediction]] = {}
        for one in record.predictions:
            if (one.start is not None) == (self._aggregation is not None):
                parts.setdefault(member_of(one.model)[0], []).append(one)
        self.unpredicted += not parts
        for model in parts:
            if record.id in self._groups.get(model, {}):
                what = f"id {record.id!r} appears a second time with predictions of model {model}"
                raise ManifestError(what, "ids must be unique among the predictions of a model")
        for model, predictions in parts.items():
            self._models.setdefault(model, Collected(self._aggregation)).add(
                record.replace(predictions=predictions)
            )
            self._groups.setdefault(model, {})[record.id] = record.groups

    def __iter__(self) -> Iterator[tuple[str, Collected]]:
        """Yield each model's name and predictions; raise UsageError if there is none."""
        if not self._models:
            Collected(self._aggregation).of()
        return iter(sorted(self._models.items()))

    def groups(self, model: str, ids: Sequence[str]) -> set[str]:
        """Return the recordings of some items."""
        return {group for one in ids for group in self._groups[model][one]}


def fit(
    run: Run,
    *,
    objective: Objective,
    target: float,
    common: bool,
    unlisted: Unlisted,
    classes: Sequence[str] | None,
    model: str | None,
    aggregation: Aggregation | None,
    into: str | None,
) -> ThresholdsFile | None:
    """Fit thresholds to the labelled predictions of a run, for every model among them.

    Parameters
    ----------
    run : Run
        The harness. Its inputs may hold predictions of several models for the same records.
    objective, target, common
        See `imtools.thresholds.fit`.
    unlisted, classes, model
        See `imtools.score.Collected.of`.
    aggregation : str or None
        Fit to the scores of items that are made from those of their windows in this way.
    into : str or None
        A model directory to write the thresholds of that model into.

    Returns
    -------
    ThresholdsFile or None
        ``None`` if nothing is to be done but to say what would be.

    Raises
    ------
    UsageError
        If there are no predictions to fit to, or those of another model than that of the directory.
    """
    gathered, held = _Gathered(aggregation), 0
    with run.clock.measure("read"):
        for name in list(run.options.inputs) or ["-"]:
            for item, outcome in resolved(items_of(run, name), run.options.jobs):
                held += _take(run, gathered, item, outcome)
    if run.options.dry_run:
        run.say(f"dry run: thresholds would be fitted to {held} records")
        return None
    run.start()
    fitted: dict[str, Thresholds] = {}
    with run.clock.measure("fit"):
        if model is not None and model not in (names := [name for name, _ in gathered]):
            raise UsageError(f"no predictions of model {model!r}", f"there are those of {', '.join(names)}")
        for name, collected in gathered:
            if model in (None, name):
                data = collected.of(name, classes=classes, unlisted=unlisted)
                groups = gathered.groups(name, data.ids)
                fitted[name] = fit_model(data, objective, common=common, target=target, groups=groups)
    for _ in range(held):
        run.succeed()
    if gathered.unpredicted:
        message = f"{gathered.unpredicted} of {held} items are left out: they have no predictions"
        warnings.warn(ImtoolsWarning(message), stacklevel=2)
    file = ThresholdsFile(fitted)
    if into is not None:
        write_into(into, file)
    return file


def _take(run: Run, gathered: _Gathered, item: Item, outcome: Record | Exception) -> bool:
    """Take in an item, or count it as failed; return whether it is good."""
    if isinstance(outcome, Record):
        try:
            gathered.add(outcome)
            return True
        except ManifestError as error:
            outcome = error
    run.fail(item, "read", outcome)
    return False


def write_into(folder: str, file: ThresholdsFile) -> None:
    """Write the thresholds of a model into its directory, whose weights and name stay what they are.

    Classes without a fitted threshold keep what they had.

    Raises
    ------
    UsageError
        If there are none of just that model.
    ModelError
        If the directory holds no model.
    """
    from ..models.bundle import DESCRIPTION_NAME, full_name, read_description

    description = read_description(folder)
    name = full_name(description)
    if name not in file.models:
        what = f"{folder}: holds model {name}, but these are predictions of {', '.join(file.models)}"
        raise UsageError(what, "predict with this very model")
    fitted = file.models[name].classes
    limits = zip(description.labels, description.thresholds, strict=True)
    changed = replace(description, thresholds=[fitted.get(label, before) for label, before in limits])
    text = json.dumps(changed.to_json(), indent=1, allow_nan=False) + "\n"
    write_text(Path(folder) / DESCRIPTION_NAME, text)


class ApplyStage(RecordStage):
    """Marks which predictions for whole items count as present.

    Parameters
    ----------
    file : ThresholdsFile
        The thresholds. Predictions of models and classes that it does not know stay as they are.
    """

    prepare_step = "apply"
    group_size = 256

    def __init__(self, file: ThresholdsFile) -> None:
        self._file = file
        self._found: dict[str, Thresholds | None] = {}
        self._counters: dict[Seen, OverlapCounter] = {}

    def begin(self, kept: Iterator[Record]) -> None:
        """Count what an earlier run has done."""
        for record in kept:
            self._count(record)

    def prepare(self, record: Record) -> list[Record]:
        """Mark the predictions of one record."""
        return [record.replace(predictions=[self._marked(one) for one in record.predictions])]

    def process(self, records: list[Record], prepared: list[list[Record]]) -> list[list[Record]]:
        """Count the records, and hand them on."""
        for record in records:
            self._count(record)
        return prepared

    def end(self) -> None:
        """Say whether the thresholds were fitted on any of this, or did not apply to any of it."""
        for overlap in (counter.result() for counter in self._counters.values()):
            if overlap:
                warnings.warn(ImtoolsWarning(overlap.warning()), stacklevel=2)
        if self._found and not any(self._found.values()):
            what = f"{self._file.name}: no predictions of {', '.join(self._file.models)} to apply them to"
            warnings.warn(ImtoolsWarning(what), stacklevel=2)

    def _marked(self, one: Prediction) -> Prediction:
        if one.start is not None or one.duration is not None:
            return one
        found = self._of(one.model)
        limit = None if found is None else found.classes.get(one.label)
        return one if limit is None else replace(one, present=one.score >= limit)

    def _of(self, model: str) -> Thresholds | None:
        if model not in self._found:
            self._found[model] = self._file.find(model)
        return self._found[model]

    def _count(self, record: Record) -> None:
        found = (self._of(model) for model in {one.model for one in record.predictions})
        for seen in {one.seen for one in found if one is not None}:
            self._counters.setdefault(seen, OverlapCounter(seen)).add(record.id, record.groups)


def apply(run: Run, path: str) -> None:
    """Mark the predictions of a run by the thresholds in a file.

    Raises
    ------
    ImtoolsError
        If the file cannot be read.
    """
    execute(run, ApplyStage(ThresholdsFile.load(path)), run.items())
