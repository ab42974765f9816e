"""Where and how torch computes: device, precision, memory allocation, and the seeding of its generators."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from .choices import PRECISIONS
from .errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import nn

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_LARGEST_INT = 2**31 - 1


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device that a name stands for.

    Parameters
    ----------
    name : str
        ``"cpu"``, ``"cuda"``, ``"cuda:N"``, or ``"auto"``: the first GPU if there is one.

    Raises
    ------
    UsageError
        If the name is none of these, or there is no such GPU.
    """
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda:0" if count else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, colon, number = name.partition(":")
    if kind != "cuda" or (colon and not (number.isascii() and number.isdigit())):
        raise UsageError(f"there is no device {name!r}", "choose auto, cpu, cuda or cuda:N")
    index = int(number or 0)
    if index >= count:
        found = f"{count} found" if count else "none found by this build of torch"
        raise UsageError(f"no GPU for device {name!r} ({found})", "use `device=cpu`")
    return torch.device("cuda", index)


def resolve_precision(name: str, device: torch.device, *, training: bool = False) -> torch.dtype:
    """Return the type in which a net's products are computed.

    With ``"auto"``, a CPU predicts in float32 even where it has instructions for bfloat16: in bfloat16, the
    scores of a window depend on which other windows are in its batch (by about 1e-4), so they would change
    with the batch size and from one processor to the next. Training need not reproduce such numbers.

    Parameters
    ----------
    name : str
        ``"fp32"``, ``"bf16"``, or ``"auto"``: bf16 on GPUs that compute with it, and for training on CPUs
        that do as well; fp32 otherwise.
    device : torch.device
        Where the net is.
    training : bool
        Whether the net is being trained.

    Returns
    -------
    torch.dtype
        ``torch.float32`` or ``torch.bfloat16``.

    Raises
    ------
    UsageError
        If the name is none of these.
    """
    import torch

    if name == "auto":
        name = "bf16" if (training or device.type != "cpu") and _computes_bf16(device) else "fp32"
    types = {"fp32": torch.float32, "bf16": torch.bfloat16}
    if name not in types:
        raise UsageError(f"there is no precision {name!r}", f"choose {', '.join(PRECISIONS)}")
    return types[name]


def _computes_bf16(device: torch.device) -> bool:
    """Return whether a device computes faster in bfloat16 than in float32."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Emulated bf16 is slower than float32: only AMX or AVX-512 BF16 instructions make it worthwhile.
    cpu = (
        getattr(torch.cpu, "_is_amx_tile_supported", None),
        getattr(torch.cpu, "_is_avx512_bf16_supported", None),
    )
    return any(supported is not None and bool(supported()) for supported in cpu)


def place(net: nn.Module, device: torch.device) -> nn.Module:
    """Move a net to a device, its images channels last: the layout in which convolutions are fastest.

    Parameters
    ----------
    net : Module
        The net; it is moved itself.
    device : torch.device
        Where to.

    Returns
    -------
    Module
        The net.
    """
    import torch

    moved: nn.Module = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def require_compiler() -> None:
    """Raise UsageError unless there is what ``torch.compile`` needs beside torch: a C++ compiler."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UsageError(
            f"torch compiles nets with {compiler}, which is not installed", "leave `compile` out"
        )


def tune_malloc() -> bool:
    """Let glibc keep freed memory for the next batch instead of handing it back to the system.

    Convolutions on a CPU allocate and free the same large arrays for every batch; without this each is
    mapped anew, page by page, which costs up to half of the time. The price is 1 to 2 GB of memory.

    Returns
    -------
    bool
        Whether it took effect; without glibc nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # TypeError: Windows has no handle for "this program"
        return False
    wanted = {_M_MMAP_THRESHOLD: 2**30, _M_TRIM_THRESHOLD: _LARGEST_INT, _M_TOP_PAD: 2**28}
    taken = [mallopt(option, value) == 1 for option, value in wanted.items()]
    return all(taken)


def wait_passively() -> None:
    """Let torch's threads sleep while they wait for work, so that threads that decode have the processor.

    Call it before torch is imported: its OpenMP library reads the environment once. Variables that the user
    has set are kept. Threads that wait actively are a little quicker to start, and so better where
    nothing else runs (training); beside decoding threads they make everything two to three times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def stable_seed(*keys: str | int) -> int:
    """Return a seed of 63 bits that depends on the keys alone, not on the process or the machine."""
    text = "\0".join(f"{type(key).__name__}:{key}" for key in keys)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def seed_everything(*keys: str | int) -> int:
    """Seed torch's generators by a hash of the keys, and return that seed."""
    import torch

    seed = stable_seed(*keys)
    torch.manual_seed(seed)
    return seed
