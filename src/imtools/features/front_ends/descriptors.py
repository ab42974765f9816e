"""The classical descriptors of short frames, with the numbers of ``librosa.feature`` but in batches."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..dsp.framing import Framing, powers, root
from ..parameters import DescriptorsParameters
from .base import FrontEnd
from .contrast import SpectralContrast
from .mel import MelSpectrogram
from .rolloff import RollOff

_AMIN = 1e-10
"""Floor of librosa's ``power_to_db`` and ``spectral_flatness``: of powers."""

_AUDIBLE = 1e-10
"""Amplitude up to which librosa's ``zero_crossings`` treats a sample as zero."""


class Descriptors(FrontEnd):
    """Hand-crafted features of each frame, from which instruments were recognised before nets used
    spectrograms.

    The bins are, in this order: mel-frequency cepstral coefficients (orthonormal DCT-II of the mel
    spectrogram in dB, range 80 dB); spectral contrast in dB; centroid, bandwidth and roll-off in Hz;
    flatness in dB; flux; rate of zero crossings; energy in dB. They are of the kind that the baseline of
    Bosch et al. (2012) uses, as reported by Vaznonis (2022), section 2.1, which does not specify them.

    All but the flux are within 1e-4 of ``librosa.feature`` (flatness and energy in decibels). Two
    differ on purpose: beyond the ends of the waveform all assume silence, where librosa's zero crossings
    repeat the last sample; and flatness is in dB, because most of its ratios are near 0. The flux is
    the Euclidean distance of a frame's magnitudes from those of the frame before, both of unit length: 0 to
    the square root of 2, and 0 in the first frame, so that loudness does not count.

    Parameters
    ----------
    parameters : DescriptorsParameters
        The defaults are librosa's; ``parameters.names`` lists the bins.
    """

    kind = "descriptors"
    version = 1

    def __init__(self, parameters: DescriptorsParameters) -> None:
        super().__init__(parameters, Framing(parameters.n_fft, parameters.hop_length))
        self.needs_peaks = True
        self.reach = self.framing.reach + self.hop_length  # the flux depends on the frame before
        self.names = parameters.names
        self._mel = MelSpectrogram(parameters.mel)
        self._contrast = SpectralContrast(parameters.contrast)
        self._rolloff = RollOff(parameters.rolloff)
        self._sizes = [parameters.n_mels, 2 * (parameters.n_bands + 1)]
        frequencies = torch.arange(parameters.n_fft // 2 + 1) * (parameters.sampling_rate / parameters.n_fft)
        self.register_buffer("frequencies", frequencies[:, None], persistent=False)
        self.register_buffer("cosines", _dct(parameters.n_mfcc, parameters.n_mels), persistent=False)
        self.register_buffer("window", torch.hann_window(parameters.n_fft), persistent=False)
        self.frequencies: Tensor
        self.cosines: Tensor
        self.window: Tensor

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return mel bands, peaks, valleys, and the single descriptors, as (batch, rows, frames)."""
        shape = _Shape(self.frequencies, self.window)
        shapes = self.framing.map(waveforms, shape.describe)
        moments, others = shapes[:, :2], shapes[:, 2:]
        parts = (front_end.transform(waveforms) for front_end in (self._mel, self._contrast))
        return torch.cat([*parts, moments, self._rolloff.transform(waveforms), others], dim=1)

    def peaks(self, transformed: Tensor) -> Tensor:
        """Return the largest amplitude in the mel bands, the loudest peak and valley, (batch, 3, 1)."""
        mel, contrast, _ = self._split(transformed)
        return torch.cat([root(self._mel.peaks(mel)), self._contrast.peaks(contrast)], dim=1)

    def finish(self, transformed: Tensor, peaks: Tensor | None) -> Tensor:
        """Return the descriptors; see `FrontEnd.finish`."""
        assert peaks is not None
        mel, contrast, single = self._split(transformed)
        cepstrum = self.cosines @ self._mel.finish(mel, peaks[:, :1].square())
        return torch.cat([cepstrum, self._contrast.finish(contrast, peaks[:, 1:]), single], dim=1)

    def _split(self, transformed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mel, both = self._sizes
        return transformed[:, :mel], transformed[:, mel : mel + both], transformed[:, mel + both :]


class _Shape:
    """Describes the shape of frames that arrive in order, in parts: it keeps the last frame."""

    def __init__(self, frequencies: Tensor, window: Tensor) -> None:
        self._frequencies, self._window = frequencies, window
        self._last: Tensor | None = None

    def describe(self, frames: Tensor) -> Tensor:
        """Return centroid, bandwidth, flatness, flux, zero crossings and energy, (batch, 6, some)."""
        power = powers(torch.fft.rfft(frames * self._window)).transpose(1, 2)
        magnitude = root(power)
        share = magnitude / _divisor(_sum(magnitude))
        centroid = _sum(self._frequencies * share)
        bandwidth = _root(_sum((self._frequencies - centroid).square() * share))
        raised = power.clamp_min(_AMIN)
        flatness = 10 * (raised.log10().mean(dim=1, keepdim=True) - raised.mean(dim=1, keepdim=True).log10())
        energy = 10 * frames.square().mean(dim=2).clamp_min(_AMIN).log10()[:, None]
        return torch.cat(
            [centroid, bandwidth, flatness, self._flux(magnitude), _zero_crossings(frames), energy], dim=1
        )

    def _flux(self, magnitude: Tensor) -> Tensor:
        unit = magnitude / _divisor(_root(_sum(magnitude.square())))
        before = torch.cat([unit[:, :, :1] if self._last is None else self._last, unit[:, :, :-1]], dim=2)
        self._last = unit[:, :, -1:]
        return _root(_sum((unit - before).square()))


def _sum(spectrum: Tensor) -> Tensor:
    return spectrum.sum(dim=1, keepdim=True)


def _divisor(values: Tensor) -> Tensor:
    """Return values to divide by: 1 for 0, so that silence stays silence and has a gradient of 0."""
    return torch.where(values > 0, values, 1.0)


def _root(values: Tensor) -> Tensor:
    """Return the square root with a gradient of 0 at 0: roots of roots would overflow with that of `root`."""
    return _divisor(values).sqrt() * (values > 0)


def _zero_crossings(frames: Tensor) -> Tensor:
    """Return the share of a frame's samples whose sign is not that of the sample before, (batch, 1, some)."""
    below = frames < -_AUDIBLE
    crossings = (below[:, :, 1:] != below[:, :, :-1]).sum(dim=2)
    return (crossings / frames.shape[2])[:, None].to(frames.dtype)


def _dct(count: int, length: int) -> Tensor:
    """Return the first rows of the orthonormal discrete cosine transform of type II, (count, length)."""
    row, place = torch.arange(count).double()[:, None], torch.arange(length).double()
    cosines = torch.cos(math.pi / length * (place + 0.5) * row) * math.sqrt(2 / length)
    cosines[0] /= math.sqrt(2)
    return cosines.float()
