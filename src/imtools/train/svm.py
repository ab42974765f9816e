"""Training support vector machines: one for each class, against all others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..arrays import BoolArray, Float32Array, Float64Array, IntArray
from ..device import stable_seed
from ..errors import ImtoolsWarning, UsageError
from ..manifest import Record
from ..models.bosch2012 import SupportVectors, for_state, summarise
from ..split import assign_folds
from .examples.checks import check_training_labels, check_validation_labels
from .examples.data import Examples
from .examples.folds import Fold
from .examples.rows import pieces
from .loop.history import validation_metrics
from .protocol.config import TrainConfig

if TYPE_CHECKING:
    from sklearn.svm import SVC

COSTS = (1.0, 10.0, 100.0)
"""The values of C, the cost of an example on the wrong side, that are tried."""

WIDTHS = (0.25, 1.0, 4.0)
"""The values of gamma that are tried, in units of 1 / dimensions, the usual one for standardised data."""

PARTS = 3
"""Parts of the cross-validation within the training examples."""

MAX_SEARCH_EXAMPLES = 2000
"""Maximum number of examples on which C and gamma are chosen: the time grows with its square."""

ABSENT = -10.0
"""Logit of a class without known positives or negatives among the training examples."""

_CACHE = 500  # MB of kernel values that libsvm keeps


@dataclass(frozen=True)
class SvmFit:
    """The result of training on one division.

    Attributes
    ----------
    state : dict of str to Tensor
        Of `imtools.models.bosch2012.SupportVectors`, float32.
    cost, gamma : float
        The C and gamma that were chosen.
    scores : ndarray of float32, shape (n, classes)
        Scores of the validation records, 0 to 1.
    train_loss, validation_loss : float
        Binary cross-entropy, mean over the known labels; the first is of the training examples themselves.
    metrics : dict of str to float or None
        On the validation records, at threshold 0.5.
    """

    state: dict[str, Tensor]
    cost: float
    gamma: float
    scores: Float32Array
    train_loss: float
    validation_loss: float
    metrics: dict[str, float | None]


def train_svm(
    examples: Examples,
    fold: Fold,
    config: TrainConfig,
    *,
    records: Sequence[Record] | None = None,
    balanced: bool = True,
) -> SvmFit:
    """Train the machines of one division of the examples.

    The statistics of the features are standardised. C and gamma, the same for all classes, are those with
    the lowest cross-entropy in a cross-validation within the training examples; the slope and offset that
    turn a decision value into a probability (Platt 1999) are fitted on values from such a cross-validation
    too, since a machine is overconfident on its own training examples. Unknown labels are not used.

    Parameters
    ----------
    examples : Examples
        All examples; their features as the front end computes them, not standardised.
    fold : Fold
        Which of them train and validate.
    config : TrainConfig
        Only its seed is used here.
    records : sequence of Record, optional
        One for each example: then the cross-validation keeps recordings together, if every class has at
        least as many as there are parts. Otherwise segments of one recording are in several parts, and the
        probabilities are overconfident.
    balanced : bool
        Whether examples are weighted inversely to the numbers of positives and negatives of a class.

    Returns
    -------
    SvmFit
        The same for the same examples and seed.

    Raises
    ------
    ModelError
        If no class has both positives and negatives, or nothing is known of the validation labels.
    """
    train, validation = fold.train, fold.validation
    check_validation_labels(
        examples.present[validation], examples.known[validation], fold, "svm", config.classes or ()
    )
    check_training_labels(examples.present[train], examples.known[train], fold)
    points, mean, std = _standardised(_statistics(examples, train))
    task = _Task(points, examples.present[train], examples.known[train], balanced)
    seed = stable_seed(config.seed, fold.name, "svm")
    parts = _parts(None if records is None else [records[i] for i in train], task, seed)
    cost, gamma = _choose(task, parts, seed)
    slope, offset = _probabilities(task, task.decisions_of_others(parts, cost, gamma))
    state = task.machines(cost, gamma) | {"mean": mean, "std": std, "slope": slope, "offset": offset}
    net = for_state(state, task.present.shape[1], examples.shape)
    net.load_state_dict(state)
    train_loss, _ = _evaluate(net.eval(), examples, train)
    loss, scores = _evaluate(net, examples, validation)
    metrics = validation_metrics(examples.present[validation], scores, examples.known[validation])
    return SvmFit(state, cost, gamma, scores, train_loss, loss, metrics)


@dataclass(frozen=True)
class _Task:
    """The training data of the machines of one division.

    Attributes
    ----------
    points : ndarray of float64, shape (n, dimensions)
        Standardised statistics.
    present, known : ndarray of bool, shape (n, k)
        The labels, and which of them are known.
    balanced : bool
        See `train_svm`.
    """

    points: Float64Array
    present: BoolArray
    known: BoolArray
    balanced: bool

    @property
    def classes(self) -> list[int]:
        """The classes with both positives and negatives."""
        return [k for k in range(self.present.shape[1]) if self.both(k, np.arange(len(self.points)))]

    def rows(self, k: int, among: IntArray) -> IntArray:
        """Return the examples among some whose label of a class is known."""
        rows: IntArray = among[self.known[among, k]]
        return rows

    def both(self, k: int, among: IntArray) -> bool:
        """Return whether a class has both positives and negatives among some examples."""
        shown = self.present[self.rows(k, among), k]
        return bool(shown.any() and not shown.all())

    def part(self, rows: IntArray) -> _Task:
        """Return the task with some of its examples."""
        return _Task(self.points[rows], self.present[rows], self.known[rows], self.balanced)

    def machine(self, k: int, among: IntArray, cost: float, gamma: float) -> tuple[IntArray, SVC]:
        """Train the machine of a class on some examples; return those with a known label, and the machine."""
        from sklearn.svm import SVC

        rows = self.rows(k, among)
        weight = "balanced" if self.balanced else None
        machine = SVC(C=cost, gamma=gamma, class_weight=weight, cache_size=_CACHE)
        return rows, machine.fit(self.points[rows], self.present[rows, k])

    def decisions_of_others(self, parts: IntArray, cost: float, gamma: float) -> Float64Array:
        """Return decision values (n, k) of machines trained on the other parts; NaN where there is none."""
        values = np.full(self.present.shape, np.nan)
        for part in np.unique(parts):
            own, others = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
            for k in self.classes:
                if self.both(k, others):
                    _, machine = self.machine(k, others, cost, gamma)
                    values[own, k] = machine.decision_function(self.points[own])
        return values

    def machines(self, cost: float, gamma: float) -> dict[str, Tensor]:
        """Return the machines of all classes as tensors: the vectors, and coefficients for each class."""
        every = np.arange(len(self.points))
        trained = [self.machine(k, every, cost, gamma) for k in self.classes]
        needed = [rows[machine.support_] for rows, machine in trained]
        vectors = np.unique(np.concatenate(needed))
        coefficients = np.zeros((len(vectors), self.present.shape[1]), np.float32)
        intercept = np.zeros(self.present.shape[1], np.float32)
        for k, rows, (_, machine) in zip(self.classes, needed, trained, strict=True):
            coefficients[np.searchsorted(vectors, rows), k] = machine.dual_coef_[0]
            intercept[k] = machine.intercept_[0]
        return {
            "vectors": torch.from_numpy(self.points[vectors].astype(np.float32)),
            "coefficients": torch.from_numpy(coefficients),
            "intercept": torch.from_numpy(intercept),
            "gamma": torch.tensor(gamma, dtype=torch.float32),
        }


@torch.inference_mode()
def _statistics(examples: Examples, indices: IntArray) -> Tensor:
    parts = pieces(indices, examples.row_shape)
    return torch.cat([summarise(examples.features(part)).cpu() for part in parts])


def _standardised(statistics: Tensor) -> tuple[Float64Array, Tensor, Tensor]:
    """Return statistics with mean 0 and deviation 1, and the mean and deviation that were used."""
    mean = statistics.double().mean(dim=0).float()
    std = statistics.double().std(dim=0, correction=0).float()
    # Otherwise rounding errors of values that hardly differ would be amplified.
    std = torch.where(std > 1e-6 * mean.abs(), std, 1.0)
    points: Float64Array = ((statistics - mean) / std).double().numpy()
    return points, mean, std


def _parts(records: Sequence[Record] | None, task: _Task, seed: int) -> IntArray:
    """Return the part of the cross-validation of each training example."""
    if records is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", ImtoolsWarning)
                return np.array(assign_folds(records, PARTS, seed=seed))
        except (UsageError, ImtoolsWarning):
            # Some class has fewer recordings than parts: one part would have none of it, so that its
            # probabilities would not compare with those of other classes.
            pass
    # In turn, within each combination of labels.
    order = np.random.default_rng(seed).permutation(len(task.points))
    order = order[np.lexsort(task.present[order].T)]
    parts = np.empty(len(order), np.int64)
    parts[order] = np.arange(len(order)) % PARTS
    return parts


def _choose(task: _Task, parts: IntArray, seed: int) -> tuple[float, float]:
    """Return C and gamma with the lowest cross-entropy; the first ones if several are equal."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(task.points))[:MAX_SEARCH_EXAMPLES])
    tried, parts = task.part(rows), parts[rows]
    tries = [(cost, width / task.points.shape[1]) for width in WIDTHS for cost in COSTS]
    losses = []
    for cost, gamma in tries:
        values = tried.decisions_of_others(parts, cost, gamma)
        slope, offset = _probabilities(tried, values)
        logits = torch.from_numpy(np.nan_to_num(values)) * slope + offset
        losses.append(_loss(logits, tried.present, tried.known))
    return tries[int(np.argmin(losses))]


