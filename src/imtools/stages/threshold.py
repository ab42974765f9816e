"""The threshold stages: labelled predictions in, thresholds out; and thresholds applied to predictions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..aggregation import Aggregation
from ..errors import ImtoolsWarning, ManifestError, UsageError
from ..labels import Unlisted
from ..manifest import Prediction, Record
from ..run import RecordStage, Run, execute
from ..score import Collected
from ..score.model_names import member_of, named
from ..score.predicted import made_of_windows, of_whole
from ..thresholds import Objective, OverlapCounter, Seen, Thresholds, ThresholdsFile
from ..thresholds import fit as fit_model
from .inputs import inputs_of, items_of, take_in


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
            If a model's predictions for it have come before, or as `of_whole` and `made_of_windows`: nothing
            of the record is taken in.
        """
        how = self._aggregation
        parts: dict[str, list[Prediction]] = {}
        for one in of_whole(record) if how is None else made_of_windows(record, how):
            parts.setdefault(member_of(one.model)[0], []).append(one)
        self.unpredicted += not parts
        for model in parts:
            if record.id in self._groups.get(model, {}):
                what = f"id {record.id!r} appears a second time with predictions of model {model}"
                raise ManifestError(what, "ids must be unique among the predictions of a model")
        for model, predictions in parts.items():
            self._models.setdefault(model, Collected()).add(record.replace(predictions=predictions))
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
    gathered, names, held = _Gathered(aggregation), inputs_of(run), 0
    with run.clock.measure("read"):
        for name in names:
            held += take_in(run, items_of(run, name), gathered.add, count=False)
    if run.options.dry_run:
        run.say(f"dry run: thresholds would be fitted to {held} records")
        return None
    run.start()
    fitted: dict[str, Thresholds] = {}
    with run.clock.measure("fit"):
        wanted = None if model is None else named(model, [name for name, _ in gathered])
        for name, collected in gathered:
            if wanted in (None, name):
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
        write_into(into, file, aggregation)
    return file


def write_into(folder: str, file: ThresholdsFile, aggregation: Aggregation | None = None) -> None:
    """Write the thresholds of a model into its directory, whose weights and name stay what they are.

    Classes without a fitted threshold keep what they had.

    Parameters
    ----------
    folder : str
        The directory.
    file : ThresholdsFile
        The thresholds.
    aggregation : str, optional
        How the scores that they were fitted to were made of those of windows, if not by the model itself.

    Raises
    ------
    UsageError
        If there are none of just that model, or they are for scores that it makes in another way.
    ModelError
        If the directory holds no model.
    """
    from ..models.bundle import full_name, read_description, write_description
    from ..models.locate import BUNDLED

    if folder == BUNDLED:
        hint = "keep the thresholds in a file, and mark predictions with --apply"
        raise UsageError(f"{folder}: belongs to imtools and is not changed", hint)
    description = read_description(folder)
    name = full_name(description)
    if name not in file.models:
        what = f"{folder}: holds model {name}, but these are predictions of {', '.join(file.models)}"
        raise UsageError(what, "predict with this very model")
    if aggregation not in (None, description.aggregation):
        what = f"{folder}: makes scores of windows by {description.aggregation}, not {aggregation}"
        raise UsageError(what, "fit without --aggregate, or leave --into out")
    fitted = file.models[name].classes
    limits = zip(description.labels, description.thresholds, strict=True)
    changed = replace(description, thresholds=[fitted.get(label, before) for label, before in limits])
    write_description(folder, changed)


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
        self._bare: set[tuple[str, str]] = set()
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
        """Say whether the thresholds were fitted on any of this, or did not apply to some or any of it."""
        for overlap in (counter.result() for counter in self._counters.values()):
            if overlap:
                warnings.warn(ImtoolsWarning(overlap.warning()), stacklevel=2)
        if self._bare:
            pairs = ", ".join(f"{label} of {model}" for model, label in sorted(self._bare))
            what = f"{self._file.name}: has no threshold for {pairs}: these predictions stay as they are"
            warnings.warn(ImtoolsWarning(what), stacklevel=2)
        if self._found and not any(self._found.values()):
            what = f"{self._file.name}: no predictions of {', '.join(self._file.models)} to apply them to"
            warnings.warn(ImtoolsWarning(what), stacklevel=2)

    def _marked(self, one: Prediction) -> Prediction:
        if one.start is not None or one.duration is not None:
            return one
        found = self._of(one.model)
        if found is None:
            return one
        if one.label not in found.classes:
            self._bare.add((member_of(one.model)[0], one.label))
            return one
        return replace(one, present=one.score >= found.classes[one.label])

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
