"""The work of a command on its items: the interface of stages, and how to make them in other processes."""

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
        dicts, is sent as an absolute one, which has to name the same file there.
    keywords : dict
        Its arguments by name.
    """

    make: Callable[..., Work[Any, Any]]
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)


class Work(ABC, Generic[P, M]):
    """What a command does with a record, in three steps.

    `prepare` takes one record at a time, in worker threads: decoding, rendering, writing a file. `process`
    takes a group of records: work that is faster in batches (features, nets). `store` keeps the results of
    a group, in the main process and in the order of the input. The first two may happen in other processes
    (see `blueprint`), there in several threads at once: they must not change the stage.

    Groups are cut by counting items from the start of the input, never by what is ready, so that the same
    input always has the same batches and gives the same bytes.
    """

    group_size = 1
    """Maximum number of items that `process` takes at once, and that a journal line commits."""
    prepare_step = "read"
    """Name of `prepare` in failure records and in the final line."""
    process_step = "write"
    """Name of `process` and `store` there."""

    def begin(self, kept: Iterator[Record]) -> None:
        """Prepare the stage; ``kept`` are the records from an earlier run of this output (none at first)."""

    @abstractmethod
    def prepare(self, record: Record) -> P:
        """Do the part of the work that concerns one record alone (in a worker thread)."""

    def prepare_item(self, item: Item, record: Record) -> P:
        """Prepare the record of an item; for stages whose items hold more than their records.

        Parameters
        ----------
        item : Item
            The item of the record.
        record : Record
            The record.
        """
        return self.prepare(record)

    def seconds(self, record: Record) -> float:
        """Return the processed duration of a record, in seconds, for the final line."""
        return record.duration

    @abstractmethod
    def process(self, records: list[Record], prepared: list[P]) -> Sequence[M | Exception]:
        """Return the result of each record of a group, or its error.

        If this raises, the records are processed again one by one: a stage with side effects has to return
        the error of a record instead.

        Parameters
        ----------
        records : list of Record
            The records of a group.
        prepared : list
            The result of `prepare` for each.
        """

    @abstractmethod
    def store(self, records: list[Record], made: list[M]) -> Sequence[list[Record] | Exception]:
        """Return the output records of each record that `process` has processed, or its error.

        Parameters
        ----------
        records : list of Record
            The processed records.
        made : list
            The result of `process` for each.
        """

    def end(self) -> None:
        """Finish: everything has been processed (not called if the run is interrupted)."""

    def blueprint(self, options: Options) -> Blueprint | None:
        """Return how to make an equal stage in another process, for `prepare` and `process`.

        ``None`` if the work can only be done in this process. Neither `begin` nor `store` nor `end` is called
        there.
        """
        return None


class Stage(Work[P, list[Record]], Generic[P]):
    """Work whose `process` returns the output records, so that nothing is left to store."""

    def store(self, records: list[Record], made: list[list[Record]]) -> Sequence[list[Record] | Exception]:
        """Return the results as they are.

        Parameters
        ----------
        records : list of Record
            The processed records.
        made : list
            The result of `process` for each.
        """
        return made


class RecordStage(Stage[list[Record]]):
    """A stage whose `prepare` does everything and returns the output records."""

    group_size = 16

    def process(self, records: list[Record], prepared: list[list[Record]]) -> list[list[Record]]:
        """Return the results of the workers as they are.

        Parameters
        ----------
        records : list of Record
            The records of a group.
        prepared : list
            The result of `prepare` for each.
        """
        return prepared


class Passing(RecordStage):
    """A stage that returns every record as it is: for commands that did their work on all records."""

    group_size = 256

    def prepare(self, record: Record) -> list[Record]:
        """Return the record."""
        return [record]