def _probabilities(task: _Task, values: Float64Array) -> tuple[Tensor, Tensor]:
    """Return slope and offset of each class, float32, which turn decision values (n, k) into logits."""
    slope, offset = np.zeros(values.shape[1]), np.full(values.shape[1], ABSENT)
    for k in task.classes:
        usable = task.known[:, k] & np.isfinite(values[:, k])
        slope[k], offset[k] = platt(values[usable, k], task.present[usable, k])
    return torch.from_numpy(slope).float(), torch.from_numpy(offset).float()


def platt(values: Float64Array, present: BoolArray) -> tuple[float, float]:
    """Fit the sigmoid that turns decision values into probabilities.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Decision values of examples that the machine was not trained on.
    present : ndarray of bool, shape (n,)
        Which of them have the class.

    Returns
    -------
    slope, offset : float
        The logit is ``slope * value + offset``, by maximum likelihood with the regularised targets of Platt
        (1999). The slope is at least 0: a machine that is wrong more often than not is no evidence for the
        opposite. Without both positives and negatives nothing can be fitted: 1 and 0.
    """
    from scipy.optimize import minimize

    positives = int(present.sum())
    negatives = len(present) - positives
    if not positives or not negatives:
        return 1.0, 0.0
    targets = np.where(present, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(x: Float64Array) -> tuple[float, Float64Array]:
        logits = x[0] * values + x[1]
        error = (1 + np.tanh(logits / 2)) / 2 - targets
        each = np.logaddexp(0, logits) - targets * logits
        return float(each.mean()), np.array([np.mean(error * values), np.mean(error)])

    start = np.array([1.0, np.log((positives + 1) / (negatives + 1))])
    found = minimize(loss, start, jac=True, bounds=[(0, None), (None, None)], method="L-BFGS-B", tol=1e-10)
    return float(found.x[0]), float(found.x[1])


@torch.inference_mode()
def _evaluate(net: SupportVectors, examples: Examples, indices: IntArray) -> tuple[float, Float32Array]:
    """Return the mean loss over the known labels of some examples, and their scores."""
    parts = pieces(indices, examples.row_shape)
    logits = torch.cat([net(examples.features(part).cpu()) for part in parts])
    loss = _loss(logits, examples.present[indices], examples.known[indices])
    return loss, logits.sigmoid().numpy()


def _loss(logits: Tensor, present: BoolArray, known: BoolArray) -> float:
    targets = torch.from_numpy(present).to(logits.dtype)
    each = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return float(each[torch.from_numpy(known)].mean())
