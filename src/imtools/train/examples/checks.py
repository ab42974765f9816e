"""Checks that the labels of a fold can be trained and validated on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arrays import BoolArray
from ...choices import Strategy
from ...errors import ModelError
from .folds import Fold


def check_training_labels(present: BoolArray, known: BoolArray, fold: Fold) -> None:
    """Check that some class has both positives and negatives.

    Parameters
    ----------
    present, known : ndarray of bool, shape (n, classes)
        The labels of the training records, and which of them are known.
    fold : Fold
        The fold, for the message.

    Raises
    ------
    ModelError
        If no class has both.
    """
    if not ((known & ~present).any(axis=0) & present.any(axis=0)).any():
        raise ModelError(
            f"{fold.name}: no class has both records that have it and records known not to",
            "pass `unlisted=absent` if the labels list everything that sounds",
        )


def check_validation_labels(
    present: BoolArray, known: BoolArray, fold: Fold, strategy: Strategy, classes: Sequence[str]
) -> None:
    """Check that validation labels are known: of every class, if each has its own net.

    Parameters
    ----------
    present, known : ndarray of bool, shape (n, classes)
        The labels of the validation records, and which of them are known.
    fold : Fold
        The fold, for the message.
    strategy : {"multi-label", "single-label", "one-vs-all", "svm"}
        Of the training.
    classes : sequence of str
        Names of the columns.

    Raises
    ------
    ModelError
        If they are not.
    """
    certain = present if strategy == "single-label" else known
    if not certain.any():
        raise unknown_validation(fold)
    if strategy == "one-vs-all" and (missing := np.flatnonzero(~certain.any(axis=0)).tolist()):
        raise unknown_validation(fold, classes[missing[0]])


def unknown_validation(fold: Fold, label: str | None = None) -> ModelError:
    """Return the error that nothing is known of validation labels.

    Parameters
    ----------
    fold : Fold
        The fold.
    label : str, optional
        The class; by default all.

    Returns
    -------
    ModelError
        To be raised.
    """
    what = "the validation labels" if label is None else f"{label} on the validation records"
    hint = "pass `unlisted=absent`, or choose other folds"
    return ModelError(f"{fold.name}: nothing is known of {what}", hint)
