"""Tempo-synchronised mixing (Kratimenos et al. 2020, section III.B.3)."""

from __future__ import annotations

import math
from dataclasses import replace

from ...analysis.tempo import stretch_factor
from ...errors import AudioError
from ...manifest import Record
from ...sound.recipe import MixTrack
from ...units import samples_to_seconds
from .base import Measure, MeasuringSync

_DECIMALS = 5
_EXTRA_SAMPLES = 4  # samples


class TempoSync(MeasuringSync[float | None]):
    """Stretch the second track to the tempo of the first, cut or with its beginning repeated to its length.

    A record without a beat is mixed as it is. The paper takes clips of 3 s: a second is too short for
    a tempo, so segments are cut after mixing.

    Parameters
    ----------
    measure : Measure
        The measurement of tempi, in beats per minute.
    fold : bool
        Whether half and double tempo count as the same, so that nothing is stretched by more than the
        square root of 2.
    """

    name = "tempo"
    changes = "tempo"
    order = 1

    def __init__(self, measure: Measure[float | None], *, fold: bool = False) -> None:
        super().__init__(measure)
        self._fold = fold

    def fit(self, first: Record, track: MixTrack) -> MixTrack:
        """Return the track, stretched, and at least as long as the first; see `Sync.fit`."""
        own, other = self.measured(first), self.measured(track.record)
        factor = 1.0
        if own is not None and other is not None:
            factor = round(stretch_factor(own, other, fold=self._fold), _DECIMALS)
        rate = track.record.sampling_rate
        seconds = samples_to_seconds(first.num_samples, first.sampling_rate)
        # Rounding, here and at other rates, must not make the mix shorter than the first track.
        length = math.ceil(seconds * rate / factor) + _EXTRA_SAMPLES
        if not track.record.num_samples:
            message = f"record {track.record.id}: has no beginning that could be repeated"
            raise AudioError(message, "leave it out")
        return replace(track, stretch=factor, length=length)
