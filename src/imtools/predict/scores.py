"""Input and output of a `Predictor`: prepared records, and scores of records, windows and folds.

Scores are float32 arrays, 0 to 1, with one column a class, in the order of the model's classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float32Array
from ..errors import UsageError
from ..manifest import Record
from ..models.bundle import TrainedModel


@dataclass(frozen=True)
class PreparedRecord:
    """A record that is ready to be scored by a model.

    Attributes
    ----------
    record : Record
        The record.
    members : tuple of int or None
        Indices of the members that score it; ``None``: all.
    from_features : bool
        Whether ``chunks`` hold features (n, bins, frames) or waveforms (n, samples).
    stereo : bool
        Whether ``chunks`` hold the waveforms of streams (streams, n, samples).
    chunks : iterable of ndarray
        The windows, in parts. A long record is only cut while they are iterated over.
    starts : range
        Start of each window, in samples at the model's sampling rate.
    """

    record: Record
    members: tuple[int, ...] | None
    from_features: bool
    stereo: bool
    chunks: Iterable[Float32Array]
    starts: range


@dataclass(frozen=True)
class FoldMembers:
    """The members of a model that were not trained on one fold.

    Attributes
    ----------
    number : int
        The fold.
    members : tuple of int
        Their indices in the model.
    columns : tuple of int
        Columns of the classes that they know.
    """

    number: int
    members: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class FoldScores:
    """Scores of a record by the members of one fold.

    Attributes
    ----------
    fold : FoldMembers
        The members.
    mean : ndarray of float32, shape (columns,)
        Scores of the whole record; see `RecordScores`.
    windows : ndarray of float32, shape (n_windows, columns)
        Scores of each window.
    """

    fold: FoldMembers
    mean: Float32Array
    windows: Float32Array


@dataclass(frozen=True)
class RecordScores:
    """Scores of a record by a model.

    Attributes
    ----------
    mean : ndarray of float32, shape (n_classes,)
        Scores of the whole record: those of its windows, aggregated as the model prescribes.
    windows : ndarray of float32, shape (n_windows, n_classes)
        Scores of each window.
    starts, durations : ndarray of float64, shape (n_windows,)
        Position of each window in the record, in seconds; a window that extends beyond the end is cut there.
    members : tuple of FoldScores
        Scores by the members of each fold, if they were requested.
    embeddings : ndarray of float32, shape (n_windows, units), or None
        Embeddings of the windows, if they were requested.
    """

    mean: Float32Array
    windows: Float32Array
    starts: NDArray[np.float64]
    durations: NDArray[np.float64]
    members: tuple[FoldScores, ...] = ()
    embeddings: Float32Array | None = None


def folds_of(model: TrainedModel) -> list[FoldMembers]:
    """Return the folds from which members of a model were held out, in ascending order.

    Raises
    ------
    UsageError
        If a member has no fold.
    """
    members = model.description.members
    if any(member.fold is None for member in members):
        what = f"model {model.name}: its members have no folds"
        raise UsageError(what, "train on records with folds, or leave `members` out")
    folds = []
    for number in sorted({member.fold for member in members if member.fold is not None}):
        indices = tuple(i for i, member in enumerate(members) if member.fold == number)
        known = {members[i].label for i in indices}
        columns = tuple(k for k, label in enumerate(model.labels) if known & {None, label})
        folds.append(FoldMembers(number, indices, columns))
    return folds
