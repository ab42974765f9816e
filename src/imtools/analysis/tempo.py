"""The tempo of a recording, and the stretch that brings two recordings to one tempo.

Kratimenos et al. [1]_ (section III-B.3) take the tempo of three-second clips from librosa. Up to the onset
strength, so does imtools. `librosa.feature.tempo` then takes the best lag of its autocorrelation, weighted
around 120 BPM; on its grid neighbouring tempi are 5 % apart near there, and a stretched clip is often given
another metrical level or another lag altogether. Here, the autocorrelation is summed over lags that are
octaves apart, as in the cyclic tempogram of Grosche et al. [2]_, on a grid of 0.3 %: what remains is the
tempo up to factors of two, which is all that a few seconds of one instrument reveal.

References
----------
.. [1] A. Kratimenos, K. Avramidis, C. Garoufis, A. Zlatintsi and P. Maragos, "Augmentation Methods on
   Monophonic Audio for Instrument Classification in Polyphonic Music", EUSIPCO 2020.
.. [2] P. Grosche, M. Müller and F. Kurth, "Cyclic Tempogram - A Mid-Level Tempo Representation for Music
   Signals", ICASSP 2010.
"""

from __future__ import annotations

import math

import numpy as np
import soxr

from ..arrays import Float32Array, Float64Array
from ..audio.blocks import RESAMPLING_QUALITY
from ..audio.levels import peak
from ..errors import UsageError
from ..features.dsp.filters import mel_filters

CENTRE_BPM = 120.0
"""Middle of the octave in which tempi are given, on a logarithmic scale; librosa's start tempo."""

MIN_SECONDS = 1.0
"""Minimum duration for a tempo estimate, in seconds."""

MAX_SECONDS = 60.0
"""Maximum duration that is analysed, from the start, in seconds; bounds the memory."""

MIN_CONTRAST = 0.08
"""Minimum difference between the best and the worst tempo, in units of the energy of the onset strength.

Steady tones and single onsets have about 0.01, clicks 0.13 (two of them) to 2. Of 240 phrases of single
instruments, cut at three seconds, 18 % have less than this. White noise has more: it has a rhythm by chance.
"""

_RATE = 22050
_HOP = 128  # 172 frames a second
_N_FFT = 1024
_BANDS = 40
_RANGE_DB = 60.0  # below the clip's maximum; what is quieter is noise
_RISE = 6  # frames over which the level has to rise: 35 ms
_SMOOTHING = 2.0  # frames, standard deviation

_STEPS = 240  # tempi per octave: 0.29 % apart
_OCTAVES = 7  # of lags, 44 ms to 5.6 s; odd, so that the centre is in the middle of one
_PREFERENCE = 1.3  # octaves, standard deviation of the weight of lags around the centre's
_BLUR = 0.05  # octaves, standard deviation: near lags support each other where players are not exact
_MAX_LAG_RATIO = 0.75  # of the duration: longer lags have too little to compare


def estimate_tempo(samples: Float32Array, sampling_rate: int) -> float | None:
    """Return the tempo, up to a factor of two.

    Parameters
    ----------
    samples : ndarray of shape (n,), float32
        Mono, at any level, finite. At most the first minute is analysed.
    sampling_rate : int
        Hz.

    Returns
    -------
    float or None
        Beats per minute, in ``[120 / sqrt(2), 120 * sqrt(2))``: a beat outside is doubled or halved until
        it is inside. ``None`` where no beat is found: silence, sustained notes, a
        single onset, less than a second.

    Notes
    -----
    From the paper: three-second clips, librosa. From librosa: the mel spectrogram in decibels and its
    onset strength (`onset_strength`). Our own: the hop of 128 samples, and everything from the
    autocorrelation on. Thread-safe.
    """
    if len(samples) < MIN_SECONDS * sampling_rate:
        return None
    onsets = _onset_strength(samples[: round(MAX_SECONDS * sampling_rate)], sampling_rate)
    if onsets is None:
        return None
    support = _cyclic_tempogram(onsets)
    best = int(np.argmax(support))
    if support[best] - support.min() < MIN_CONTRAST:
        return None
    before, here, after = support[best - 1], support[best], support[(best + 1) % _STEPS]
    bend = before - 2 * here + after
    vertex = 0.5 * (before - after) / bend if bend < 0 else 0.0  # of the parabola through the three
    position = ((best + vertex) / _STEPS + 0.5) % 1 - 0.5
    return float(CENTRE_BPM * 2.0**position)


