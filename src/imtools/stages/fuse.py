"""The fusion stage: from manifests with predictions of several models to one with the fused predictions."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from ..choices import Rule
from ..errors import ImtoolsWarning, ManifestError
from ..fuse import Fusion, ScoreTable, Weights, merged, plan, whole_scores
from ..manifest import Prediction, Record
from ..run import Item, RecordStage, Run, execute
from ..score.model_names import member_of
from ..score.predicted import is_for_whole_item
from ..thresholds import ThresholdsFile
from .inputs import inputs_of, items_of

_LOOK_AHEAD = 1024
"""How many records of the first input are read to find out which models there are."""


@dataclass(frozen=True, slots=True)
class FusedItem(Item):
    """A record of the first input; its scores in the others are part of its state in the journal."""

    tables: Sequence[ScoreTable] = ()

    def digest(self) -> str:
        """Return a hash of the item and of its scores in the other inputs."""
        return "-".join([Item.digest(self), *(table.digest(self.id) for table in self.tables)])


class FuseStage(RecordStage):
    """Gives each record of the first input the fused predictions of all models.

    Parameters
    ----------
    fusions : sequence of Fusion
        One, or one for each fold.
    first : str
        The name of the first input, for messages.
    tables : sequence of ScoreTable
        The other inputs.
    expected : collection of str or None
        The models that were found, if all are to be fused; ``None`` if some were chosen.
    keep : bool
        Whether to keep the predictions of the single models, of all inputs.
    """

    prepare_step = "fuse"
    group_size = 256

    def __init__(
        self,
        fusions: Sequence[Fusion],
        first: str,
        tables: Sequence[ScoreTable],
        expected: Collection[str] | None,
        *,
        keep: bool,
    ) -> None:
        self._fusions, self._first, self._tables, self._keep = fusions, first, tables, keep
        self._expected, self._late = expected, set[str]()
        self._of_members = member_of(fusions[0].models[0])[1] is not None

    def prepare(self, record: Record) -> list[Record]:
        """Fuse the predictions for one record."""
        sources = {self._first: whole_scores(record)}
        sources |= {table.name: table.scores(record.id) for table in self._tables}
        scores = merged(record.id, sources)
        if self._expected is not None:
            late = scores.keys() - self._expected - {fusion.name for fusion in self._fusions}
            self._late |= {model for model in late if (member_of(model)[1] is not None) == self._of_members}
        fused = [one for fusion in self._fusions for one in fusion.fuse(record.id, scores)]
        if self._keep:
            names = {fusion.name for fusion in self._fusions}
            fused = [one for one in self._kept(record) if one.model not in names] + fused
        return [record.replace(predictions=fused)]

    def _kept(self, record: Record) -> list[Prediction]:
        """Return the predictions of all inputs for a record, each once."""
        kept = list(record.predictions)
        held = {(model, label) for model, labels in whole_scores(record).items() for label in labels}
        for table in self._tables:
            others = table.predictions(record.id)
            kept += [one for one in others if (one.model, one.label) not in held]
            held |= {(one.model, one.label) for one in others}
        return kept

    def end(self) -> None:
        """Warn of models that came too late to be fused."""
        if self._late:
            what = f"predictions of {', '.join(sorted(self._late))} are left out: the first {_LOOK_AHEAD} "
            what += f"records of {self._first} have none; give them as an input of their own"
            warnings.warn(ImtoolsWarning(what), stacklevel=2)


def fuse(
    run: Run,
    *,
    rule: Rule,
    models: Sequence[str],
    weights: Weights | None,
    thresholds: str | None,
    threshold: float | None,
    by_fold: bool,
    partial: bool,
    keep: bool,
    name: str | None,
) -> None:
    """Fuse the predictions in the inputs of a run.

    The records are those of the first input, read one at a time; of the others only the scores are kept.

    Parameters
    ----------
    run : Run
        The harness.
    thresholds : str or None
        A thresholds file.
    keep
        See `FuseStage`.
    rule, models, weights, threshold, by_fold, partial, name
        See `imtools.fuse.plan`.

    Raises
    ------
    UsageError
        If there is nothing to fuse, or as `imtools.fuse.plan`.
    ImtoolsError
        If the thresholds file cannot be read.
    """
    file = None if thresholds is None else ThresholdsFile.load(thresholds)
    first, *others = inputs_of(run)
    faults: list[Item] = []
    with run.clock.measure("read"):
        tables = [_table(run, other, faults) for other in others]
    items = items_of(run, first)
    seen, classes = _look_ahead(items)
    known = _united([classes, *(table.classes for table in tables)])
    fusions = plan(
        known,
        rule,
        models=models,
        weights=weights,
        thresholds=file,
        threshold=threshold,
        by_fold=by_fold,
        partial=partial,
        name=name,
    )
    stage = FuseStage(fusions, first, tables, None if models else known, keep=keep)
    execute(run, stage, _all_items(chain(seen, items), first, list(classes), tables, faults))


def _table(run: Run, name: str, faults: list[Item]) -> ScoreTable:
    """Read the scores of an input; whatever is not a record with scores is added to the faults."""
    table = ScoreTable(name)
    for item in items_of(run, name):
        if not isinstance(item.value, Record):
            faults.append(_fault(item))
            continue
        try:
            table.add(item.value)
        except ManifestError as error:
            faults.append(Item(item.id, error, item.audio))
    return table


def _fault(item: Item) -> Item:
    if isinstance(item.value, Exception):
        return item
    error = ManifestError(f"{item.audio}: is audio, not a record with predictions", "run im-predict on it")
    return Item(item.id, error, item.audio)


def _look_ahead(items: Iterator[Item]) -> tuple[list[Item], dict[str, list[str]]]:
    """Take the first items; return them, and the classes of the models that they have predictions of."""
    seen = list(islice(items, _LOOK_AHEAD))
    records = (item.value for item in seen if isinstance(item.value, Record))
    return seen, _united(
        {prediction.model: [prediction.label]}
        for record in records
        for prediction in record.predictions
        if is_for_whole_item(prediction)
    )


def _united(parts: Iterable[Mapping[str, Iterable[str]]]) -> dict[str, list[str]]:
    """Return the classes of each model in some mappings, both in order of first appearance."""
    found: dict[str, dict[str, None]] = {}
    for classes in parts:
        for model, labels in classes.items():
            found.setdefault(model, {}).update(dict.fromkeys(labels))
    return {model: list(labels) for model, labels in found.items()}


def _all_items(
    items: Iterable[Item], first: str, models: Sequence[str], tables: Sequence[ScoreTable], faults: list[Item]
) -> Iterator[Item]:
    """Yield the items of the first input, the faults of the others, and errors for items only in these."""
    done: set[str] = set()
    for item in items:
        done.add(item.id)
        if isinstance(item.value, Record):
            yield FusedItem(item.id, item.value, item.audio, tables)
        else:
            yield _fault(item)
    yield from faults
    for table in tables:
        for name in table:
            if name not in done:
                done.add(name)
                lacks = f", so predictions of {', '.join(models)} are missing" if models else ""
                what = f"record {name}: is in {table.name}, but not in {first}{lacks}"
                yield Item(name, ManifestError(what, "give the input that has every record first"))
