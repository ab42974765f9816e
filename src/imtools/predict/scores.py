"""What goes into a predictor and what comes out: prepared records, scores, and those of members by fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float32Array
from ..errors import UsageError
from ..manifest import Record
from ..models.bundle import Model


@dataclass(frozen=True)
class Prepared:
    """A record that is ready to be scored.

    Attributes
    ----------
    record : Record
        The record.
    members : tuple of int or None
        The members to ask; ``None``: all.
    from_features : bool
        Whether ``chunks`` hold features (n, bins, frames) or waveforms (n, samples).
    stereo : bool
        Whether ``chunks`` hold the waveforms of streams (streams, n, samples).
    chunks : iterable of ndarray
        The windows, some at a time. Those of a long record are cut when they are asked for.
    starts : range
        Where the windows begin, in samples at the model's rate.
    """

    record: Record
    members: tuple[int, ...] | None
    from_features: bool
    stereo: bool
    chunks: Iterable[Float32Array]
    starts: range


@dataclass(frozen=True)
class FoldMembers:
    """The members of a model that were held out from one fold.

    Attributes
    ----------
    number : int
        The fold.
    members : tuple of int
        Their places in the model.
    columns : tuple of int
        Of the classes that they know.
    """

    number: int
    members: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class FoldScores:
    """What the members of one fold say of a record.

    Attributes
    ----------
    fold : FoldMembers
        Which these are.
    mean : ndarray of float32, shape (columns,)
        Of the whole record; see `RecordScores`.
    windows : ndarray of float32, shape (n, columns)
        Scores of each window.
    """

    fold: FoldMembers
    mean: Float32Array
    windows: Float32Array


@dataclass(frozen=True)
class RecordScores:
    """What a model says of a record.

    Attributes
    ----------
    mean : ndarray of float32, shape (classes,)
        Of the whole record: that of its windows, aggregated as the model says.
    windows : ndarray of float32, shape (n, classes)
        Scores of each window.
    starts, durations : ndarray of float64, shape (n,)
        Where each window lies in the record, in seconds; one that goes beyond the end is cut there.
    members : tuple of FoldScores
        What the members say fold by fold, if that was asked for.
    embeddings : ndarray of float32, shape (n, units), or None
        Of each window, if that was asked for.
    """

    mean: Float32Array
    windows: Float32Array
    starts: NDArray[np.float64]
    durations: NDArray[np.float64]
    members: tuple[FoldScores, ...] = ()
    embeddings: Float32Array | None = None


def folds_of(model: Model) -> list[FoldMembers]:
    """Return the folds that a model has members of, ascending.

    Raises
    ------
    UsageError
        If a member has none.
    """
    every = model.description.members
    if any(member.fold is None for member in every):
        what = f"model {model.name}: its members have no folds to tell them by"
        raise UsageError(what, "train on records with folds, or leave --members out")
    folds = []
    for number in sorted({member.fold for member in every if member.fold is not None}):
        places = tuple(i for i, member in enumerate(every) if member.fold == number)
        known = {every[i].label for i in places}
        columns = tuple(k for k, label in enumerate(model.labels) if known & {None, label})
        folds.append(FoldMembers(number, places, columns))
    return folds
