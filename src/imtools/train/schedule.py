"""Learning rates and stopping, as functions of what has happened so far.

Nothing here keeps state: the validation losses of the past epochs say it all, so a resumed training goes
on exactly where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Schedule = Literal["decay", "onecycle"]
"""``"decay"``: lower in each epoch and on plateaus, then early stopping; ``"onecycle"``: up and down once."""

DECAY = 0.9
"""Factor of the rate from one epoch to the next (Kratimenos et al. 2020, section IV-B: "10% decay")."""
REDUCE_PATIENCE, REDUCE_FACTOR = 5, 0.1
"""Epochs without a better validation loss before the rate is reduced (ibid.), and by what factor: the paper
does not say, so a tenth is our choice."""
STOP_PATIENCE = 7
"""Epochs without a better validation loss before training stops (ibid.)."""

_WARM_UP = 0.3  # part of the one cycle in which the rate rises (Smith & Topin 2018)
_START, _END = 1 / 25, 1e-4  # of the peak rate


def learning_rate(
    schedule: Schedule, peak: float, *, epoch: float, epochs: int, losses: Sequence[float]
) -> float:
    """Return the learning rate at a moment of training.

    Parameters
    ----------
    schedule : {"decay", "onecycle"}
        ``"onecycle"`` rises to the peak over 30 % of all epochs and falls to nothing, along cosines.
    peak : float
        The highest rate.
    epoch : float
        Epochs done, counted in batches, so that 2.5 is the middle of the third epoch.
    epochs : int
        All epochs that are planned.
    losses : sequence of float
        Validation losses of the epochs done.
    """
    if schedule == "decay":
        return peak * DECAY ** len(losses) * REDUCE_FACTOR ** _reductions(losses)
    done = epoch / epochs
    if done < _WARM_UP:
        return peak * _cosine(_START, 1.0, done / _WARM_UP)
    return peak * _cosine(1.0, _END, (done - _WARM_UP) / (1 - _WARM_UP))


def stops(schedule: Schedule, losses: Sequence[float]) -> bool:
    """Return whether training is over before its last epoch; never with ``"onecycle"``.

    That one's best epochs are its last, after a time without progress at high rates.
    """
    return schedule == "decay" and len(losses) - 1 - best_epoch(losses) >= STOP_PATIENCE


def best_epoch(losses: Sequence[float]) -> int:
    """Return the epoch (from 0) with the lowest validation loss, the first of equals; -1 before any."""
    return min(range(len(losses)), key=losses.__getitem__, default=-1)


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def _reductions(losses: Sequence[float]) -> int:
    """Return how often a plateau has reduced the rate: each time starts the waiting anew."""
    best, waited, count = math.inf, 0, 0
    for loss in losses:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited >= REDUCE_PATIENCE:
            waited, count = 0, count + 1
    return count
