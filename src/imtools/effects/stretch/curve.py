"""Pitch curves as runs of equal shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_MIN_RUN_SECONDS = 0.005
"""No engine follows a curve faster: shorter runs would only cost time."""


class ConstantRun(NamedTuple):
    """A part of the input, from sample `start` up to `stop`, and its shift in semitones."""

    start: int
    stop: int
    semitones: float

    @property
    def ratio(self) -> float:
        """The factor of its frequencies."""
        return float(2.0 ** (self.semitones / 12.0))


def runs_of(shift: Sequence[tuple[int, float]], num_samples: int, sampling_rate: int) -> list[ConstantRun]:
    """Return the runs of a pitch curve: they cover the input, and neighbours differ.

    Steps beyond the input are left out. Runs of less than 5 ms are merged with their successors, weighted by
    their lengths.

    Parameters
    ----------
    shift : sequence of (int, float)
        Samples, and the semitones that apply from there on.
    num_samples : int
        Length of the input.
    sampling_rate : int
        Hz.
    """
    keys = [(start, float(value)) for start, value in shift if start < num_samples] or [(0, 0.0)]
    stops = [start for start, _ in keys[1:]] + [num_samples]
    shortest = round(_MIN_RUN_SECONDS * sampling_rate)
    runs: list[ConstantRun] = []
    for (start, value), stop in zip(keys, stops, strict=True):
        last = runs[-1] if runs else None
        if last and last.semitones == value:
            runs[-1] = ConstantRun(last.start, stop, value)
        elif last and last.stop - last.start < shortest:
            weight = (stop - start) / (stop - last.start) if stop - start < shortest else 1.0
            runs[-1] = ConstantRun(last.start, stop, last.semitones + weight * (value - last.semitones))
        else:
            runs.append(ConstantRun(start, stop, value))
    return runs


def extended(runs: list[ConstantRun], margin: int) -> list[ConstantRun]:
    """Return the runs of an input that has been extended at both ends.

    Parameters
    ----------
    runs : list of ConstantRun
        Those of the input itself.
    margin : int
        Samples added at each end; they belong to the first and the last run.
    """
    last = len(runs) - 1
    return [
        ConstantRun(
            run.start + (margin if i else 0), run.stop + (margin if i < last else 2 * margin), run.semitones
        )
        for i, run in enumerate(runs)
    ]
