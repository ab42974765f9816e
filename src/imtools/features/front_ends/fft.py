"""The spectrum of a whole clip: one Fourier transform from its first sample to its last."""

from __future__ import annotations

import torch
from torch import Tensor

from ..dsp.framing import powers, root
from ..parameters import FftParameters
from .spectral import SpectralFrontEnd


class WholeClipFourier(SpectralFrontEnd):
    """Magnitude spectrum of a clip padded with zeros to a fixed length (Vaznonis et al. 2022, 4.2.2).

    The paper pads at a random place. A delay only changes phases, so the magnitudes are the same wherever
    the zeros are: here they follow the clip.

    Parameters
    ----------
    parameters : FftParameters
        The defaults are the paper's: 442000 frequencies.
    """

    kind = "fft"
    version = 1

    def __init__(self, parameters: FftParameters) -> None:
        super().__init__(parameters)
        self.power, self.n_fft = parameters.power, parameters.n_fft
        self.max_samples = parameters.n_fft
        self.reach = None

    def frames(self, num_samples: int) -> int:
        """Return 1: the clip is one frame."""
        return 1

    def working_length(self, num_samples: int) -> int:
        """Return ``n_fft``: shorter clips are padded to it."""
        return self.n_fft

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the spectra of waveforms (batch, samples) as (batch, n_fft // 2, 1)."""
        spectrum = torch.fft.rfft(waveforms, n=self.n_fft)[:, : self.n_fft // 2, None]
        return root(powers(spectrum)) if self.power == 1 else powers(spectrum)
