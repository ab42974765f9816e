"""The augmenting stage: records in, recipes or rendered audio of changed copies out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..augment import Augmentation, choose_copies
from ..choices import AudioFormat
from ..manifest import Record
from ..run import Blueprint, Item, Options, RecordStage
from .rendering import write_rendered


@dataclass(frozen=True, slots=True)
class ChosenItem(Item):
    """A record and which of its copies are made: a choice over all records, so a journal has to know it."""

    copies: tuple[int, ...] = ()

    def digest(self) -> str:
        """Return a hash of the item and its choice."""
        return "-".join([Item.digest(self), *map(str, self.copies)])


class AugmentStage(RecordStage):
    """Makes the copies of each record, and renders them to files where a folder is given.

    Parameters
    ----------
    augmentation : Augmentation
        What is done to each record.
    folder : Path or None
        Files go to ``folder/audio``; without it the copies are recipes.
    fmt : {"flac", "wav"}
        Audio format.
    keep : bool
        Whether each record is passed on too, before its copies.
    """

    prepare_step = "augment"

    def __init__(
        self, augmentation: Augmentation, folder: Path | None, fmt: AudioFormat, *, keep: bool
    ) -> None:
        self._augmentation, self._folder, self._fmt, self._keep = augmentation, folder, fmt, keep

    def choose(self, records: Sequence[Record], limit: int) -> Iterator[ChosenItem]:
        """Choose among the copies of all records; yield the items to process.

        Parameters
        ----------
        records : sequence of Record
            All records.
        limit : int
            The most copies in all; see `choose_copies`.
        """
        chosen = choose_copies(self._augmentation, records, limit)
        for record in records:
            if self._keep or record.id in chosen:
                yield ChosenItem(record.id, record, record.audio, chosen.get(record.id, ()))

    def blueprint(self, options: Options) -> Blueprint:
        """Return how to make this stage elsewhere."""
        return Blueprint(AugmentStage, (self._augmentation, self._folder, self._fmt), {"keep": self._keep})

    def prepare(self, record: Record) -> list[Record]:
        """Make all copies of one record."""
        return self._copies(record, None)

    def prepare_item(self, item: Item, record: Record) -> list[Record]:
        """Make the copies of one record, or those that were chosen; see `RecordStage`."""
        return self._copies(record, item.copies if isinstance(item, ChosenItem) else None)

    def _copies(self, record: Record, numbers: Sequence[int] | None) -> list[Record]:
        copies = self._augmentation.copies_of(record, numbers)
        if self._folder is not None:
            copies = [write_rendered(copy, self._folder, self._fmt) for copy in copies]
        return [record, *copies] if self._keep else copies
