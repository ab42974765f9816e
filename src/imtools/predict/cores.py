"""Computing a batch on a processor: in parts that stay in its caches, side by side, one on each core.

A net that is shared out among the cores layer by layer makes all of them wait for the slowest at every layer,
and carries the activations of the whole batch through memory. Parts that go through the whole net on one core
each wait for nobody, and hold little: a server has half the memory, and with the bundled model, on two cores,
takes a tenth less time. Nets of wide layers take as long either way.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

PART = 8
"""Windows that go through a net together: the activations of more do not stay in the caches."""
_MAX_THREADS = 8
"""With more, Python itself, which has one thread at a time, is what they wait for."""


def compute_on_cores(compute: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """Return what is computed of a batch, row by row, on all cores that torch is to use.

    Parameters
    ----------
    compute : callable
        Gives a row on the CPU for each row it is given; called in several threads at once.
    batch : Tensor, shape (n, ...)
        On the CPU.
    """
    threads = torch.get_num_threads()
    lanes = min(threads, _MAX_THREADS)
    parts = torch.split(batch, min(PART, -(-len(batch) // lanes)))
    if lanes == 1 or len(parts) == 1:
        return torch.cat([compute(part) for part in parts])
    return torch.cat(list(_pool(lanes, threads // lanes).map(compute, parts)))


@functools.cache
def _pool(lanes: int, threads: int) -> ThreadPoolExecutor:
    """Return threads that each share out what they compute among so many; all of them have started."""
    started = threading.Barrier(lanes)

    def start(_: int) -> None:
        torch.set_num_threads(threads)
        torch.get_num_threads()  # a thread takes the number when it first needs it, and keeps it
        started.wait()

    pool = ThreadPoolExecutor(lanes, thread_name_prefix="imtools-lane")
    own = torch.get_num_threads()
    list(pool.map(start, range(lanes)))
    torch.set_num_threads(own)  # threads that start later begin with what was set last, by whomever
    return pool
