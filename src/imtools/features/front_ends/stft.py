"""The short-time Fourier transform, with the numbers of ``librosa.stft`` but in batches."""

from __future__ import annotations

import torch
from torch import Tensor

from ..dsp.framing import Framing, magnitudes
from ..parameters import StftParameters
from .spectral import SpectralFrontEnd


class ShortTimeFourier(SpectralFrontEnd):
    """Magnitudes or powers of the short-time Fourier transform (Hann, centred, zeros beyond the ends).

    Within 1e-5 of the maximum of ``abs(librosa.stft(...)) ** power`` with the same parameters.

    Parameters
    ----------
    parameters : StftParameters
        The defaults are librosa's.
    """

    kind = "stft"
    version = 1

    def __init__(self, parameters: StftParameters) -> None:
        super().__init__(parameters, Framing(parameters.n_fft, parameters.hop_length))
        self.power = parameters.power
        self.register_buffer("window", torch.hann_window(parameters.n_fft), persistent=False)
        self.window: Tensor

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the spectra of waveforms (batch, samples) as (batch, n_fft // 2 + 1, frames)."""
        return self.framing.map(waveforms, lambda some: magnitudes(some, self.window, self.power))
