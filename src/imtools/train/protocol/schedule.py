"""Learning rates and stopping, as functions of the validation losses so far.

Nothing here keeps state, so a resumed training goes on exactly where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...choices import SCHEDULES, ScheduleKind
from ...errors import UsageError

_RISE = 0.3  # part of the one cycle in which the rate rises (Smith & Topin 2018)
_START, _END = 1 / 25, 1e-4  # of the peak rate


@dataclass(frozen=True)
class Schedule:
    """The learning rate over the epochs, and when training stops.

    The defaults of ``"decay"`` are Kratimenos et al. (2020), section IV-B. With a ``decay`` of 1 the rate is
    constant but for plateaus: Avramidis et al. (2021), section 4.1, with ``reduce_patience`` 4 and
    ``reduce_factor`` 0.9.

    Attributes
    ----------
    kind : {"decay", "onecycle", "cosine"}
        ``"decay"`` falls from epoch to epoch and on plateaus, and may stop early; ``"onecycle"`` rises to
        the peak over 30 % of all epochs and falls to nothing, along cosines;
        ``"cosine"`` falls from the peak to 0 along half a cosine.
    peak : float
        The highest rate.
    epochs : int
        Most epochs.
    decay : float
        ``"decay"``: factor of the rate from one epoch to the next.
    reduce_patience : int
        ``"decay"``: epochs without a better validation loss before the rate is reduced, each time anew;
        0: never.
    reduce_factor : float
        ``"decay"``: by what factor. Kratimenos et al. do not state it: a tenth is our choice.
    stop_patience : int
        ``"decay"``: epochs without a better validation loss before training stops; 0: never.
    warm_up : float
        ``"decay"`` and ``"cosine"``: epochs in which the rate first rises from 0 to the peak, linearly.

    Raises
    ------
    UsageError
        If a value makes no sense.
    """

    kind: ScheduleKind
    peak: float
    epochs: int
    decay: float = 0.9
    reduce_patience: int = 5
    reduce_factor: float = 0.1
    stop_patience: int = 7
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        """Check every value."""
        if self.kind not in SCHEDULES:
            raise UsageError(f"there is no schedule {self.kind!r}", f"choose from {', '.join(SCHEDULES)}")
        if not (self.peak > 0 and math.isfinite(self.peak)):
            raise UsageError(f"a learning rate of {self.peak:g} makes no sense", "try 0.0001")
        if self.epochs < 1:
            raise UsageError(f"{self.epochs} epochs are too few", "give at least 1")
        for what, factor in (("decay", self.decay), ("reduction", self.reduce_factor)):
            if not 0 < factor <= 1:
                hint = "choose a factor above 0 and up to 1"
                raise UsageError(f"a {what} of the learning rate by {factor:g} makes no sense", hint)
        for patience in (self.reduce_patience, self.stop_patience):
            if patience < 0:
                hint = "give a number of epochs, or 0 for never"
                raise UsageError(f"a patience of {patience} epochs makes no sense", hint)
        if not 0 <= self.warm_up < self.epochs:
            what = f"a warm-up of {self.warm_up:g} epochs of {self.epochs} makes no sense"
            raise UsageError(what, "leave epochs to train in")
        if self.warm_up and self.kind == "onecycle":
            raise UsageError("the schedule 'onecycle' has its own warm-up", "leave `warm_up` out")

    def rate(self, epoch: float, losses: Sequence[float]) -> float:
        """Return the learning rate at a moment of training.

        Parameters
        ----------
        epoch : float
            Epochs done, counted in batches, so that 2.5 is the middle of the third epoch.
        losses : sequence of float
            Validation losses of the epochs done.

        Returns
        -------
        float
            From 0 to the peak.
        """
        if self.kind == "onecycle":
            done = epoch / self.epochs
            if done < _RISE:
                return self.peak * _cosine(_START, 1.0, done / _RISE)
            return self.peak * _cosine(1.0, _END, (done - _RISE) / (1 - _RISE))
        if epoch < self.warm_up:
            return self.peak * epoch / self.warm_up
        if self.kind == "cosine":
            part = (epoch - self.warm_up) / (self.epochs - self.warm_up)
            return self.peak * _cosine(1.0, 0.0, min(part, 1.0))
        # The epoch in which the warm-up ends is the first one, without decay.
        decays = max(0, len(losses) - math.floor(self.warm_up))
        return self.peak * self.decay**decays * self.reduce_factor ** self._reductions(losses)

    def stops(self, losses: Sequence[float]) -> bool:
        """Return whether training stops early, by the validation losses so far; only ``"decay"`` does.

        With the others the last epochs are the best, after a time without progress at high rates.
        """
        waited = len(losses) - 1 - best_epoch(losses)
        return self.kind == "decay" and 0 < self.stop_patience <= waited

    def _reductions(self, losses: Sequence[float]) -> int:
        """Return how often a plateau has reduced the rate: the patience starts anew each time."""
        best, waited, count = math.inf, 0, 0
        for loss in losses:
            waited = 0 if loss < best else waited + 1
            best = min(best, loss)
            if 0 < self.reduce_patience <= waited:
                waited, count = 0, count + 1
        return count


def best_epoch(losses: Sequence[float]) -> int:
    """Return the first epoch (from 0) with the lowest validation loss; -1 before any."""
    return min(range(len(losses)), key=losses.__getitem__, default=-1)


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
