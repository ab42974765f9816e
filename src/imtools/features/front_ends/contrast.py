"""The spectral contrast, with the numbers of ``librosa.feature.spectral_contrast`` but in batches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ..dsp.framing import Framing, magnitudes
from ..parameters import ContrastParameters
from .base import FrontEnd

_AMIN, _TOP_DB = 1e-10, 80.0
"""Floor and range of librosa's ``power_to_db``, which it applies to the magnitudes of peaks and valleys."""


class SpectralContrast(FrontEnd):
    """Level of the peaks over that of the valleys in each octave, in dB (Jiang et al. 2002).

    A feature that Lumen (2023) names as future work. The magnitudes of peaks and valleys are within 1e-5 of
    the maximum of those that ``librosa.feature.spectral_contrast`` compares; valleys of nothing but
    rounding error (below -100 dB or so) have arbitrary levels, here as in librosa.

    Parameters
    ----------
    parameters : ContrastParameters
        The defaults are librosa's.
    """

    kind = "contrast"
    version = 1

    def __init__(self, parameters: ContrastParameters) -> None:
        super().__init__(parameters, Framing(parameters.n_fft, parameters.hop_length))
        self.needs_peaks = True
        self._bands = _bands(parameters)
        self.register_buffer("window", torch.hann_window(parameters.n_fft), persistent=False)
        self.window: Tensor

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the mean magnitudes of peaks, then of valleys, as (batch, 2 * bands, frames)."""
        return self.framing.map(waveforms, self._peaks_and_valleys)

    def _peaks_and_valleys(self, frames: Tensor) -> Tensor:
        spectrum = magnitudes(frames, self.window).transpose(1, 2)
        bands = [(spectrum[..., low:high], count) for low, high, count in self._bands]
        peaks = [band.topk(count, sorted=False).values.mean(dim=2) for band, count in bands]
        valleys = [band.topk(count, largest=False, sorted=False).values.mean(dim=2) for band, count in bands]
        return torch.stack(peaks + valleys, dim=1)

    def peaks(self, transformed: Tensor) -> Tensor:
        """Return the loudest peak and the loudest valley of each clip, (batch, 2, 1)."""
        return torch.stack([half.amax(dim=(1, 2)) for half in transformed.chunk(2, dim=1)], dim=1)[..., None]

    def finish(self, transformed: Tensor, peaks: Tensor | None) -> Tensor:
        """Return the difference of the levels in dB; see `FrontEnd.finish`."""
        assert peaks is not None
        levels = [10 * half.clamp_min(_AMIN).log10() for half in transformed.chunk(2, dim=1)]
        loudest = 10 * peaks.clamp_min(_AMIN).log10()
        over, under = (torch.maximum(level, loudest[:, [n]] - _TOP_DB) for n, level in enumerate(levels))
        return over - under


def _bands(parameters: ContrastParameters) -> list[tuple[int, int, int]]:
    """Return first bin, end, and number of bins averaged, for each band, as librosa chooses them.

    A band shares its ends with its neighbours: it takes in the bin before its first, and gives up its last.
    """
    frequencies = np.fft.rfftfreq(parameters.n_fft, 1 / parameters.sampling_rate)
    edges = [0.0, *(parameters.fmin * 2.0**octave for octave in range(parameters.n_bands + 1))]
    bands = []
    for number, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        highest = number == parameters.n_bands
        first, last = int(inside[0]) - (number > 0), len(frequencies) - 1 if highest else int(inside[-1])
        count = max(1, round(parameters.quantile * (last + 1 - first)))
        bands.append((first, last + highest, count))
    return bands
