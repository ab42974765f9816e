"""The waveform itself, for nets that learn their own representation."""

from __future__ import annotations

from torch import Tensor

from ..parameters import WaveformParameters
from .base import FrontEnd


class Waveform(FrontEnd):
    """The normalised samples themselves: one bin, as many frames as samples (Avramidis et al. 2021).

    Parameters
    ----------
    parameters : WaveformParameters
        The defaults are the paper's: mono at 22050 Hz, divided by its RMS.
    """

    kind = "waveform"
    version = 1

    def __init__(self, parameters: WaveformParameters) -> None:
        super().__init__(parameters)

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return waveforms (batch, samples) as (batch, 1, samples)."""
        return waveforms[:, None]
