"""The mel spectrogram, with the numbers of ``librosa.feature.melspectrogram`` but in batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...arrays import Float32Array
from ..dsp.filters import mel_filters
from ..dsp.framing import Framing, magnitudes
from ..parameters import MelParameters
from .spectral import SpectralFrontEnd

_BANDS_PER_CHUNK = 16


class MelSpectrogram(SpectralFrontEnd):
    """Short-time Fourier transform (Hann, centred, zeros beyond the ends) summed in mel bands.

    Within 1e-5 of the maximum of ``librosa.feature.melspectrogram`` with the same parameters.

    Parameters
    ----------
    parameters : MelParameters
        The defaults are librosa's.
    """

    kind = "mel"
    version = 1

    def __init__(self, parameters: MelParameters) -> None:
        super().__init__(parameters, Framing(parameters.n_fft, parameters.hop_length))
        self.power = parameters.power
        basis = mel_filters(
            parameters.sampling_rate,
            parameters.n_fft,
            parameters.n_mels,
            parameters.fmin,
            parameters.fmax,
        )
        self.register_buffer("basis", torch.from_numpy(basis), persistent=False)
        self.register_buffer("window", torch.hann_window(parameters.n_fft), persistent=False)
        self.basis: Tensor
        self.window: Tensor
        self._spans = _spans(basis)

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the mel bands of waveforms (batch, samples) as (batch, n_mels, frames)."""
        return self.framing.map(waveforms, self._bands)

    def _bands(self, frames: Tensor) -> Tensor:
        heights = magnitudes(frames, self.window, self.power)
        bands = [self.basis[rows, bins] @ heights[:, bins] for rows, bins in self._spans]
        return torch.cat(bands, dim=1)


def _spans(basis: Float32Array) -> list[tuple[slice, slice]]:
    """Return neighbouring bands, some at a time, and the bins that these sum.

    Nine in ten weights are zeros; this skips most of them.
    """
    spans = []
    for first in range(0, len(basis), _BANDS_PER_CHUNK):
        rows = slice(first, first + _BANDS_PER_CHUNK)
        used = np.flatnonzero(basis[rows].any(axis=0))
        begin, end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        spans.append((rows, slice(begin, end)))
    return spans
