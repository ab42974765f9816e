"""The nets by name. Nothing here loads torch until one is built.

A new net is one module with ``build(num_classes, input_shape, width)`` and one entry in ``ARCHITECTURES``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ..errors import UsageError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Architecture:
    """One net.

    Attributes
    ----------
    module : str
        The module, relative to this package, whose ``build`` makes it.
    summary : str
        One line for help texts.
    """

    module: str
    summary: str


ARCHITECTURES: dict[str, Architecture] = {
    "kratimenos2020": Architecture(".kratimenos2020", "two convolutions a block, LeakyReLU"),
    "gururani2018": Architecture(".gururani2018", "one convolution a block, ELU"),
}
"""Every net, by name."""

DEFAULT_ARCHITECTURE = "kratimenos2020"


def build(name: str, *, num_classes: int, input_shape: tuple[int, int], width: float = 1.0) -> nn.Module:
    """Build a net with fresh weights.

    Parameters
    ----------
    name : str
        A key of ``ARCHITECTURES``.
    num_classes : int
        Number of outputs.
    input_shape : tuple of int
        ``(bins, frames)`` of the features.
    width : float
        Factor on all channels and units; 1 is the paper's net.

    Returns
    -------
    nn.Module
        Features (batch, bins, frames) in, logits (batch, num_classes) out.

    Raises
    ------
    UsageError
        If there is no such net, or the width is not above 0.
    ModelError
        If features of that shape are too small for the net.
    """
    if name not in ARCHITECTURES:
        raise UsageError(f"there is no model {name!r}", f"choose from {', '.join(ARCHITECTURES)}")
    if not width > 0:
        raise UsageError(f"a width of {width:g} makes no net", "choose one above 0; 1 is the paper's")
    module = import_module(ARCHITECTURES[name].module, __package__)
    return cast("nn.Module", module.build(num_classes, input_shape, width))
