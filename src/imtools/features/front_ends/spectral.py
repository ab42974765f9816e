"""Compression of amplitudes and powers, shared by the spectral front ends."""

from __future__ import annotations

import math

from torch import Tensor, maximum

from ..dsp.framing import Framing
from ..parameters import SpectralParameters
from .base import FrontEnd


class SpectralFrontEnd(FrontEnd):
    """A front end whose ``transform`` returns all bins of amplitudes (``power`` 1) or powers (2).

    ``finish`` applies ``scale`` and ``crop``; ``"db"`` is librosa's amplitude_to_db or power_to_db, clip
    by clip.
    """

    def __init__(self, parameters: SpectralParameters, framing: Framing = Framing(1, 1)) -> None:  # noqa: B008
        super().__init__(parameters, framing)
        self._scale, self._ref, self._top_db = parameters.scale, parameters.ref, parameters.top_db
        self._amin = parameters.amin
        self.needs_peaks = self._scale == "db" and (self._top_db is not None or self._ref == "max")
        self._kept = slice(*(parameters.crop or (None,)))

    def finish(self, transformed: Tensor, peaks: Tensor | None) -> Tensor:
        """Compress, and crop the bins; see `FrontEnd.finish`."""
        return self._compress(transformed, peaks)[:, self._kept]

    def _compress(self, transformed: Tensor, peaks: Tensor | None) -> Tensor:
        if self._scale == "linear":
            return transformed
        floor = self._amin**self.power
        if self._scale == "log":
            return transformed.clamp_min(floor).log()
        decades = 20 / self.power
        level = decades * transformed.clamp_min(floor).log10()
        reference = 0.0 if isinstance(self._ref, str) else decades * math.log10(max(floor, self._ref))
        if peaks is None:
            return level - reference
        loudest = decades * peaks.clamp_min(floor).log10()
        if self._top_db is not None:
            level = maximum(level, loudest - self._top_db)
        return level - (loudest if isinstance(self._ref, str) else reference)
