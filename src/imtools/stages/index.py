"""Indexing: from files and data sets to a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import UsageError
from ..layouts import ManifestSummary, check, detect, get_layout
from ..manifest import Record
from ..manifest.stream import STDIN
from ..run import Item, RecordStage, Run, execute, record_items


class IndexStage(RecordStage):
    """Turns each file into a record; with ``decode`` it reads every sample first.

    Parameters
    ----------
    decode : bool
        Decode each file to its end, so that the corrupt ones are found now and not later.

    Attributes
    ----------
    statistics : ManifestSummary
        What has passed.
    """

    prepare_step = "check"

    def __init__(self, *, decode: bool) -> None:
        self._decode = decode
        self.statistics = ManifestSummary()

    def begin(self, kept: Iterator[Record]) -> None:
        """Count what an earlier run has indexed."""
        self.statistics.add(kept)

    def prepare(self, record: Record) -> list[Record]:
        """Return the record.

        Raises
        ------
        AudioError
            If the file does not decode to its end, or holds NaN or infinite samples.
        """
        if self._decode:
            check(record)
        return [record]

    def process(self, records: list[Record], prepared: list[list[Record]]) -> list[list[Record]]:
        """Count the records and hand them on.

        Parameters
        ----------
        records, prepared : list
            See `Work.process`.
        """
        self.statistics.add(records)
        return prepared


def index(run: Run, *, layout: str, decode: bool) -> ManifestSummary:
    """Index the inputs of a run.

    Parameters
    ----------
    run : Run
        The harness.
    layout : str
        Name of a layout, or ``"auto"``.
    decode : bool
        See `IndexStage`.

    Returns
    -------
    ManifestSummary
        Of all records.

    Raises
    ------
    UsageError
        If a layout holds arrays and there is no output directory to convert them into.
    """
    stage = IndexStage(decode=decode)
    execute(run, stage, _items(run, layout))
    return stage.statistics


def _items(run: Run, layout: str) -> Iterator[Item]:
    """Yield the inputs' items; archives of arrays are converted into the output directory."""
    roots = [Path(name) for name in run.options.inputs if name != STDIN]
    converters = [(detect(r) if layout == "auto" else get_layout(layout)).convert for r in roots]
    if not any(converters):
        yield from run.items(layout=layout)
        return
    if len(run.options.inputs) > 1:
        raise UsageError("an archive of arrays cannot be indexed with other inputs", "index it by itself")
    if run.folder is None or run.options.dry_run:
        raise UsageError(f"{roots[0]}: holds arrays, which need a place", "name a directory with -o")
    for convert in filter(None, converters):
        yield from record_items(convert(roots[0], run.folder))
