"""Batches of examples on the device that computes, read ahead while it computes."""

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

_PART_OF_GPU = 0.5
"""Part of a GPU's free memory that the examples may take; the rest is for the net."""


class Feed:
    """Hands out the rows of examples, batch by batch.

    They lie on a GPU from the start if they fit. Otherwise a thread reads the next batch while the current
    one is computed.

    Parameters
    ----------
    examples : Examples
        Whose rows.
    device : torch.device
        Where they are wanted.

    Attributes
    ----------
    waited : float
        Seconds that the one who takes the batches has waited for them.
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
            ahead = [reader.submit(self._read, indices) for indices in batches[:1]]
            for number, indices in enumerate(batches):
                start = time.perf_counter()
                rows = ahead.pop().result()
                self.waited += time.perf_counter() - start
                if number + 1 < len(batches):
                    ahead.append(reader.submit(self._read, batches[number + 1]))
                yield indices, rows

    def _read(self, indices: IntArray) -> Tensor:
        rows = self._examples.rows(indices)
        if self._device.type != "cuda":
            return rows
        return rows.pin_memory().to(self._device, non_blocking=True)

    def _fit(self) -> bool:
        torch.cuda.empty_cache()  # what an earlier fold has left counts as taken otherwise
        size = 4 * len(self._examples) * int(np.prod(self._examples.row_shape))
        return size <= _PART_OF_GPU * torch.cuda.mem_get_info(self._device)[0]

    def _all(self) -> Tensor:
        held = torch.empty(len(self._examples), *self._examples.row_shape, device=self._device)
        for some in pieces(np.arange(len(held)), self._examples.row_shape):
            held[some[0] : some[-1] + 1] = self._examples.rows(some).to(self._device)
        return held
