"""The spectral roll-off, with the numbers of ``librosa.feature.spectral_rolloff`` but in batches."""

from __future__ import annotations

import torch
from torch import Tensor

from ..dsp.framing import Framing, magnitudes
from ..parameters import RolloffParameters
from .base import FrontEnd


class RollOff(FrontEnd):
    """The frequency, in Hz, at or below which a share of each frame's summed magnitude lies.

    A feature that Lumen (2023) names as future work. It counts bins, so it has no gradient; where the sum
    is within rounding of the share, it may differ from librosa's by one bin. Silence gives 0 Hz.

    Parameters
    ----------
    parameters : RolloffParameters
        The defaults are librosa's.
    """

    kind = "rolloff"
    version = 1

    def __init__(self, parameters: RolloffParameters) -> None:
        super().__init__(parameters, Framing(parameters.n_fft, parameters.hop_length))
        self._share = parameters.roll_percent
        self._bandwidth = parameters.sampling_rate / parameters.n_fft
        self.register_buffer("window", torch.hann_window(parameters.n_fft), persistent=False)
        self.window: Tensor

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the roll-off of waveforms (batch, samples) as (batch, 1, frames)."""
        return self.framing.map(waveforms, self._rolloff)

    def _rolloff(self, frames: Tensor) -> Tensor:
        # In double precision: which bin is the first to reach the share must not depend on rounding.
        summed = magnitudes(frames, self.window).double().cumsum(dim=1)
        below = summed < self._share * summed[:, -1:]
        return (below.sum(dim=1, keepdim=True) * self._bandwidth).float()
