"""Key-synchronised mixing, which Kratimenos et al. (2020, section VI) name as future work."""

from __future__ import annotations

from dataclasses import replace

from ...analysis.key import Key, interval
from ...manifest import Record
from ...sound.recipe import MixTrack
from .base import MeasuringSync


class KeySync(MeasuringSync[Key | None]):
    """Transpose the second track by the nearest interval that gives it the first one's key signature.

    A record without a key is mixed as it is.
    """

    name = "key"
    changes = "pitch"
    order = 2

    def fit(self, first: Record, track: MixTrack) -> MixTrack:
        """Return the track, transposed; see `Sync.fit`."""
        own, other = self.measured(first), self.measured(track.record)
        semitones = 0 if own is None or other is None else interval(own, other)
        return replace(track, shift=((0, float(semitones)),) if semitones else ())
