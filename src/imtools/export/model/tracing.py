"""Nets and front ends as the plain operators of an ONNX graph, for batches of any size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.overrides import TorchFunctionMode

from ...features.front_ends.base import FrontEnd

MAX_BASIS_BYTES = 2**29
"""Bytes of the largest matrix that may stand for a Fourier transform."""


class Traceable(nn.Module):
    """The module that computes the scores, with or without the front end, ready to be traced.

    A front end's Fourier transforms become products with matrices of cosines and sines, and its frames are
    gathered by their indices: ONNX has no complex numbers, and no views of memory.

    Parameters
    ----------
    scorer : nn.Module
        Features (batch, bins, frames) in, scores (batch, classes) out.
    front_end : FrontEnd, optional
        On the CPU.
    """

    def __init__(self, scorer: nn.Module, front_end: FrontEnd | None) -> None:
        super().__init__()
        self.scorer = scorer
        self.front_end = front_end if front_end is not None else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the scores (batch, classes) of features or of waveforms (batch, samples)."""
        with _PlainOperators():
            scores: Tensor = self.scorer(self.front_end(inputs))
        return scores


class _PlainOperators(TorchFunctionMode):
    """Replaces operators that ONNX lacks, or that would fix the batch size, by equal ones."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.view and _keeps_rows(*args):
            return args[0].unflatten(1, args[2:])
        if func is Tensor.__setitem__ and _chooses_columns(*args):
            return _set_columns(*args)
        return _REPLACEMENTS.get(func, func)(*args, **kwargs)


@dataclass(frozen=True)
class _Spectrum:
    """Complex values as two tensors of one shape, as far as front ends use them."""

    real: Tensor
    imag: Tensor

    def __getitem__(self, index: Any) -> _Spectrum:
        return _Spectrum(self.real[index], self.imag[index])


def _rfft(signals: Tensor, n: int | None = None) -> _Spectrum:
    """Return the transform of real signals along their last dimension, cut or padded to n samples.

    Raises
    ------
    ValueError
        If it takes too large a matrix.
    """
    length = int(signals.shape[-1])
    size = length if n is None else n
    length = min(length, size)
    if 2 * (size // 2 + 1) * length * signals.element_size() > MAX_BASIS_BYTES:
        raise ValueError(f"a Fourier transform of {size} samples is too long")
    # Whole turns are removed as integers: no precision is lost where frequency times time is large.
    turns = torch.outer(torch.arange(length), torch.arange(size // 2 + 1)) % size
    phase = turns.double() * (2 * math.pi / size)
    cosines, sines = phase.cos().to(signals.dtype), phase.sin().to(signals.dtype)
    signals = signals[..., :length]
    return _Spectrum(signals @ cosines, -(signals @ sines))


def _unfold(signals: Tensor, dimension: int, length: int, step: int) -> Tensor:
    """Return ``signals.unfold(1, length, step)`` as a copy."""
    if dimension != 1:
        raise ValueError(f"frames along dimension {dimension} have no replacement")
    count = (int(signals.shape[1]) - length) // step + 1
    return signals[:, torch.arange(count)[:, None] * step + torch.arange(length)]


def _diff(signals: Tensor, *, dim: int) -> Tensor:
    """Return the differences of neighbours along a dimension."""
    count = int(signals.shape[dim]) - 1
    return signals.narrow(dim, 1, count) - signals.narrow(dim, 0, count)


def _cdist(points: Tensor, others: Tensor, p: float = 2.0, compute_mode: str = "") -> Tensor:
    """Return the Euclidean distances (points, others) of two sets of points."""
    if p != 2:
        raise ValueError(f"distances of order {p:g} have no replacement")
    distances: Tensor = torch.linalg.vector_norm(points[:, None] - others, dim=2)
    return distances


_REPLACEMENTS: dict[Any, Callable[..., Any]] = {
    torch.fft.rfft: _rfft,
    Tensor.unfold: _unfold,
    Tensor.diff: _diff,
    torch.cdist: _cdist,
}


def _keeps_rows(signals: Tensor, *sizes: Any) -> bool:
    """Return whether a view of (batch, samples) leaves the batch as it is, naming its size."""
    return signals.ndim == 2 and len(sizes) > 1 and sizes[0] == int(signals.shape[0])


def _chooses_columns(signals: Tensor, index: Any, value: Any) -> bool:
    """Return whether values are assigned, for a whole batch, to consecutive samples."""
    if signals.ndim != 2 or not isinstance(index, tuple) or len(index) != 2:
        return False
    rows, columns = index
    slices = isinstance(rows, slice) and isinstance(columns, slice)
    return slices and rows == slice(None) and columns.step is None


def _set_columns(signals: Tensor, index: tuple[slice, slice], value: Tensor | float) -> None:
    """Compute ``signals[:, first:end] = value`` by a product and a sum."""
    count = int(signals.shape[1])
    first, end, _ = index[1].indices(count)
    place = torch.arange(count)
    inside = (place >= first) & (place < end)
    signals.mul_((~inside).to(signals.dtype))
    signals.add_(pad(value, (first, count - end)) if isinstance(value, Tensor) else inside * value)
