"""The constant-Q transform, octave by octave, with the numbers of ``librosa.cqt`` but in batches."""

from __future__ import annotations

import math

import librosa
import numpy as np
import numpy.typing as npt
import scipy.fft
import torch
from torch import Tensor
from torch.nn.functional import pad

from .base import FrontEnd
from .correlate import correlate
from .decimate import Decimator
from .parameters import CqtParameters

SPARSITY = 0.01
"""Share of each kernel's spectral magnitude that is left out, as ``librosa.cqt`` does."""


class ConstantQ(FrontEnd):
    """Magnitude of the constant-Q transform (Schoerkhuber and Klapuri 2010, as librosa computes it).

    The kernels of the highest octave are applied to the signal, the signal is decimated by two, and so
    on down: every octave then has the same short kernels. Within 1e-5 of the maximum of
    ``librosa.cqt(y, sr=sampling_rate, hop_length=..., n_bins=..., bins_per_octave=..., fmin=...)``
    for signals whose main energy the bins cover; float32 carries 1e-6 of what lies outside into them.

    Parameters
    ----------
    parameters : CqtParameters
        The default is the input of Kratimenos et al. (2020): 96 x 87 for 1 s at 22050 Hz.
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
        rate, hop = parameters.sampling_rate / 2**early, parameters.hop_length >> early
        self.hops: list[int] = []
        for octave, weight in enumerate(_kernels(parameters, rate, hop, octaves)):
            self.register_buffer(f"octave{octave}", torch.from_numpy(weight), persistent=False)
            self.hops.append(hop)
            hop = hop // 2 if hop % 2 == 0 else hop

    def frames(self, num_samples: int) -> int:
        """Return the number of frames that a waveform of that many samples gives."""
        length = self.early.length(num_samples) if self.early else num_samples
        return 1 + length // self.hops[0]

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Return |CQT| of waveforms (batch, samples) as (batch, n_bins, frames)."""
        signal = waveforms if self.early is None else self.early(waveforms)
        frames = self.frames(waveforms.shape[1])
        octaves = []
        for octave, hop in enumerate(self.hops):
            if octave and hop != self.hops[octave - 1]:
                signal = self.halve(signal)
            weight = self.get_buffer(f"octave{octave}")
            margin = weight.shape[2] // 2
            response = correlate(pad(signal, (margin, margin)), weight, hop)
            real, imaginary = response[..., :frames].chunk(2, dim=1)
            octaves.append(torch.complex(real, imaginary).abs())  # unlike sqrt, has a gradient at 0
        return torch.cat(octaves[::-1], dim=1)


def _early_halvings(parameters: CqtParameters, octaves: int) -> int:
    """Return how often the signal can be halved before the first octave without loss."""
    spare = math.ceil(math.log2(parameters.sampling_rate / 2 / parameters.cutoff)) - 2
    twos = (parameters.hop_length & -parameters.hop_length).bit_length() - 1
    return max(0, min(spare, twos - octaves + 1))


def _kernels(
    parameters: CqtParameters, top_rate: float, hop: int, octaves: int
) -> list[npt.NDArray[np.float32]]:
    """Return each octave's convolution weights (2 * bins, 1, taps), highest octave first.

    The first half of the rows gives the real part of the response, the second the imaginary part.
    """
    count, per_octave = parameters.n_bins, parameters.bins_per_octave
    frequencies = parameters.fmin * 2.0 ** (np.arange(count) / per_octave)
    alpha = parameters.alpha
    lengths, _ = librosa.filters.wavelet_lengths(freqs=frequencies, sr=top_rate, alpha=alpha)
    weights = []
    rate = top_rate
    for octave in range(octaves):
        high = count - octave * per_octave
        bins = slice(max(0, high - per_octave), high)
        kernel = _kernel(frequencies[bins], rate, alpha)
        # Decimation scales amplitudes by sqrt(2); long kernels have summed more of the signal.
        kernel *= np.sqrt(top_rate / rate / lengths[bins])[:, np.newaxis]
        weights.append(np.concatenate([kernel.real, kernel.imag])[:, np.newaxis].astype(np.float32))
        if hop % 2 == 0:
            hop, rate = hop // 2, rate / 2
    return weights


def _kernel(frequencies: npt.NDArray[np.float64], rate: float, alpha: float) -> npt.NDArray[np.complex128]:
    """Return complex kernels (bins, taps) whose product with a frame is librosa's response to it.

    librosa multiplies the frame's spectrum with the positive half of the wavelets' sparsified spectrum.
    Both steps are linear, so one product in time does the same. The spectrum is made in single precision
    like librosa's, for rounding decides which of its smallest values are left out.
    """
    wavelets, lengths = librosa.filters.wavelet(freqs=frequencies, sr=rate, alpha=alpha, norm=1)
    taps = wavelets.shape[1]
    wavelets *= lengths[:, np.newaxis] / taps
    spectra = scipy.fft.fft(wavelets, n=taps, axis=1)[:, : taps // 2 + 1]
    kept = librosa.util.sparsify_rows(spectra, quantile=SPARSITY, dtype=np.complex64).toarray()
    kernel: npt.NDArray[np.complex128] = np.fft.fft(kept.astype(np.complex128), n=taps, axis=1)
    return kernel
