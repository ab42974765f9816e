"""The constant-Q transform, octave by octave, with the numbers of ``librosa.cqt`` but in batches."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.fft
import torch
from torch import Tensor, nn

from ...arrays import Float64Array
from ..dsp.correlate import Correlation
from ..dsp.decimate import Decimator
from ..dsp.filters import wavelets
from ..dsp.framing import root
from ..parameters import CqtParameters
from .spectral import SpectralFrontEnd

SPARSITY = 0.01
"""Share of each kernel's spectral magnitude that is left out, as ``librosa.cqt`` does."""


class ConstantQ(SpectralFrontEnd):
    """Magnitude of the constant-Q transform (Schoerkhuber and Klapuri 2010, as librosa computes it).

    The kernels of the highest octave are applied to the signal, the signal is decimated by two, and so
    on down: every octave then has the same short kernels. Within 1e-5 of the maximum of
    ``librosa.cqt(y, sr=sampling_rate, hop_length=..., n_bins=..., bins_per_octave=..., fmin=...)``
    for signals whose main energy the bins cover; in float32, 1e-6 of the energy outside leaks into them.

    Parameters
    ----------
    parameters : CqtParameters
        The default is the input of Kratimenos et al. (2020): 96 x 87 for 1 s at 22050 Hz.

    Attributes
    ----------
    hop_length : int
        Samples between frames; frame ``f`` is centred at sample ``f * hop_length``.
    reach : int
        Samples to either side of its centre on which a frame can depend: half of the longest kernel, and
        the reach of the decimation before it.
    grid : int
        Slices that begin at multiples of this many samples have the frames of the whole, since decimation
        then keeps the same samples: the ``hop_length``, a multiple of all its factors.
    """

    kind = "cqt"
    version = 1

    def __init__(self, parameters: CqtParameters) -> None:
        super().__init__(parameters)
        octaves = math.ceil(parameters.n_bins / parameters.bins_per_octave)
        early = _early_halvings(parameters, octaves)
        self.early = Decimator(2**early) if early else None
        self.halve = Decimator(2)
        self.min_samples = 2**early
        self.hop_length = self.grid = parameters.hop_length
        self.reach = 0
        self.hops: list[int] = []
        self.octaves = nn.ModuleList()
        spacing, hop = 2**early, parameters.hop_length >> early
        decimated = self.early.reach if self.early else 0
        for octave in range(octaves):
            kernels = _kernels(parameters, octave, spacing)
            margin = kernels.shape[1] // 2
            self.octaves.append(Correlation(kernels, hop, margin))
            self.hops.append(hop)
            self.reach = max(self.reach, decimated + margin * spacing)
            if hop % 2 == 0:
                decimated += self.halve.reach * spacing
                spacing, hop = 2 * spacing, hop // 2

    def frames(self, num_samples: int) -> int:
        """Return the number of frames that a waveform of that many samples gives."""
        length = self.early.length(num_samples) if self.early else num_samples
        return 1 + length // self.hops[0]

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return |CQT| of waveforms (batch, samples) as (batch, n_bins, frames)."""
        signal, length = waveforms, waveforms.shape[1]
        if self.early:
            signal, length = self.early.extended(signal, length), self.early.length(length)
        frames = self.frames(waveforms.shape[1])
        powers = []
        for octave, (hop, correlation) in enumerate(zip(self.hops, self.octaves, strict=True)):
            if octave and hop != self.hops[octave - 1]:
                signal, length = self.halve.extended(signal, length), self.halve.length(length)
            real, imaginary = correlation(signal)[:, :frames].chunk(2, dim=2)
            powers.append((real.square() + imaginary.square()).transpose(1, 2))
        return root(torch.cat(powers[::-1], dim=1))


def _early_halvings(parameters: CqtParameters, octaves: int) -> int:
    """Return how often the signal can be decimated by two before the first octave without loss."""
    spare = math.ceil(math.log2(parameters.sampling_rate / 2 / parameters.cutoff)) - 2
    twos = (parameters.hop_length & -parameters.hop_length).bit_length() - 1
    return max(0, min(spare, twos - octaves + 1))


def _kernels(parameters: CqtParameters, octave: int, spacing: int) -> Float64Array:
    """Return the convolution weights (2 * bins, taps) of an octave, counted from the highest.

    The first half of the rows gives the real part of the response, the second the imaginary part. The
    signal has every ``spacing``-th sample left.
    """
    high = parameters.n_bins - octave * parameters.bins_per_octave
    bins = np.arange(max(0, high - parameters.bins_per_octave), high)
    frequencies = parameters.fmin * 2.0 ** (bins / parameters.bins_per_octave)
    kernel, lengths = _kernel(frequencies, parameters.sampling_rate / spacing, parameters.alpha)
    # Long kernels sum more of the signal; the sqrt(2) of each decimation goes with their samples.
    kernel /= np.sqrt(lengths)[:, np.newaxis]
    return np.concatenate([kernel.real, kernel.imag])


def _kernel(
    frequencies: Float64Array, rate: float, alpha: float
) -> tuple[npt.NDArray[np.complex128], Float64Array]:
    """Return complex kernels (bins, taps) whose products with a frame are librosa's, and the lengths.

    librosa multiplies the frame's spectrum with the positive half of the wavelets' sparsified spectrum.
    Both steps are linear, so one product in time is equivalent. The spectrum is computed in single precision
    and by SciPy, as in librosa, because rounding decides which of its smallest values are left out.
    """
    tones, lengths = wavelets(frequencies, rate, alpha)
    taps = tones.shape[1]
    tones *= lengths[:, np.newaxis] / taps
    spectra = scipy.fft.fft(tones, axis=1)[:, : taps // 2 + 1]
    kernel: npt.NDArray[np.complex128] = np.fft.fft(_sparse(spectra).astype(np.complex128), n=taps, axis=1)
    return kernel, lengths


def _sparse(spectra: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    """Return spectra (bins, frequencies) without their smallest values, ``SPARSITY`` of the magnitude."""
    magnitudes = np.abs(spectra)
    ascending = np.sort(magnitudes, axis=1)
    share = np.cumsum(ascending / magnitudes.sum(axis=1, keepdims=True), axis=1)
    least = np.take_along_axis(ascending, (share >= SPARSITY).argmax(axis=1)[:, np.newaxis], axis=1)
    kept: npt.NDArray[np.complex64] = np.where(magnitudes >= least, spectra, 0)
    return kept
