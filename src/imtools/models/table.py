"""A table of all nets: their input, their size, and the figures of their papers.

Importing this module does not load torch; making the table does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..units import seconds_to_samples
from .registry import ARCHITECTURES, Architecture, build

if TYPE_CHECKING:
    from torch import nn

CLASSES = 11
"""Those of IRMAS, on which the parameter counts of the papers are based."""


class ArchitectureRow(NamedTuple):
    """One net as the table shows it; ``"-"`` where there is no value.

    Attributes
    ----------
    name, paper : str
        Key of ``ARCHITECTURES``, authors and year.
    input : str
        Preset of the front end, shape of its features, length of the clip.
    parameters, printed_parameters : str
        Counted at width 1 (as Keras counts, see `ParameterCount`), and printed by the authors.
    printed : str
        The authors' figures.
    note : str
        See `Architecture`.
    """

    name: str
    paper: str
    input: str
    parameters: str
    printed_parameters: str
    printed: str
    note: str


_HEADER = ArchitectureRow("model", "paper", "input", "parameters", "printed", "their figures", "note")
_RIGHT = ("parameters", "printed_parameters")


def listing() -> list[ArchitectureRow]:
    """Return a row for each net, in the order of ``ARCHITECTURES``.

    The nets are built without memory for their weights, which takes a second or two.
    """
    return [_row(name, architecture) for name, architecture in ARCHITECTURES.items()]


def format_listing() -> str:
    """Return the rows as aligned text below a header, each with its note in a line of its own."""
    rows = [_HEADER, *listing()]
    fields = [field for field in ArchitectureRow._fields if field != "note"]
    widths = {field: max(len(getattr(row, field)) for row in rows) for field in fields}
    lines = []
    for row in rows:
        cells = (
            getattr(row, field).rjust(widths[field])
            if field in _RIGHT
            else getattr(row, field).ljust(widths[field])
            for field in fields
        )
        lines.append("  ".join(cells).rstrip())
        if row is not _HEADER and row.note != "-":
            lines.append(f"    {row.note}")
    return "\n".join(lines) + "\n"


def input_shape(architecture: Architecture) -> tuple[int, int]:
    """Return ``(bins, frames)`` of a net's input: the paper's front end on a clip of its length."""
    from ..features import front_end

    features = front_end(architecture.front_end)
    return features.bins, features.frames(seconds_to_samples(architecture.seconds, features.sampling_rate))


class ParameterCount(NamedTuple):
    """The number of a net's parameters.

    Attributes
    ----------
    trainable : int
        Those that training changes.
    total : int
        With the running means and variances of batch normalisation, as in the "Total params" of Keras and
        in the papers.
    """

    trainable: int
    total: int


def count_parameters(net: nn.Module) -> ParameterCount:
    """Count the parameters of a net on any device (``meta`` is enough)."""
    trainable = sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)
    frozen = sum(parameter.numel() for parameter in net.parameters() if not parameter.requires_grad)
    running = sum(buffer.numel() for buffer in net.buffers() if buffer.is_floating_point())
    return ParameterCount(trainable, trainable + frozen + running)


def _row(name: str, architecture: Architecture) -> ArchitectureRow:
    bins, frames = input_shape(architecture)
    clip = f"{architecture.front_end} {bins}x{frames}, {architecture.seconds:g} s"
    counted = None if architecture.strategy == "svm" else _count(name, architecture, (bins, frames))
    return ArchitectureRow(
        name,
        architecture.paper,
        clip,
        _short(counted),
        _short(architecture.printed_parameters),
        architecture.printed,
        architecture.note or "-",
    )


def _count(name: str, architecture: Architecture, shape: tuple[int, int]) -> int:
    import torch

    outputs = 1 if architecture.strategy == "one-vs-all" else CLASSES
    with torch.device("meta"):
        return count_parameters(build(name, num_classes=outputs, input_shape=shape)).total


def _short(count: int | None) -> str:
    """Return a count as the papers write it: 103.4K, 1.14M."""
    if count is None:
        return "-"
    return f"{count / 1e6:.2f}M" if count >= 1e6 else f"{count / 1e3:.1f}K"
