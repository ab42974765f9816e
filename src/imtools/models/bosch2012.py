"""The classical baseline of Bosch et al. (2012): support vector machines on statistics of descriptors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import ModelError, UsageError
from ..features.front_ends.base import full_precision

STATISTICS = 4
"""Statistics of each descriptor."""


def summarise(features: Tensor) -> Tensor:
    """Return statistics of each descriptor over the frames.

    Parameters
    ----------
    features : Tensor, shape (batch, descriptors, frames)
        Of any front end.

    Returns
    -------
    Tensor, shape (batch, 4 * descriptors), float32
        Mean and standard deviation of each descriptor, then of its difference from frame to frame (0 where
        there is only one).
    """
    features = features.float()
    change = features.diff(dim=2) if features.shape[2] > 1 else torch.zeros_like(features)
    parts = [(some.mean(dim=2), some.std(dim=2, correction=0)) for some in (features, change)]
    return torch.cat([*parts[0], *parts[1]], dim=1)


class SupportVectors(nn.Module):
    """One support vector machine for each class, with radial kernels of one width, and Platt scaling.

    The machines share one matrix of support vectors, in which each example that any of them needs is once.
    For a clip with standardised statistics x, class k has the decision value f_k(x) = sum over the
    vectors v of a_vk exp(-gamma |x - v|^2) + b_k, and, after Platt (1999), the logit slope_k f_k(x) +
    offset_k. Everything is a buffer: `imtools.train.svm` computes it, and no gradient reaches it.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    input_shape : tuple of int
        ``(descriptors, frames)`` of the features, as the front end computes them.
    vectors : int
        Number of support vectors, which follows from the training; see `for_state`.

    Attributes
    ----------
    mean, std : Tensor, shape (dimensions,)
        The statistics are standardised by these; ``dimensions`` is 4 times the descriptors.
    vectors : Tensor, shape (vectors, dimensions)
        The support vectors, standardised.
    coefficients : Tensor, shape (vectors, classes)
        0 where a machine does not need a vector.
    intercept, slope, offset : Tensor, shape (classes,)
        See above.
    gamma : Tensor, shape ()
        Of the kernels.

    Raises
    ------
    ModelError
        If the features have no bins or no frames.
    """

    def __init__(self, num_classes: int, input_shape: tuple[int, int], *, vectors: int = 0) -> None:
        super().__init__()
        bins, frames = input_shape
        if bins < 1 or frames < 1:
            raise ModelError(f"features of {bins} bins x {frames} frames are empty", "give longer windows")
        dimensions = STATISTICS * bins
        self.register_buffer("mean", torch.zeros(dimensions))
        self.register_buffer("std", torch.ones(dimensions))
        self.register_buffer("vectors", torch.zeros(vectors, dimensions))
        self.register_buffer("coefficients", torch.zeros(vectors, num_classes))
        self.register_buffer("intercept", torch.zeros(num_classes))
        self.register_buffer("slope", torch.ones(num_classes))
        self.register_buffer("offset", torch.zeros(num_classes))
        self.register_buffer("gamma", torch.tensor(1.0 / dimensions))
        self.mean: Tensor
        self.std: Tensor
        self.vectors: Tensor
        self.coefficients: Tensor
        self.intercept: Tensor
        self.slope: Tensor
        self.offset: Tensor
        self.gamma: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (batch, classes) of features (batch, descriptors, frames), in float32."""
        # Not in bfloat16, even under autocast: the sums are small differences of large numbers.
        with full_precision(features.device):
            return self.slope * self.decide(features) + self.offset

    def decide(self, features: Tensor) -> Tensor:
        """Return the decision values (batch, classes): above 0 where a machine finds its class present."""
        points = (summarise(features) - self.mean) / self.std
        distances = torch.cdist(points, self.vectors, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.exp(-self.gamma * distances.square()) @ self.coefficients + self.intercept


def build(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build untrained machines: without support vectors, all their logits are 0.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits).
    input_shape : tuple of int
        ``(descriptors, frames)``.
    width : float
        1: the number of support vectors follows from the data.

    Returns
    -------
    nn.Module
        Features (batch, descriptors, frames) in, logits (batch, num_classes) out.

    Raises
    ------
    UsageError
        If the width is not 1.
    """
    if width != 1:
        raise UsageError(f"support vector machines have no width: {width:g}", "leave it at 1")
    return SupportVectors(num_classes, input_shape)


def for_state(state: Mapping[str, Tensor], num_classes: int, input_shape: tuple[int, int]) -> SupportVectors:
    """Build machines with as many support vectors as a state has, which can then be loaded into them.

    Parameters
    ----------
    state : mapping of str to Tensor
        The ``state_dict``; only the number of its vectors is used.
    num_classes, input_shape
        As for `build`; a state that does not fit them fails when it is loaded.

    Returns
    -------
    SupportVectors
        Without the values of the state.

    Raises
    ------
    ModelError
        If it holds no support vectors.
    """
    vectors = state.get("vectors")
    if vectors is None or vectors.ndim != 2:
        raise ModelError("the weights hold no support vectors", "keep the files of a model together")
    return SupportVectors(num_classes, input_shape, vectors=len(vectors))
