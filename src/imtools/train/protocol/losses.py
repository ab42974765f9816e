"""Losses of the strategies, and ways to balance rare and frequent classes.

A loss returns a sum and the number of its terms, so that several processes can add theirs up.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ...arrays import BoolArray, Float64Array, IntArray
from ...errors import UsageError

Loss = Callable[[Tensor, Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor]]
"""From logits, targets, known mask and weights to the sum of a loss and the number of its terms."""

MIN_WEIGHT, MAX_WEIGHT = 0.01, 100.0
"""Bounds of a class's weight: beyond them a few examples would decide every step."""

_MASKED_LOGIT = -1e4
"""A logit that has no influence on a softmax."""


def multi_label_loss(
    logits: Tensor, targets: Tensor, known: Tensor, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the binary cross-entropy of the known labels: unknown ones have a gradient of exactly 0.

    Parameters
    ----------
    logits : Tensor, shape (batch, classes)
        Of the net; where a label is unknown, it may be anything.
    targets : Tensor of float, shape (batch, classes)
        From 0, absent, to 1, present.
    known : Tensor of bool, shape (batch, classes)
        Which of the targets are known.
    weights : Tensor of float, shape (classes,), optional
        Weight of the loss of present classes; that of absent ones is 1.

    Returns
    -------
    total, count : Tensor of float, shape ()
        Sum of the losses, and number of the known labels.
    """
    # Masked before the loss too: 0 times a gradient that is not finite would not be 0.
    safe = logits.masked_fill(~known, 0.0)
    each = binary_cross_entropy_with_logits(safe, targets, reduction="none", pos_weight=weights)
    return each.masked_fill(~known, 0.0).sum(), known.sum().to(logits.dtype)


def single_label_loss(
    logits: Tensor, targets: Tensor, known: Tensor, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of the softmax over the examples that have a class.

    Parameters
    ----------
    logits : Tensor, shape (batch, classes)
        Of the net; where an example has no class, it may be anything.
    targets : Tensor of float, shape (batch, classes)
        Not below 0. Several classes, as mixes have them, share an example in proportion to their targets.
    known : Tensor of bool, shape (batch, classes)
        Ignored: where classes exclude each other, the present ones imply that the others are absent.
    weights : Tensor of float, shape (classes,), optional
        Of the classes.

    Returns
    -------
    total, count : Tensor of float, shape ()
        Sum of the losses, and number of the examples that have a class.
    """
    mass = targets.sum(dim=1, keepdim=True)
    used = mass > 0
    shares = targets / mass.masked_fill(~used, 1.0)
    if weights is not None:
        shares = shares * weights
    each = -(shares * logits.masked_fill(~used, 0.0).log_softmax(dim=1)).sum(dim=1)
    return each.masked_fill(~used[:, 0], 0.0).sum(), used.sum().to(logits.dtype)


def with_listwise(weight: float) -> Loss:
    """Return the multi-label loss plus a listwise one, which compares the classes of an example.

    It is the cross-entropy of the softmax over the known classes, where those that are present share an
    example in proportion to their targets (the top-one loss of Cao et al. 2007, "ListNet"). Binary losses
    alone spend their first epochs on learning how rare each class is.

    Parameters
    ----------
    weight : float
        Weight of the listwise loss of an example; that of the sum of its binary losses is 1.

    Returns
    -------
    Loss
        See `multi_label_loss`; the number of terms is that of the known labels.
    """

    def loss(
        logits: Tensor, targets: Tensor, known: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        total, count = multi_label_loss(logits, targets, known, weights)
        compared, _ = single_label_loss(logits.masked_fill(~known, _MASKED_LOGIT), targets * known, known)
        return total + weight * compared, count

    return loss


LOSSES: dict[str, Loss] = {
    "multi-label": multi_label_loss,
    "single-label": single_label_loss,
    "one-vs-all": multi_label_loss,
}
"""The loss of each strategy that trains nets."""


def class_weights(present: BoolArray, known: BoolArray, strategy: str) -> Tensor:
    """Return weights with which rare classes count as much as frequent ones.

    Parameters
    ----------
    present, known : ndarray of bool, shape (n, classes)
        The labels of the training examples, and which of them are known.
    strategy : str
        A key of ``LOSSES``. ``"single-label"``: number of examples, divided by that of the classes that
        occur and that of the class's examples (as scikit-learn's "balanced"; King & Zeng 2001); an example
        of several classes is shared among them. Otherwise: known negatives per known positive.

    Returns
    -------
    Tensor of float32, shape (classes,)
        Within `MIN_WEIGHT` and `MAX_WEIGHT`; 1 for a class without positives.

    Raises
    ------
    UsageError
        If there is no such strategy.
    """
    if strategy not in LOSSES:
        raise UsageError(f"strategy {strategy!r} has no weights", f"choose from {', '.join(LOSSES)}")
    if strategy == "single-label":
        rows = present[present.any(axis=1)].astype(np.float64)
        positives = (rows / rows.sum(axis=1, keepdims=True)).sum(axis=0)
        others = np.full_like(positives, len(rows) / max(1, int((positives > 0).sum())))
    else:
        positives = (known & present).sum(axis=0).astype(np.float64)
        others = (known & ~present).sum(axis=0).astype(np.float64)
    weights = np.divide(others, positives, out=np.ones_like(others), where=positives > 0)
    return torch.from_numpy(weights.clip(MIN_WEIGHT, MAX_WEIGHT)).float()


def draw_negatives(
    present: BoolArray, known: BoolArray, ratio: float, generator: torch.Generator
) -> BoolArray:
    """Draw negatives for each class: a given number for each positive.

    Parameters
    ----------
    present, known : ndarray of bool, shape (n, classes)
        The labels, and which of them are known.
    ratio : float
        Negatives for each positive; the total is rounded, at least 1 and at most all that there are. A class
        without positives, where there is nothing to balance, keeps all.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    ndarray of bool, shape (n, classes)
        What to treat as known: all known positives, and the negatives that were drawn.

    Raises
    ------
    UsageError
        If the ratio is not above 0.
    """
    drawn = known & present
    for column, count in enumerate(_counts(present, known, ratio)[0]):
        negatives = np.flatnonzero(known[:, column] & ~present[:, column])
        order = torch.randperm(len(negatives), generator=generator).numpy()
        drawn[negatives[order[:count]], column] = True
    return drawn


def kept_negatives(present: BoolArray, known: BoolArray, ratio: float) -> Float64Array:
    """Return the proportion of each class's known negatives that `draw_negatives` keeps; 1 without negatives.

    A net trained on such a draw gives odds that are too high by a factor of 1 over this proportion, so its
    logarithm has to be added to the logit (King & Zeng 2001, prior correction).

    Parameters
    ----------
    present, known, ratio
        As for `draw_negatives`.

    Returns
    -------
    ndarray of float64, shape (classes,)
        Above 0 and up to 1.

    Raises
    ------
    UsageError
        If the ratio is not above 0.
    """
    kept, negatives = (counts.astype(np.float64) for counts in _counts(present, known, ratio))
    return np.divide(kept, negatives, out=np.ones_like(kept), where=negatives > 0)


def _counts(present: BoolArray, known: BoolArray, ratio: float) -> tuple[IntArray, IntArray]:
    """Return how many negatives of each class to keep, and how many are known."""
    if not (ratio > 0 and np.isfinite(ratio)):
        raise UsageError(f"{ratio:g} negatives for each positive cannot be drawn", "try 1")
    positives = (known & present).sum(axis=0)
    negatives = (known & ~present).sum(axis=0)
    drawn = np.maximum(1, np.rint(ratio * positives))
    kept = np.where(positives > 0, np.minimum(drawn, negatives), negatives)
    return kept.astype(np.int64), negatives.astype(np.int64)
