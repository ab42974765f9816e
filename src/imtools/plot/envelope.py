"""The envelope of a long signal: its minimum and maximum in each of some hundreds of columns."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..arrays import Float32Array


def envelope(blocks: Iterable[Float32Array], length: int, columns: int) -> tuple[Float32Array, Float32Array]:
    """Return the minimum and the maximum of a signal in columns that are equally long to within a sample.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (n,)
        The signal, block by block, so that it need not fit into memory.
    length : int
        Its length in samples.
    columns : int
        Maximum number of columns; never more than samples.

    Returns
    -------
    low, high : ndarray of float32, shape (columns,)
    """
    columns = max(1, min(columns, length))
    edges = np.arange(columns + 1) * length // columns
    low, high = np.full(columns, np.inf, np.float32), np.full(columns, -np.inf, np.float32)
    begin = 0
    for block in blocks:
        end = begin + len(block)
        first, last = np.searchsorted(edges, [begin, end - 1], side="right") - 1
        if len(block):
            cuts = np.maximum(edges[first : last + 1] - begin, 0)
            some = slice(first, last + 1)
            low[some] = np.minimum(low[some], np.minimum.reduceat(block, cuts))
            high[some] = np.maximum(high[some], np.maximum.reduceat(block, cuts))
        begin = end
    return np.where(np.isfinite(low), low, 0), np.where(np.isfinite(high), high, 0)
