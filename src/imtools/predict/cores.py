"""Computing a batch on a CPU: in parts that fit into its caches, in parallel, one on each core.

A net whose layers are divided among the cores makes all of them wait for the slowest at every layer, and
moves the activations of the whole batch through memory. Parts that pass through the whole net on one core do
not wait and need little memory: a server takes half as much, and with the bundled model, on two cores, a
tenth less time. Nets of wide layers take as long either way.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

PART = 8
"""Windows that pass through a net together: the activations of more do not fit into the caches."""
_MAX_THREADS = 8
"""With more threads, the interpreter lock becomes the limit."""


def compute_on_cores(compute: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """Apply a function to the rows of a batch, on all cores that torch may use.

    Parameters
    ----------
    compute : callable
        Returns one row on the CPU for each row that it is given; called by several threads at once.
    batch : Tensor, shape (n, ...)
        On the CPU.

    Returns
    -------
    Tensor, shape (n, ...)
        The rows that `compute` returned, in order.
    """
    threads = torch.get_num_threads()
    workers = min(threads, _MAX_THREADS)
    parts = torch.split(batch, min(PART, -(-len(batch) // workers)))
    if workers == 1 or len(parts) == 1:
        return torch.cat([compute(part) for part in parts])
    return torch.cat(list(_pool(workers, threads // workers).map(compute, parts)))


@functools.cache
def _pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Return a started pool of workers, each of which lets torch use this many threads."""
    started = threading.Barrier(workers)

    def start(_: int) -> None:
        torch.set_num_threads(threads)
        torch.get_num_threads()  # a thread reads the number when it first needs it, and keeps it
        started.wait()

    pool = ThreadPoolExecutor(workers, thread_name_prefix="imtools-core")
    own = torch.get_num_threads()
    list(pool.map(start, range(workers)))
    torch.set_num_threads(own)  # threads that start later inherit the number that was set last by any thread
    return pool
