"""The bins of a representation: frequencies and names for the axis of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float64Array
from ..features import KINDS
from ..features.dsp.filters import mel_filters
from ..features.parameters import (
    ChromaParameters,
    ContrastParameters,
    CqtParameters,
    DescriptorsParameters,
    FftParameters,
    MelParameters,
    ModgdParameters,
    Parameters,
    RolloffParameters,
    StftParameters,
)

Ticks = list[tuple[float, str]]

_LABELLED_HZ = (0, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000)
"""Frequencies in Hz that are labelled on an axis of mel bands."""
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_MAX_TICKS = 9
_MEL_RESOLUTION = 2**13

_SCALES = {"db": "level (dB)", "log": "log magnitude", "linear": "magnitude"}


@dataclass(frozen=True)
class Bins:
    """The axis and the unit of a representation.

    Attributes
    ----------
    label : str
        The quantity along the bins, with its unit.
    value : str
        The quantity of the values, with its unit.
    ticks : list of (float, str)
        Places, in bins from 0 (the lowest), and their labels.
    decibels : bool
        Whether the values are levels, of which the lowest are inaudible.
    own_units : bool
        Whether each bin has a unit of its own.
    """

    label: str
    value: str
    ticks: Ticks
    decibels: bool = False
    own_units: bool = False


def bins_of(config: Mapping[str, Any]) -> Bins:
    """Return the axis of a front end.

    Parameters
    ----------
    config : mapping
        Its ``config``.

    Returns
    -------
    Bins
        With at most one tick a bin.

    Raises
    ------
    UsageError
        If the config is not that of a front end.
    """
    parameters = KINDS[config["kind"]].parameters.parse({k: v for k, v in config.items() if k != "kind"})
    match parameters:
        case CqtParameters() | MelParameters() | StftParameters() | FftParameters():
            low, high = parameters.crop or (0, parameters.all_bins)
            ticks = [(place - low, name) for place, name in _frequencies(parameters) if low <= place < high]
            return Bins("frequency (Hz)", _SCALES[parameters.scale], ticks, parameters.scale == "db")
        case ModgdParameters():
            return Bins("frequency (Hz)", "modified group delay", _frequencies(parameters))
        case ChromaParameters():
            return Bins("pitch class", "share of the strongest", _pitch_classes(parameters.n_chroma))
        case ContrastParameters():
            ends = [parameters.fmin * 2.0**octave for octave in range(parameters.n_bands)]
            names = [f"to {ends[0]:g}", *(f"from {end:g}" for end in ends)]
            return Bins("band (Hz)", "contrast (dB)", [(float(k), name) for k, name in enumerate(names)])
        case DescriptorsParameters():
            ticks = _thinned([(float(k), name) for k, name in enumerate(parameters.names)], 14)
            return Bins("descriptor", "standard deviations from the mean", ticks, own_units=True)
        case RolloffParameters():
            return Bins("roll-off (Hz)", "roll-off (Hz)", [])
    return Bins("amplitude", "amplitude", [])


def _frequencies(parameters: Parameters) -> Ticks:
    """Return ticks at round frequencies; for a constant-Q transform, at the lowest note of each octave."""
    match parameters:
        case CqtParameters():
            octaves = range(0, parameters.n_bins, parameters.bins_per_octave)
            step = parameters.bins_per_octave
            return [(float(place), f"{parameters.fmin * 2.0 ** (place / step):.0f}") for place in octaves]
        case MelParameters():
            return _apart(_at_round(_mel_peaks(parameters), _LABELLED_HZ), parameters.n_mels / 12)
        case StftParameters() | FftParameters() | ModgdParameters():
            bins = parameters.bins if isinstance(parameters, ModgdParameters) else parameters.all_bins
            centres = np.arange(bins) * parameters.sampling_rate / parameters.n_fft
            return _at_round(centres, _steps(float(centres[-1])))
    return []


def _mel_peaks(parameters: MelParameters) -> Float64Array:
    """Return the frequency at the peak of each band, in Hz."""
    rate = parameters.sampling_rate
    bands = mel_filters(rate, _MEL_RESOLUTION, parameters.n_mels, parameters.fmin, parameters.fmax)
    peaks: Float64Array = bands.argmax(axis=1) * (rate / _MEL_RESOLUTION)
    return np.maximum.accumulate(peaks)


def _steps(highest: float) -> Sequence[float]:
    """Return round frequencies from 0 to the highest, in equal steps."""
    round_steps = (10.0**power * factor for power in range(-2, 9) for factor in (1, 2, 5))
    step = next(step for step in round_steps if highest <= 8 * step)
    return [step * k for k in range(int(highest / step) + 1)]


def _at_round(centres: Float64Array, frequencies: Sequence[float]) -> Ticks:
    inside = [hertz for hertz in frequencies if centres[0] <= hertz <= centres[-1]]
    places = np.interp(inside, centres, np.arange(len(centres)))
    return [(float(place), f"{hertz:g}") for place, hertz in zip(places, inside, strict=True)]


def _pitch_classes(count: int) -> Ticks:
    if count % 12:
        return _thinned([(float(k), str(k)) for k in range(count)], _MAX_TICKS)
    return [(float(k * count // 12), name) for k, name in enumerate(_NOTES) if "♯" not in name]


def _apart(ticks: Ticks, least: float) -> Ticks:
    """Leave out, from the top, ticks that are too close to the tick above."""
    kept: Ticks = []
    for tick in reversed(ticks):
        if not kept or kept[-1][0] - tick[0] >= least:
            kept.append(tick)
    return kept[::-1]


def _thinned(ticks: Ticks, most: int) -> Ticks:
    return ticks[:: -(-len(ticks) // most)]
