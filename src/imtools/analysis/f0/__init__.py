"""Fundamental frequency: CREPE in its sizes, and pYIN."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from ...arrays import Float32Array
from ...choices import F0_METHODS
from ...errors import UsageError
from .track import FRAMES_PER_SECOND, HOP, RATE, VOICED, F0Track, num_frames

if TYPE_CHECKING:
    import torch


def require_f0(method: str) -> None:
    """Check in advance that a method can be used on this machine.

    Parameters
    ----------
    method : {"crepe", "crepe-tiny", "crepe-original", "pyin"}
        CREPE in its full and tiny sizes, the package of its authors, or pYIN.

    Raises
    ------
    UsageError
        If there is no such method, or a package that it needs is not installed.
    """
    if method not in F0_METHODS:
        raise UsageError(f"there is no f0 method {method!r}", f"choose from {', '.join(F0_METHODS)}")
    package = {"pyin": "librosa", "crepe-original": "crepe"}.get(method, "torchcrepe")
    if importlib.util.find_spec(package) is None:
        other = "crepe, which has the same net and weights" if package == "crepe" else "another"
        raise UsageError(f"f0 method {method!r} needs {package}, which is not installed", f"choose {other}")


def estimate_f0(
    signals: list[Float32Array], method: str, device: torch.device, dtype: torch.dtype
) -> list[F0Track]:
    """Estimate the f0 of signals every 10 ms.

    Parameters
    ----------
    signals : list of ndarray of float32, shape (n,)
        At 16 kHz.
    method : {"crepe", "crepe-tiny", "crepe-original", "pyin"}
        See `require_f0`.
    device, dtype : torch.device, torch.dtype
        Where and in which precision ``crepe`` and ``crepe-tiny`` compute; the others ignore it.

    Returns
    -------
    list of F0Track
        One for each signal, with ``1 + n // 160`` frames.

    Raises
    ------
    UsageError
        If there is no such method, or a package that it needs is not installed.
    ModelError
        If the weights of CREPE cannot be read.
    """
    require_f0(method)
    if not signals:
        return []
    if method in ("crepe", "crepe-tiny"):
        from .crepe import crepe

        return crepe(signals, "tiny" if method == "crepe-tiny" else "full", device, dtype)
    from .others import crepe_original, pyin

    return [{"pyin": pyin, "crepe-original": crepe_original}[method](signal) for signal in signals]


__all__ = [
    "F0_METHODS",
    "FRAMES_PER_SECOND",
    "HOP",
    "RATE",
    "VOICED",
    "F0Track",
    "estimate_f0",
    "num_frames",
    "require_f0",
]
