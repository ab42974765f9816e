"""The fixed filters of the front ends, with the values of librosa's.

Computed here because importing librosa takes longer than processing thousands of clips; the tests compare
them with librosa's.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ...arrays import Float32Array, Float64Array

_HZ_PER_MEL = 200 / 3
_LINEAR_END = 1000.0
"""Slaney's mel scale is linear up to here, in Hz, and logarithmic beyond."""
_LOG_STEP = math.log(6.4) / 27
"""Natural logarithm of the ratio of two frequencies one mel apart, beyond there."""


def mel_filters(sampling_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None) -> Float32Array:
    """Return triangular bands on Slaney's mel scale, each of the same area.

    Parameters
    ----------
    sampling_rate : int
        Hz.
    n_fft : int
        Samples of the Fourier transform.
    n_mels : int
        Number of bands.
    fmin, fmax : float
        Start of the first and end of the last, in Hz; ``None``: at half the sampling rate.

    Returns
    -------
    ndarray of float32, shape (n_mels, n_fft // 2 + 1)
    """
    frequencies = np.fft.rfftfreq(n_fft, 1 / sampling_rate)
    ends = np.array([fmin, sampling_rate / 2 if fmax is None else fmax])
    low_mel, high_mel = _hz_to_mel(ends)
    corners = _mel_to_hz(np.linspace(low_mel, high_mel, n_mels + 2))
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling))
    bands: Float32Array = (triangles * 2 / (high - low)).astype(np.float32)
    return bands


def _hz_to_mel(frequencies: Float64Array) -> Float64Array:
    beyond = np.log(np.maximum(frequencies, _LINEAR_END) / _LINEAR_END) / _LOG_STEP
    return np.minimum(frequencies, _LINEAR_END) / _HZ_PER_MEL + beyond


def _mel_to_hz(mels: Float64Array) -> Float64Array:
    end = _LINEAR_END / _HZ_PER_MEL
    return np.minimum(mels, end) * _HZ_PER_MEL * np.exp(_LOG_STEP * np.maximum(0, mels - end))


def wavelets(
    frequencies: Float64Array, sampling_rate: float, alpha: float
) -> tuple[npt.NDArray[np.complex64], Float64Array]:
    """Return Hann-windowed complex tones of constant Q, centred in a power of two of samples.

    Parameters
    ----------
    frequencies : ndarray of float64
        Hz, ascending.
    sampling_rate : float
        Hz.
    alpha : float
        Bandwidth relative to the frequency (1 / Q).

    Returns
    -------
    tones : ndarray of complex64, shape (frequencies, taps)
        Their magnitudes add up to 1.
    lengths : ndarray of float64, shape (frequencies,)
        Q periods each, in samples, not rounded.
    """
    lengths = 1 / alpha * sampling_rate / frequencies
    taps = 2 ** math.ceil(math.log2(lengths.max()))
    tones = np.zeros((len(frequencies), taps), np.complex64)
    for tone, frequency, length in zip(tones, frequencies, lengths, strict=True):
        first = math.floor(-length / 2)
        count = math.floor(length / 2) - first
        window = 0.5 - 0.5 * np.cos(2 * np.pi / count * np.arange(count))
        phase = np.arange(first, first + count, dtype=np.float64) * 2 * np.pi * frequency / sampling_rate
        wave = np.exp(1j * phase) * window
        margin = (taps - count) // 2
        tone[margin : margin + count] = wave / np.abs(wave).sum()
    return tones, lengths


def chroma_folding(n_bins: int, bins_per_octave: int, n_chroma: int, fmin: float) -> Float32Array:
    """Return the matrix that adds up the bins of each pitch class, C first.

    Parameters
    ----------
    n_bins, bins_per_octave : int
        Of the constant-Q transform.
    n_chroma : int
        Pitch classes; divides ``bins_per_octave``. Each gathers the bins nearest to it.
    fmin : float
        Frequency of the lowest bin, in Hz.

    Returns
    -------
    ndarray of float32, shape (n_chroma, n_bins)
    """
    merged = bins_per_octave // n_chroma
    # MIDI note 0 is a C; A4 = 440 Hz is note 69.
    note = (69 + 12 * math.log2(fmin / 440)) % 12
    shift = round(note * n_chroma / 12)
    classes = ((np.arange(n_bins) + merged // 2) // merged + shift) % n_chroma
    folding: Float32Array = (classes == np.arange(n_chroma)[:, None]).astype(np.float32)
    return folding
