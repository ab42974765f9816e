"""The augmenting stage: records in, recipes or rendered audio of changed copies out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..augment import Augmentation, Values, choose_copies
from ..errors import UsageError
from ..manifest import Record
from ..run import Blueprint, Item, Options, RecordStage
from .rendering import write_rendered


def parse_values(text: str | None, option: str) -> Values | None:
    """Return the values in ``"-2,2,4"``, ``"-6:6"`` or ``"3"``; `option` names them in errors.

    Raises
    ------
    UsageError
        If there are none, one is no number, or the bounds go down.
    """
    if text is None:
        return None
    hint = "write a number, a list such as -2,2,4, or bounds such as -6:6"
    bounds = ":" in text
    try:
        numbers = tuple(float(one) for one in text.split(":" if bounds else ","))
    except ValueError:
        raise UsageError(f"{option} {text}: is not made of numbers", hint) from None
    if bounds and (len(numbers) != 2 or not numbers[0] <= numbers[1]):
        raise UsageError(f"{option} {text}: is not a lower and an upper bound", hint)
    return Values(numbers, bounds)


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
    fmt : str
        ``"flac"`` or ``"wav"``.
    keep : bool
        Whether each record is handed on too, before its copies.
    """

    prepare_step = "augment"

    def __init__(self, augmentation: Augmentation, folder: Path | None, fmt: str, *, keep: bool) -> None:
        self._augmentation, self._folder, self._fmt, self._keep = augmentation, folder, fmt, keep

    def choose(self, records: Sequence[Record], limit: int) -> Iterator[ChosenItem]:
        """Make no more than so many copies of all records; yield the items that are left to do."""
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
        """Make the copies of one record, or those that were chosen."""
        return self._copies(record, item.copies if isinstance(item, ChosenItem) else None)

    def _copies(self, record: Record, numbers: Sequence[int] | None) -> list[Record]:
        copies = self._augmentation.copies_of(record, numbers)
        if self._folder is not None:
            copies = [write_rendered(copy, self._folder, self._fmt) for copy in copies]
        return [record, *copies] if self._keep else copies
