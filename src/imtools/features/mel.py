"""The mel spectrogram, with the numbers of ``librosa.feature.melspectrogram`` but in batches."""

from __future__ import annotations

import librosa
import torch
from torch import Tensor
from torch.nn.functional import pad

from .base import FrontEnd
from .parameters import MelParameters

_FRAMES_AT_ONCE = 2048
"""Frames (of all clips of a batch together) whose spectra are in memory at the same time."""


class MelSpectrogram(FrontEnd):
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
        super().__init__(parameters)
        self.power = parameters.power
        self.n_fft, self.hop_length = parameters.n_fft, parameters.hop_length
        basis = librosa.filters.mel(
            sr=parameters.sampling_rate,
            n_fft=parameters.n_fft,
            n_mels=parameters.n_mels,
            fmin=parameters.fmin,
            fmax=parameters.fmax,
        )
        self.register_buffer("basis", torch.from_numpy(basis), persistent=False)
        self.register_buffer("window", torch.hann_window(parameters.n_fft), persistent=False)
        self.basis: Tensor
        self.window: Tensor

    def frames(self, num_samples: int) -> int:
        """Return the number of frames that a waveform of that many samples gives."""
        return 1 + (num_samples - self.n_fft % 2) // self.hop_length

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Return the mel bands of waveforms (batch, samples) as (batch, n_mels, frames)."""
        margin = self.n_fft // 2
        padded = pad(waveforms, (margin, margin))
        frames = self.frames(waveforms.shape[1])
        step = max(1, _FRAMES_AT_ONCE // max(1, len(waveforms)))
        parts = [self._bands(padded, first, min(step, frames - first)) for first in range(0, frames, step)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)

    def _bands(self, padded: Tensor, first: int, count: int) -> Tensor:
        """Return ``count`` frames of mel bands from frame ``first`` on."""
        start = first * self.hop_length
        stop = start + (count - 1) * self.hop_length + self.n_fft
        frames: Tensor = padded[:, start:stop].unfold(1, self.n_fft, self.hop_length)
        spectrum = torch.fft.rfft(frames * self.window).transpose(1, 2)
        bins = spectrum.abs() if self.power == 1 else spectrum.real.square() + spectrum.imag.square()
        bands: Tensor = self.basis @ bins
        return bands
