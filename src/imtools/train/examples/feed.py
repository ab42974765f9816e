"""Batches of examples on the device that computes, read in advance while it computes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ...arrays import IntArray
from .data import Examples
from .rows import pieces

_MAX_GPU_FRACTION = 0.5
"""Part of a GPU's free memory that the examples may take; the rest is left to the net."""


class Feed:
    """Provides the rows of examples, batch by batch.

    They are copied to a GPU at the start if they fit. Otherwise a thread reads the next batch while the
    current one is being computed.

    Parameters
    ----------
    examples : Examples
        The examples.
    device : torch.device
        Where the rows are needed.

    Attributes
    ----------
    waited : float
        Seconds that the consumer has waited for batches.
    """

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._examples, self._device = examples, device
        self._held = self._all() if device.type == "cuda" and self._fit() else None
        self.waited = 0.0

    def batches(self, batches: Sequence[IntArray]) -> Iterator[tuple[IntArray, Tensor]]:
        """Yield each batch of indices with its rows: float32 of shape (batch, bins, frames)."""
        if self._held is not None:
            for indices in batches:
                yield indices, self._held[torch.from_numpy(indices).to(self._device, non_blocking=True)]
            return
        with ThreadPoolExecutor(1, thread_name_prefix="feed") as reader:
            pending = [reader.submit(self._read, indices) for indices in batches[:1]]
            for number, indices in enumerate(batches):
                start = time.perf_counter()
                rows = pending.pop().result()
                self.waited += time.perf_counter() - start
                if number + 1 < len(batches):
                    pending.append(reader.submit(self._read, batches[number + 1]))
                yield indices, rows

    def _read(self, indices: IntArray) -> Tensor:
        rows = self._examples.rows(indices)
        if self._device.type != "cuda":
            return rows
        return rows.pin_memory().to(self._device, non_blocking=True)

    def _fit(self) -> bool:
        torch.cuda.empty_cache()  # otherwise memory that an earlier fold has freed counts as taken
        size = 4 * len(self._examples) * int(np.prod(self._examples.row_shape))
        return size <= _MAX_GPU_FRACTION * torch.cuda.mem_get_info(self._device)[0]

    def _all(self) -> Tensor:
        held = torch.empty(len(self._examples), *self._examples.row_shape, device=self._device)
        for part in pieces(np.arange(len(held)), self._examples.row_shape):
            held[part[0] : part[-1] + 1] = self._examples.rows(part).to(self._device)
        return held
