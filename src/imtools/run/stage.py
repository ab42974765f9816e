"""The work of a command on its items: what each stage has to say, and how it is made elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..manifest import Record
from .context import Options
from .items import Item

P = TypeVar("P")
M = TypeVar("M")


@dataclass(frozen=True)
class Blueprint:
    """How to make a stage in another process, perhaps on another machine.

    Attributes
    ----------
    make : callable
        A class or function of a module, which that process imports; called once in each process.
    arguments : tuple
        Its arguments: plain data that can be pickled. Each ``Path`` among them, also in lists, tuples and
        dicts, is sent as an absolute one, which has to lead to the same place there.
    keywords : dict
        Its arguments by name.
    """

    make: Callable[..., Work[Any, Any]]
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)


class Work(ABC, Generic[P, M]):
    """What a command does with a record, in three steps.

    `prepare` takes one record at a time, in worker threads: decoding, rendering, writing a file. `process`
    takes a group of records: whatever is faster for many (features, nets). `store` keeps what was made of
    a group, in the main process and in the order of the input. The first two may happen in other processes
    (see `blueprint`), there in several threads at once: they leave the stage as it is.

    Groups are cut by counting items from the start of the input, never by what is ready, so that the same
    input always meets the same batches and gives the same bytes.
    """

    group_size = 1
    """How many items `process` takes at once at most, and how many a journal line commits."""
    prepare_step = "read"
    """Name of `prepare` in failure records and in the final line."""
    process_step = "write"
    """Name of `process` and `store` there."""

    def begin(self, kept: Iterator[Record]) -> None:
        """Get ready; ``kept`` are the records that an earlier run of this output made (none at first)."""

    @abstractmethod
    def prepare(self, record: Record) -> P:
        """Do the part of the work that concerns one record alone (in a worker thread)."""

    def prepare_item(self, item: Item, record: Record) -> P:
        """Prepare the record of an item; for stages whose items say more than their records.

        Parameters
        ----------
        item : Item
            What the record was made of.
        record : Record
            The record.
        """
        return self.prepare(record)

    def seconds(self, record: Record) -> float:
        """Return how much of a record is worked on, in seconds, for the final line."""
        return record.duration

    @abstractmethod
    def process(self, records: list[Record], prepared: list[P]) -> Sequence[M | Exception]:
        """Return what becomes of each record of a group, or why nothing does.

        If this raises, the records are processed again one by one: whatever leaves traces outside has to
        return what went wrong with a record instead.

        Parameters
        ----------
        records : list of Record
            The records of a group.
        prepared : list
            What `prepare` made of each.
        """

    @abstractmethod
    def store(self, records: list[Record], made: list[M]) -> Sequence[list[Record] | Exception]:
        """Return the output records of each record of which `process` made something, or why it has none.

        Parameters
        ----------
        records : list of Record
            The records of which something was made.
        made : list
            What `process` made of each.
        """

    def end(self) -> None:
        """Finish: everything has been processed (not called when the run breaks off)."""

    def blueprint(self, options: Options) -> Blueprint | None:
        """Return how to make a stage elsewhere that does `prepare` and `process` as this one does.

        ``None`` if the work can be done here only. Neither `begin` nor `store` nor `end` is called there.
        """
        return None


class Stage(Work[P, list[Record]], Generic[P]):
    """Work whose `process` gives the output records, so that nothing is left to store."""

    def store(self, records: list[Record], made: list[list[Record]]) -> Sequence[list[Record] | Exception]:
        """Hand on what was made.

        Parameters
        ----------
        records : list of Record
            The records of which something was made.
        made : list
            What `process` made of each.
        """
        return made


class RecordStage(Stage[list[Record]]):
    """A stage whose `prepare` does it all, giving the output records."""

    group_size = 16

    def process(self, records: list[Record], prepared: list[list[Record]]) -> list[list[Record]]:
        """Hand on what the workers made.

        Parameters
        ----------
        records : list of Record
            The records of a group.
        prepared : list
            What `prepare` made of each.
        """
        return prepared


class Passing(RecordStage):
    """A stage that hands every record on as it is: for commands that did their work on the whole."""

    group_size = 256

    def prepare(self, record: Record) -> list[Record]:
        """Return the record."""
        return [record]
