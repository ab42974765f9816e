"""One strided product of signals with long kernels, exact enough to compare with librosa."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv1d

_TAPS_AT_ONCE = 512
"""Taps summed in one go: a running float32 sum of thousands of terms would lose a decimal digit."""


def correlate(signals: Tensor, kernels: Tensor, stride: int) -> Tensor:
    """Return the products of kernels with signals at every ``stride``-th sample.

    Parameters
    ----------
    signals : Tensor, shape (batch, samples)
        Padded as the caller needs it.
    kernels : Tensor, shape (kernels, 1, taps)
        Not reversed.
    stride : int
        Samples from one product to the next.

    Returns
    -------
    Tensor, shape (batch, kernels, 1 + (samples - taps) // stride)
    """
    taps = kernels.shape[2]
    span = (signals.shape[1] - taps) // stride * stride
    parts = [
        conv1d(signals[:, None, first : first + span + part.shape[2]], part, stride=stride)
        for first, part in zip(
            range(0, taps, _TAPS_AT_ONCE), torch.split(kernels, _TAPS_AT_ONCE, dim=2), strict=True
        )
    ]
    return parts[0] if len(parts) == 1 else torch.stack(parts).sum(dim=0)
