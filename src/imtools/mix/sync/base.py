"""What a synchronisation of mixes decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from ...manifest import Record
from ...sound.recipe import MixTrack
from ..arrange import Compatibility

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Sync:
    """Decides which records may meet in a mix, and how their tracks are made to fit each other.

    A subclass sets `name` and overrides what it does differently.
    """

    name: ClassVar[str]
    """Name on the command line and in the recipes."""
    changes: ClassVar[str | None] = None
    """What of a track it changes: of those that change the same, one mix can have one."""
    order: ClassVar[int] = 0
    """Its place among several: tempo comes before what depends on the time."""

    @property
    def condition(self) -> Compatibility | None:
        """What records must share in order to meet, if anything."""
        return None

    def study(self, records: Sequence[Record]) -> None:
        """Find out what there is to know about the records that will be fitted to each other."""

    def fit(self, first: Record, track: MixTrack) -> MixTrack:
        """Return a track that fits the first one.

        Parameters
        ----------
        first : Record
            What the first track plays, from the mix's first sample on.
        track : MixTrack
            Another track, with its offset, and with what the synchronisations before have done to it.

        Raises
        ------
        ImtoolsError
            If something could not be found out about one of the records: why.
        """
        return track


class NoSync(Sync):
    """Lay records over each other at random: every record may meet every other.

    Kratimenos et al. (2020), section III.B.1.
    """

    name = "none"


class Measure(Protocol[T_co]):
    """A way of finding something out about many records at once."""

    def __call__(self, records: Sequence[Record]) -> Mapping[str, T_co | Exception]:
        """Return what was found, or why not, by the records' ids."""


class MeasuringSync(Sync, Generic[T]):
    """A synchronisation that has to listen to the records.

    Parameters
    ----------
    measure : Measure
        How; see `imtools.mix.analyzer.RecordAnalyzer`.
    """

    def __init__(self, measure: Measure[T]) -> None:
        self._measure = measure
        self._found: dict[str, T | Exception] = {}

    def study(self, records: Sequence[Record]) -> None:
        """Measure the records that have not been measured yet."""
        self._found.update(self._measure([one for one in records if one.id not in self._found]))

    def found(self, record: Record) -> T:
        """Return what was found out about a record, or raise why nothing was."""
        if record.id not in self._found:
            self.study([record])
        found = self._found[record.id]
        if isinstance(found, Exception):
            raise found.with_traceback(None)  # it may be raised often, and would grow
        return found