def stretch_factor(first_bpm: float, second_bpm: float, *, fold: bool) -> float:
    """Return the stretch factor that gives the second the tempo of the first.

    Parameters
    ----------
    first_bpm, second_bpm : float
        Tempi in beats per minute.
    fold : bool
        Halve or double the factor until it is nearest to 1 on a logarithmic scale; the beats of the first
        then coincide with every beat of the second, or every second, fourth, ... of them.

    Returns
    -------
    float
        New duration / old duration; with ``fold`` in ``[1 / sqrt(2), sqrt(2)]``.

    Raises
    ------
    UsageError
        If a tempo is not a positive, finite number.
    """
    for bpm in (first_bpm, second_bpm):
        if not (math.isfinite(bpm) and bpm > 0):
            raise UsageError(f"a tempo of {bpm!r} BPM is not possible", "give a positive number")
    octaves = math.log2(second_bpm) - math.log2(first_bpm)
    if not fold:
        return second_bpm / first_bpm
    return float(2.0 ** (octaves - round(octaves)))


def _onset_strength(samples: Float32Array, sampling_rate: int) -> Float64Array | None:
    """Return the onset strength at ``_RATE / _HOP`` Hz, smooth and without its mean; ``None`` for silence."""
    level = peak(samples)
    if level == 0:
        return None
    y = (samples / np.float64(level)).astype(np.float32)  # the decibels have an absolute floor
    if sampling_rate != _RATE:
        y = soxr.resample(y, sampling_rate, _RATE, quality=RESAMPLING_QUALITY)
    from scipy.ndimage import gaussian_filter1d

    smooth: Float64Array = gaussian_filter1d(onset_strength(y), _SMOOTHING)
    smooth -= smooth.mean()
    return smooth


def onset_strength(samples: Float32Array) -> Float64Array:
    """Return the rise of the level, averaged over mel bands.

    Equals what ``librosa.onset.onset_strength`` returns for ``librosa.feature.melspectrogram`` in decibels,
    from the first frame that has one to compare with; importing librosa takes longer than a hundred clips.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        At 22050 Hz.

    Returns
    -------
    ndarray of float64, shape (1 + n // 128 - 6,)
        Decibels in 35 ms.
    """
    padded = np.pad(samples, _N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_N_FFT) / _N_FFT)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    bands = power @ mel_filters(_RATE, _N_FFT, _BANDS, 0.0, None).T
    decibels = 10 * np.log10(np.maximum(bands, 1e-10))
    decibels = np.maximum(decibels, decibels.max(initial=-np.inf) - _RANGE_DB)
    rises: Float64Array = np.maximum(0, decibels[_RISE:] - decibels[:-_RISE]).mean(axis=1)
    return rises


def _cyclic_tempogram(onsets: Float64Array) -> Float64Array:
    """Return the support of each tempo, whatever its octave: ``_STEPS`` of them from `CENTRE_BPM` up."""
    from scipy.ndimage import gaussian_filter1d

    n = len(onsets)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(onsets, 2 * n)) ** 2)[:n]
    if correlation[0] <= 1e-9:  # no onset at all, only rounding
        return np.zeros(_STEPS)
    # Half-way between the biased and the unbiased estimate: the first prefers short lags, the second is
    # unsteady at long ones.
    correlation /= correlation[0] * np.sqrt(1 - np.arange(n) / n)
    octaves = np.arange(_OCTAVES * _STEPS) / _STEPS - _OCTAVES / 2  # of tempo, around the centre
    lags = 60 / CENTRE_BPM * 2.0**-octaves * _RATE / _HOP
    weights = np.where(lags < _MAX_LAG_RATIO * n, np.exp(-0.5 * (octaves / _PREFERENCE) ** 2), 0.0)
    values = np.interp(lags, np.arange(n), correlation) * weights
    folded = np.roll(values.reshape(_OCTAVES, _STEPS).sum(axis=0), -_STEPS // 2)
    support: Float64Array = gaussian_filter1d(folded, _BLUR * _STEPS, mode="wrap")
    return support
