"""The fusing stage: manifests of several models' predictions in, one with the fused ones out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from ..errors import ManifestError
from ..fuse import Fusion, Rule, ScoreTable, merged, plan, whole_scores
from ..manifest import Prediction, Record
from ..run import Item, RecordStage, Run, execute, read_items
from ..run.items import chosen_items, parse_conditions
from ..thresholds import ThresholdsFile

_LOOK_AHEAD = 1024
"""Records of the first input that are looked at to learn which models there are."""


@dataclass(frozen=True, slots=True)
class FusedItem(Item):
    """A record of the first input; what the others hold of it belongs to its state, for the journal."""

    tables: Sequence[ScoreTable] = ()

    def digest(self) -> str:
        """Return a hash of the item and of its scores elsewhere."""
        return "-".join([Item.digest(self), *(table.digest(self.id) for table in self.tables)])


class FuseStage(RecordStage):
    """Gives each record of the first input what all models together say of it.

    Parameters
    ----------
    fusions : sequence of Fusion
        One, or one for each fold.
    first : str
        What the first input is called in messages.
    tables : sequence of ScoreTable
        The other inputs.
    keep : bool
        Whether the single models' predictions stay, those of other inputs joining them.
    """

    prepare_step = "fuse"
    group_size = 256

    def __init__(
        self, fusions: Sequence[Fusion], first: str, tables: Sequence[ScoreTable], *, keep: bool
    ) -> None:
        self._fusions, self._first, self._tables, self._keep = fusions, first, tables, keep

    def prepare(self, record: Record) -> list[Record]:
        """Fuse the predictions for one record."""
        sources = {self._first: whole_scores(record)}
        sources |= {table.name: table.of(record.id) for table in self._tables}
        scores = merged(record.id, sources)
        made = [one for fusion in self._fusions for one in fusion.fuse(record.id, scores)]
        if self._keep:
            names = {fusion.name for fusion in self._fusions}
            held = sources.pop(self._first)
            joined = [
                Prediction(model, label, score)
                for model, labels in scores.items()
                for label, score in labels.items()
                if label not in held.get(model, {})
            ]
            made = [one for one in [*record.predictions, *joined] if one.model not in names] + made
        return [record.replace(predictions=made)]


def fuse(
    run: Run,
    *,
    rule: Rule,
    models: Sequence[str],
    weights: str | None,
    thresholds: str | None,
    threshold: float | None,
    by_fold: bool,
    partial: bool,
    keep: bool,
    name: str | None,
) -> None:
    """Fuse the predictions in the inputs of a run.

    The records are those of the first input, one at a time; of the others only the scores are held.

    Parameters
    ----------
    run : Run
        The harness.
    thresholds : str or None
        A file of ``im-threshold``.
    keep
        See `FuseStage`.
    rule, models, weights, threshold, by_fold, partial, name
        See `imtools.fuse.plan`.

    Raises
    ------
    UsageError
        If there is nothing to fuse, or not in this way.
    ImtoolsError
        If the file of thresholds cannot be read.
    """
    file = None if thresholds is None else ThresholdsFile.load(thresholds)
    first, *others = list(run.options.inputs) or ["-"]
    faults: list[Item] = []
    with run.clock.measure("read"):
        tables = [_table(run, other, faults) for other in others]
    items = items_of(run, first)
    seen, classes = _look_ahead(items)
    known = dict(classes)
    for table in tables:
        known |= {model: labels for model, labels in table.classes.items() if model not in known}
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
    stage = FuseStage(fusions, first, tables, keep=keep)
    execute(run, stage, _all_items(chain(seen, items), first, list(classes), tables, faults))


def items_of(run: Run, name: str) -> Iterator[Item]:
    """Yield the items of one input that meet every ``--where``: ids may come again in another input."""
    return iter(chosen_items(read_items([name]), parse_conditions(run.options.where)))


def _table(run: Run, name: str, faults: list[Item]) -> ScoreTable:
    """Read the scores of an input; what is no record joins the faults."""
    table = ScoreTable(name)
    for item in items_of(run, name):
        if isinstance(item.value, Record):
            table.add(item.value)
        else:
            faults.append(_fault(item))
    return table


def _fault(item: Item) -> Item:
    if isinstance(item.value, Exception):
        return item
    error = ManifestError(f"{item.audio}: is audio, not a record with predictions", "run im-predict on it")
    return Item(item.id, error, item.audio)


def _look_ahead(items: Iterator[Item]) -> tuple[list[Item], dict[str, list[str]]]:
    """Take items up to the first with predictions; return them, and the classes of its models."""
    seen: list[Item] = []
    for item in items:
        seen.append(item)
        if isinstance(item.value, Record) and (scores := whole_scores(item.value)):
            return seen, {model: list(labels) for model, labels in scores.items()}
        if len(seen) == _LOOK_AHEAD:
            break
    return seen, {}


def _all_items(
    items: Iterable[Item], first: str, models: Sequence[str], tables: Sequence[ScoreTable], faults: list[Item]
) -> Iterator[Item]:
    """Yield the items of the first input, the faults of the others, and what only these have."""
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
                lacks = f", so predictions of {', '.join(models)} are lacking" if models else ""
                what = f"record {name}: is in {table.name}, but not in {first}{lacks}"
                yield Item(name, ManifestError(what, "give the input that has every record first"))
