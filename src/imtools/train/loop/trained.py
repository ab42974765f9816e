"""What a training gives: weights, history and validation scores of a net."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float32Array
from ..examples.data import FeatureStatistics
from ..examples.folds import Fold
from .history import Epoch
from .learner import State

DEGENERATE_SPREAD = 0.05
"""A net is degenerate if none of its scores varies by more than this over all validation records."""


@dataclass(frozen=True)
class Trained:
    """The result of training one net on one division.

    Attributes
    ----------
    fold : Fold
        The division.
    label : str or None
        The class of a net for one class.
    state : dict of str to Tensor
        The weights after the epoch that was kept.
    statistics : FeatureStatistics
        Of the training features.
    history : list of Epoch
        Every epoch.
    kept : int
        The epoch of the weights.
    scores : ndarray of float32, shape (n, columns)
        Scores of the validation records.
    """

    fold: Fold
    label: str | None
    state: State
    statistics: FeatureStatistics
    history: list[Epoch]
    kept: int
    scores: Float32Array

    @property
    def best(self) -> Epoch:
        """Losses and metrics of the epoch of the weights."""
        return self.history[self.kept]

    @property
    def degenerate(self) -> bool:
        """Whether all validation records get nearly the same scores."""
        return len(self.scores) > 1 and float(np.ptp(self.scores, axis=0).max()) < DEGENERATE_SPREAD
