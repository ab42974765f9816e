"""A part of each record, for libraries too large to be heard whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import FeatureError, UsageError
from ..manifest import Record
from ..units import samples_to_seconds, seconds_to_samples

ExcerptPosition = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which part of a record to hear.

    Attributes
    ----------
    seconds : float
        How long, above 0; a shorter record is heard whole.
    place : {"start", "middle", "end"} or float
        Where, or from which second on; so much earlier as the record's end wants.

    Raises
    ------
    UsageError
        If nothing would be heard.
    """

    seconds: float
    place: ExcerptPosition | float = "middle"

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 < self.seconds < float("inf"):
            raise UsageError(f"an excerpt of {self.seconds:g} s holds nothing", "try 30")
        if isinstance(self.place, float) and not 0 <= self.place < float("inf"):
            raise UsageError(f"an excerpt cannot begin at {self.place:g} s", "give 0 or more")

    @classmethod
    def parse(cls, text: str) -> Excerpt:
        """Parse ``"30"``, ``"30@start"`` or ``"30@12.5"``.

        Raises
        ------
        UsageError
            If it is none of these.
        """
        length, at, place = text.partition("@")
        try:
            if place in ("start", "middle", "end"):
                return cls(float(length), place)  # type: ignore[arg-type]
            return cls(float(length), float(place)) if at else cls(float(length))
        except ValueError:
            hint = "write seconds, and where: 30, 30@start, 30@middle, 30@end or 30@12.5"
            raise UsageError(f"{text!r} is no excerpt", hint) from None

    def of(self, record: Record) -> tuple[Record, float]:
        """Return the part of a record, and how many seconds into it that begins.

        A record that is normalised is scaled by the level of the part. Features are those of the whole, so
        a part is heard even where there are some.

        Raises
        ------
        FeatureError
            If the record is longer, and there is nothing to hear.
        """
        length = max(1, seconds_to_samples(self.seconds, record.sampling_rate))
        rest = record.num_samples - length
        if rest <= 0:
            return record, 0.0
        if record.audio is None and not record.mix and record.features:
            what = f"record {record.id}: holds features only, of which there is no excerpt"
            raise FeatureError(what, "leave `excerpt` out")
        if isinstance(self.place, str):
            begin = {"start": 0, "middle": rest // 2, "end": rest}[self.place]
        else:
            begin = min(rest, seconds_to_samples(self.place, record.sampling_rate))
        part = record.part(begin, begin + length).replace(features={})
        return part, samples_to_seconds(begin, record.sampling_rate)
