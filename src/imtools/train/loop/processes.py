"""Several processes that train one net together, each on its part of every batch.

``torchrun`` starts them. They begin with the same weights and add up their gradients before each step, so
that their weights stay the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from ...arrays import IntArray
from ...errors import ImtoolsError, UsageError

_TIMEOUT = timedelta(minutes=30)  # one process may decode a whole library while the others wait


class Processes:
    """The processes that train together; by default this one alone.

    Attributes
    ----------
    rank : int
        Number of this process; 0 writes the files.
    size : int
        How many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def share(self, indices: IntArray) -> IntArray:
        """Return this process's part of a batch; the parts are of nearly equal size."""
        return np.array_split(indices, self.size)[self.rank]

    def sum(self, *tensors: Tensor) -> None:
        """Replace tensors by their sums over all processes."""
        if self.size > 1:
            for tensor in tensors:
                dist.all_reduce(tensor)

    def sum_gradients(self, net: nn.Module) -> None:
        """Replace the gradients of a net by their sums over all processes; one without gradients adds 0."""
        if self.size == 1:
            return
        parameters = [p for p in net.parameters() if p.requires_grad]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def average_buffers(self, net: nn.Module) -> None:
        """Replace running statistics, which each process has from its own examples, by their means."""
        if self.size > 1:
            for buffer in net.buffers():
                if buffer.is_floating_point():
                    dist.all_reduce(buffer)
                    buffer /= self.size

    def wait(self) -> None:
        """Wait until all processes have come to this point."""
        if self.size > 1:
            dist.barrier()

    def agree(self, value: object, what: str) -> None:
        """Wait until all processes have come to this point, and check that they have the same value.

        Parameters
        ----------
        value : object
            What can be pickled and compared.
        what : str
            What it is, for the message.

        Raises
        ------
        UsageError
            In all of them, if they do not.
        """
        if self.size == 1:
            return
        values: list[object] = [None] * self.size
        dist.all_gather_object(values, value)
        if any(other != values[0] for other in values):
            hint = "give all of them the same files, on a disk that they share"
            raise UsageError(f"the {self.size} processes do not have the same {what}", hint)


def launched() -> bool:
    """Return whether ``torchrun`` has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Processes, torch.device]]:
    """Join the processes that ``torchrun`` has started.

    Parameters
    ----------
    device : torch.device
        The device that is chosen. With GPUs, each process of a machine takes its own.

    Yields
    ------
    processes : Processes
        All of them; this one alone if ``torchrun`` has not started it.
    device : torch.device
        That of this process.

    Raises
    ------
    UsageError
        If there are fewer GPUs than processes.
    ImtoolsError
        If another process has stopped.
    """
    if not launched():
        yield Processes(), device
        return
    if device.type == "cuda":
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            what = f"process {local} of this machine has no GPU ({torch.cuda.device_count()} found)"
            raise UsageError(what, "start as many processes as there are GPUs, or choose `device=cpu`")
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size()), device
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            hint = "see its own message"
            raise ImtoolsError("another of the processes has stopped", hint) from error
        raise
    finally:
        dist.destroy_process_group()
