"""A part of each record, for libraries too large to be analysed whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..audio.load import SampleFile
from ..errors import FeatureError, UsageError
from ..manifest import Record
from ..units import samples_to_seconds, seconds_to_samples

ExcerptPosition = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a record that is used.

    Attributes
    ----------
    seconds : float
        Its length, above 0; a shorter record is used whole.
    place : {"start", "middle", "end"} or float
        Its position, or its start in seconds; moved earlier if it would exceed the end of the record.

    Raises
    ------
    UsageError
        If the length is not above 0, or the start below it.

    Examples
    --------
    >>> song = Record("song", "song.wav", 0.0, 200.0, 22050, 4_410_000)
    >>> part, offset = Excerpt(30.0, "middle").cut(song)
    >>> part.start, part.duration, offset
    (85.0, 30.0, 85.0)
    """

    seconds: float
    place: ExcerptPosition | float = "middle"

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 < self.seconds < float("inf"):
            raise UsageError(f"an excerpt of {self.seconds:g} s is empty", "try 30")
        if isinstance(self.place, float) and not 0 <= self.place < float("inf"):
            raise UsageError(f"an excerpt cannot begin at {self.place:g} s", "give 0 or more")

    def cut(self, record: Record, *, file: SampleFile | None = None) -> tuple[Record, float]:
        """Return the part of a record, and where it starts in the record.

        A record that is normalised is scaled by the level of the part. The part has no features, since those
        of the record describe all of it.

        Parameters
        ----------
        record : Record
            With audio or a mix recipe.
        file : SampleFile, optional
            Where its samples are read, instead of its ``audio``; see `imtools.sound.array`.

        Returns
        -------
        part : Record
            The record itself if it is not longer than the excerpt.
        start : float
            Seconds from the start of the record.

        Raises
        ------
        FeatureError
            If the record is longer, and has features only.
        """
        length = max(1, seconds_to_samples(self.seconds, record.sampling_rate))
        rest = record.num_samples - length
        if rest <= 0:
            return record, 0.0
        if file is None and record.audio is None and not record.mix:
            what = f"record {record.id}: has features only, of which no excerpt can be taken"
            raise FeatureError(what, "leave out `excerpt`")
        if isinstance(self.place, str):
            begin = {"start": 0, "middle": rest // 2, "end": rest}[self.place]
        else:
            begin = min(rest, seconds_to_samples(self.place, record.sampling_rate))
        part = record.part(begin, begin + length).replace(features={})
        return part, samples_to_seconds(begin, record.sampling_rate)
