"""Pitch-synchronised mixing (Kratimenos et al. 2020, section III.B.2)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ...analysis.f0 import FRAMES_PER_SECOND, F0Track
from ...arrays import Float64Array
from ...manifest import Record
from ...sound.recipe import MixTrack, ShiftCurve
from ...units import samples_to_seconds, seconds_to_samples
from .base import MeasuringSync

ShiftRun = tuple[int, int, float]
"""The first frame of a run, the one after its last, and its shift in semitones."""

MEDIAN_FRAMES = 9
"""Kernel of the median filter: 90 ms."""

SIMILAR = 1.0
"""Maximum difference, in semitones, of neighbouring shifts in one run."""

MIN_RUN_FRAMES = 7
"""Minimum length of a run in frames (70 ms)."""

MAX_SHIFT = 48.0
"""Maximum shift in semitones; a larger one is moved by octaves until it is in range."""

_DECIMALS = 3  # of a semitone in recipes: a tenth of a cent


class PitchSync(MeasuringSync[F0Track]):
    """Shift the second track so that it always has the f0 of the first.

    The paper does not specify frames without a pitch; see `shift_per_frame`. Shifts of more
    than four octaves, which nearly always come from an unreliable f0, are moved by octaves to within them.
    """

    name = "pitch"
    changes = "pitch"
    order = 2

    def fit(self, first: Record, track: MixTrack) -> MixTrack:
        """Return the track with its shifts, none where no frame is voiced in both; see `Sync.fit`."""
        second = _repeated(self.measured(track.record), track)
        times = np.arange(len(second)) * track.stretch / FRAMES_PER_SECOND + track.offset
        frames = np.rint(times * FRAMES_PER_SECOND).astype(int)
        shifts = shift_per_frame(self.measured(first), second, frames)
        runs = merge_runs(smooth(shifts)) if len(shifts) else []
        return replace(track, shift=_curve(runs, track.record))


def _repeated(second: F0Track, track: MixTrack) -> F0Track:
    """Return the f0 of a record cut to the length of its track, or repeated up to it."""
    if track.length is None or not len(second):
        return second
    rate = track.record.sampling_rate
    own = samples_to_seconds(max(1, track.record.num_samples), rate)
    times = np.arange(samples_to_seconds(track.length, rate) * FRAMES_PER_SECOND) / FRAMES_PER_SECOND
    frames = np.minimum(len(second) - 1, np.rint(times % own * FRAMES_PER_SECOND).astype(int))
    return F0Track(second.f0[frames], second.confidence[frames])


def shift_per_frame(first: F0Track, second: F0Track, frames: NDArray[np.int_]) -> Float64Array:
    """Return the shift of each frame of the second track: ``12 log2(f1 / f2)``.

    Where a frame is unvoiced in either track, or the first has ended, the shift before it continues; before
    the first frame that is voiced in both, its shift holds. So the curve does not jump where it is inaudible.

    Parameters
    ----------
    first, second : F0Track
        Pitches of both.
    frames : ndarray of int, shape (len(second),)
        The frame of the first that coincides with each frame of the second.

    Returns
    -------
    ndarray of float64, shape (len(second),)
        Semitones; empty if no frame is voiced in both.
    """
    if not len(first):
        return np.empty(0)
    inside = frames < len(first)
    partner = np.where(inside, frames, 0)
    voiced = second.voiced & first.voiced[partner] & inside
    if not voiced.any():
        return np.empty(0)
    f1, f2 = (track.astype(np.float64) for track in (first.f0[partner], second.f0))
    shifts = 12 * np.log2(np.where(voiced, f1, 1.0) / np.where(voiced, f2, 1.0))
    held = np.maximum.accumulate(np.where(voiced, np.arange(len(voiced)), -1))
    held[held < 0] = np.flatnonzero(voiced)[0]
    result: Float64Array = shifts[held]
    return result


def smooth(shifts: Float64Array) -> Float64Array:
    """Return the running median over nine frames; the outermost values continue beyond the ends."""
    result: Float64Array = median_filter(shifts, MEDIAN_FRAMES, mode="nearest")
    return result


def merge_runs(shifts: Float64Array) -> list[ShiftRun]:
    """Return runs of constant shift.

    Neighbours that are equal or within a semitone become one run, from left to right: a frame belongs to
    the run before it if it differs from the mean of that run by at most a semitone. Then runs of less than
    70 ms become part of the run before them, whose shift stays, the first one part of the run after it;
    and runs that have become neighbours and similar become one. A run's shift is the median of its own
    frames.

    Parameters
    ----------
    shifts : ndarray of float64, shape (frames,)
        Semitones, at least one.
    """
    runs = _merge_similar(_Run(n, n + 1, [float(shift)]) for n, shift in enumerate(shifts))
    runs = _merge_similar(_merge_short(runs))
    return [(run.start, run.stop, float(np.median(run.values))) for run in runs]


@dataclass
class _Run:
    """A run of frames, and the shifts of which its own is the median."""

    start: int
    stop: int
    values: list[float]

    def __post_init__(self) -> None:
        self._sum = sum(self.values)

    @property
    def is_short(self) -> bool:
        return self.stop - self.start < MIN_RUN_FRAMES

    def is_similar(self, other: _Run) -> bool:
        return abs(self._sum / len(self.values) - other._sum / len(other.values)) <= SIMILAR

    def append(self, other: _Run) -> None:
        self.stop = other.stop
        self.values += other.values
        self._sum += other._sum


def _merge_similar(runs: Iterable[_Run]) -> list[_Run]:
    merged: list[_Run] = []
    for run in runs:
        if merged and merged[-1].is_similar(run):
            merged[-1].append(run)
        else:
            merged.append(run)
    return merged


def _merge_short(runs: Iterable[_Run]) -> list[_Run]:
    merged: list[_Run] = []
    for run in runs:
        if merged and run.is_short:
            merged[-1].stop = run.stop
        elif merged and merged[-1].is_short:  # only the first run can still be short
            run.start = merged[-1].start
            merged[-1] = run
        else:
            merged.append(run)
    return merged


def _bounded(shift: float) -> float:
    """Return a shift moved by octaves to within four: beyond, f0 is unreliable and little sound is left."""
    beyond = math.ceil((abs(shift) - MAX_SHIFT) / 12)
    return shift - math.copysign(12 * beyond, shift) if beyond > 0 else shift


def _curve(runs: list[ShiftRun], record: Record) -> ShiftCurve:
    """Return the runs as steps at samples of the record, half-way between two frames."""
    steps = {
        seconds_to_samples(max(0.0, start - 0.5) / FRAMES_PER_SECOND, record.sampling_rate): shift
        for start, _stop, shift in runs
    }
    curve = tuple((sample, round(_bounded(shift), _DECIMALS)) for sample, shift in steps.items())
    return curve if any(shift for _sample, shift in curve) else ()
