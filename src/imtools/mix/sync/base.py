"""The base of all synchronisations of mixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from ...manifest import Record
from ...sound.recipe import MixTrack
from ..arrange import Compatibility

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Sync:
    """Decides which records may be mixed, and how their tracks are made to fit each other.

    A subclass sets `name` and overrides the methods that differ.
    """

    name: ClassVar[str]
    """The name in settings and recipes."""
    changes: ClassVar[str | None] = None
    """The property of a track that it changes: a mix can have only one synchronisation for each."""
    order: ClassVar[int] = 0
    """Its rank among several: tempo comes before those that depend on the time."""

    @property
    def compatibility(self) -> Compatibility | None:
        """The property that records must share to be mixed, if any."""
        return None

    def analyze(self, records: Sequence[Record]) -> None:
        """Analyse the records that will be fitted to each other."""

    def fit(self, first: Record, track: MixTrack) -> MixTrack:
        """Return a track that fits the first one.

        Parameters
        ----------
        first : Record
            The record of the first track, from the mix's first sample on.
        track : MixTrack
            Another track, with its offset, and with the changes of the synchronisations before.

        Raises
        ------
        ImtoolsError
            If one of the records could not be analysed, with the reason.
        """
        return track


class NoSync(Sync):
    """Mix records at random: every record may be mixed with every other.

    Kratimenos et al. (2020), section III.B.1.
    """

    name = "none"


class Measure(Protocol[T_co]):
    """A function that measures a property of many records at once."""

    def __call__(self, records: Sequence[Record]) -> Mapping[str, T_co | Exception]:
        """Return the results, or the errors, by the ids of the records."""


class MeasuringSync(Sync, Generic[T]):
    """A synchronisation that has to analyse the audio of the records.

    Parameters
    ----------
    measure : Measure
        The measurement; see `imtools.mix.analyzer.RecordAnalyzer`.
    """

    def __init__(self, measure: Measure[T]) -> None:
        self._measure = measure
        self._measured: dict[str, T | Exception] = {}

    def analyze(self, records: Sequence[Record]) -> None:
        """Measure the records that have not been measured yet."""
        self._measured.update(self._measure([one for one in records if one.id not in self._measured]))

    def measured(self, record: Record) -> T:
        """Return the result of a record, or raise its error."""
        if record.id not in self._measured:
            self.analyze([record])
        measured = self._measured[record.id]
        if isinstance(measured, Exception):
            raise measured.with_traceback(None)  # it may be raised often, and would grow
        return measured
