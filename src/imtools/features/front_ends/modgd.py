"""The modified group delay of short frames."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..dsp.framing import Framing, powers
from ..parameters import ModgdParameters
from .base import FrontEnd

_SILENCE = 1e-60
"""Minimum power for the smoothing, far below that of any signal in float32."""


class ModifiedGroupDelay(FrontEnd):
    """Modified group delay with cepstral smoothing (Murthy and Gadde 2003; Lumen 2023, equation 3, Table 4).

    For a frame ``x[n]`` with transforms ``X`` of ``x[n]`` and ``Y`` of ``n x[n]``, and ``S`` the smoothed
    ``|X|``: ``tau = (X_R Y_R + X_I Y_I) / S ** (2 gamma)`` and the feature is ``sign(tau) |tau| ** alpha``.
    ``S`` is the exponential of the first ``n_ceps`` cepstral coefficients of ``|X|``. Frames are centred
    and weighted with a Hamming window; ``n`` counts from a frame's start.

    Parameters
    ----------
    parameters : ModgdParameters
        The defaults are Lumen's.

    Notes
    -----
    Computed in double precision: the smoothing averages the logarithms of all bins, and those of the weakest
    would be mere rounding error in float32.
    """

    kind = "modgd"
    version = 1

    def __init__(self, parameters: ModgdParameters) -> None:
        super().__init__(parameters, Framing(parameters.frame_length, parameters.hop_length))
        self._n_fft, self._n_bins = parameters.n_fft, parameters.n_bins
        self._alpha, self._gamma = parameters.alpha, parameters.gamma
        window = torch.hamming_window(parameters.frame_length, periodic=False, dtype=torch.float64)
        ramp = torch.arange(parameters.frame_length, dtype=torch.float64) * window
        self.register_buffer("windows", torch.stack([window, ramp]), persistent=False)
        to_cepstrum, to_spectrum = _smoothing(parameters)
        self.register_buffer("to_cepstrum", to_cepstrum, persistent=False)
        self.register_buffer("to_spectrum", to_spectrum, persistent=False)
        self.windows: Tensor
        self.to_cepstrum: Tensor
        self.to_spectrum: Tensor

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the feature of waveforms (batch, samples) as (batch, n_bins, frames)."""
        return self.framing.map(waveforms, self._group_delay)

    def _group_delay(self, frames: Tensor) -> Tensor:
        spectrum, derivative = (
            torch.fft.rfft(frames.double() * window, n=self._n_fft) for window in self.windows
        )
        smooth = self._smooth(powers(spectrum))
        x, y = spectrum[..., : self._n_bins], derivative[..., : self._n_bins]
        tau = (x.real * y.real + x.imag * y.imag) / smooth ** (2 * self._gamma)
        # Not 0 to a power: that has no finite gradient.
        size = tau.abs().clamp_min(_SILENCE) ** self._alpha
        feature: Tensor = (tau.sign() * size).float().transpose(1, 2)
        return feature

    def _smooth(self, power: Tensor) -> Tensor:
        """Return the first bins of the smoothed magnitude, from powers (..., bins)."""
        logarithm = power.clamp_min(_SILENCE).log() / 2
        smooth: Tensor = (logarithm @ self.to_cepstrum @ self.to_spectrum).exp()
        return smooth


def _smoothing(parameters: ModgdParameters) -> tuple[Tensor, Tensor]:
    """Return two factors of the smoothing: (bins, n_ceps) and (n_ceps, n_bins).

    The cepstrum of a real signal is even, so its few low coefficients are sums of cosines, and so is the
    spectrum that they give back: no further Fourier transform is needed.
    """
    bins = torch.arange(parameters.n_fft // 2 + 1, dtype=torch.float64)
    order = torch.arange(parameters.n_ceps, dtype=torch.float64)
    cosines = torch.cos(2 * math.pi / parameters.n_fft * torch.outer(bins, order))

    def multiplicity(index: Tensor) -> Tensor:
        """Return how often an index occurs among ``n_fft`` where k and n_fft - k are the same."""
        return torch.where((index == 0) | (2 * index == parameters.n_fft), 1.0, 2.0).double()

    to_cepstrum = multiplicity(bins)[:, None] * cosines / parameters.n_fft
    return to_cepstrum, (multiplicity(order) * cosines[: parameters.n_bins]).T
