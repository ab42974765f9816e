"""Time stretching and pitch shifting that varies over time, by one of two engines.

``rubberband`` runs the Rubber Band program: tones are exact, but it must be installed. ``signalsmith``
is Signalsmith Stretch, a library that installs with the package: several times as fast, tones within a few
cents. Both are deterministic, keep the level, and do not clip.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence

import numpy as np

from ...arrays import Float32Array
from ...audio.levels import peak
from ...choices import STRETCHERS, Stretcher
from ...errors import UsageError
from .curve import extended, runs_of
from .joining import continued

_HEADROOM = 3
"""Samples are scaled below 2**-3 for the engines, whatever the level: the Rubber Band program clips at 1."""

_MARGIN = 0.08
"""Seconds by which signals are extended at both ends: engines fade in and out where they are cut."""


def resolve_stretcher(name: str = "auto", *, shifts: bool = True) -> Stretcher:
    """Return the engine that a name refers to on this machine.

    Parameters
    ----------
    name : str
        ``"rubberband"``, ``"signalsmith"``, or ``"auto"``: Rubber Band where pitch is shifted, if it is
        installed, else Signalsmith Stretch. Where only time is stretched, that is as clean (a tone of seven
        harmonics: 55 dB above the residual, Rubber Band 52 dB), has sharper onsets and takes a seventh of
        the time.
    shifts : bool
        Whether pitch is to be shifted.

    Raises
    ------
    UsageError
        If there is no such engine, or the program that it needs is not installed.
    """
    if name not in ("auto", *STRETCHERS):
        raise UsageError(
            f"stretcher {name!r} is not known", f"choose from auto, {', '.join(map(repr, STRETCHERS))}"
        )
    installed = shutil.which("rubberband") is not None
    if name == "signalsmith" or (name == "auto" and not (installed and shifts)):
        return "signalsmith"
    if not installed:
        raise UsageError(
            "stretcher 'rubberband' needs the program rubberband, which is not installed",
            "install it (package rubberband-cli on Debian and Ubuntu, rubberband with Homebrew)"
            " or pass `stretcher=signalsmith`",
        )
    return "rubberband"


def stretch(
    samples: Float32Array,
    sampling_rate: int,
    engine: str,
    *,
    factor: float = 1.0,
    shift: Sequence[tuple[int, float]] = (),
) -> Float32Array:
    """Change the duration and the pitch of a signal independently of each other.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,) or (channels, n)
        Any level: samples beyond full scale are not clipped.
    sampling_rate : int
        Hz.
    engine : str
        See `resolve_stretcher`.
    factor : float
        New duration / old duration.
    shift : sequence of (int, float)
        Samples of the input, and the semitones that apply from there on; the first sample is 0, and they
        ascend. Steps closer than 5 ms are averaged.

    Returns
    -------
    ndarray of float32, shape (m,) or (channels, m)
        ``m = round(n * factor)``; sample k of the input moves to ``k * factor``. The input itself
        if nothing changes.

    Raises
    ------
    UsageError
        If the engine is unknown or not installed, or the factor is not a positive number.
    AudioError
        If the engine fails; with its message.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise UsageError(f"a stretch by {factor} is not possible", "give a factor above 0")
    factor = float(factor)  # a NumPy number has another repr
    engine = resolve_stretcher(engine, shifts=any(semitones for _sample, semitones in shift))
    num_samples = samples.shape[-1]
    runs = runs_of(shift, num_samples, sampling_rate)
    if factor == 1 and not any(run.semitones for run in runs):
        return samples
    length = round(num_samples * factor)
    if length == 0 or not samples.size or not samples.any():
        return np.zeros((*samples.shape[:-1], length), dtype=np.float32)
    exponent = math.frexp(peak(samples))[1] + _HEADROOM
    channels = np.ldexp(np.atleast_2d(samples).astype(np.float32, copy=False), -exponent)  # exact
    margin = round(_MARGIN * sampling_rate)
    begin = round(margin * factor)
    channels = continued(channels, margin, sampling_rate)
    runs = extended(runs, margin)
    total = max(begin + length, round(channels.shape[1] * factor))
    if engine == "rubberband":
        from . import rubberband

        result = rubberband.stretch(channels, sampling_rate, factor, runs, total)
    else:
        from . import signalsmith

        result = signalsmith.stretch(channels, sampling_rate, factor, runs, total)
    result = result[:, begin : begin + length]
    return np.ldexp(result, exponent).reshape(*samples.shape[:-1], length)


__all__ = ["resolve_stretcher", "stretch"]
