"""Conversions between seconds and samples, amplitude and decibels: the only place where they are made."""

from __future__ import annotations

import math


def seconds_to_samples(seconds: float, sampling_rate: int) -> int:
    """Return the number of samples nearest to a duration.

    Parameters
    ----------
    seconds : float
        Duration in seconds.
    sampling_rate : int
        Samples per second, in Hz.

    Returns
    -------
    int
        ``seconds * sampling_rate`` rounded to the nearest integer. Truncation would lose a sample
        for about 6 % of all lengths, because most decimal durations have no exact binary form.
    """
    return round(seconds * sampling_rate)


def samples_to_seconds(num_samples: int, sampling_rate: int) -> float:
    """Return the duration in seconds of a number of samples at a rate in Hz.

    ``seconds_to_samples`` gives the same number of samples back.

    Parameters
    ----------
    num_samples : int
        Samples per channel.
    sampling_rate : int
        In Hz.
    """
    return num_samples / sampling_rate


def resampled_length(num_samples: int, from_rate: int, to_rate: int) -> int:
    """Return how many samples ``num_samples`` at ``from_rate`` become at ``to_rate`` (both in Hz).

    Parameters
    ----------
    num_samples : int
        Samples per channel.
    from_rate, to_rate : int
        The rates before and after, in Hz.
    """
    return (2 * num_samples * to_rate + from_rate) // (2 * from_rate)


def db_to_amplitude(db: float) -> float:
    """Return the amplitude ratio of a level difference in decibels."""
    return math.pow(10.0, db / 20.0)


def amplitude_to_db(amplitude: float) -> float:
    """Return the level in decibels of an amplitude ratio; ``-inf`` for zero."""
    return 20.0 * math.log10(amplitude) if amplitude > 0 else -math.inf


def is_count(value: object) -> bool:
    """Return whether a value is a whole number above 0, and not a bool.

    Examples
    --------
    >>> is_count(3), is_count(0), is_count(True), is_count(1.5)
    (True, False, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
