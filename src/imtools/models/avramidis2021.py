"""The nets of Avramidis et al. (2021) on the waveform: recurrent, convolutional, and both.

What the text leaves open was chosen so that the counts of Tables 2 to 4 come out: both skip connections are
1 x 1 convolutions, and the recurrent part of the combined nets has 256 and 128 units (not 128 and 64, as the
best recurrent net alone). The slope of LeakyReLU is that of Kratimenos et al. (2020), on whose net the cells
are based.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .vgg import scaled

FILTERS = (16, 32, 64, 64, 32)
KERNELS = POOLS = (3, 3, 3, 5, 5)
SKIPS = ((0, 2), (1, 3))
"""From the output of one cell to that of another, counted from 0."""

DENSE = 1024
INPUT_POOL = 3
COMBINED_UNITS = (256, 128)
SLOPE = 0.3
DROPOUT = 0.5


class BiGru(nn.Module):
    """Max pooling, bidirectional GRU layers, dropout, dense (Table 1).

    The dense layer takes the last state of each direction.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    units : sequence of int
        Units of each layer, in each direction.
    """

    def __init__(self, num_classes: int, units: Sequence[int]) -> None:
        super().__init__()
        self.pool = nn.MaxPool1d(INPUT_POOL)
        self.layers = _gru_layers(1, units)
        self.dropout = nn.Dropout(DROPOUT)
        self.output = nn.Linear(2 * units[-1], num_classes)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the logits (batch, classes) of waveforms (batch, 1, samples)."""
        _, last = _run(self.layers, self.pool(waveforms))
        logits: Tensor = self.output(self.dropout(last))
        return logits


class Cell(nn.Sequential):
    """Two convolutions, batch normalisation, LeakyReLU, max pooling (Fig. 3)."""

    def __init__(self, channels: int, filters: int, kernel: int, pool: int) -> None:
        super().__init__(
            nn.Conv1d(channels, filters, kernel, padding=kernel // 2),
            nn.Conv1d(filters, filters, kernel, padding=kernel // 2),
            nn.BatchNorm1d(filters),
            nn.LeakyReLU(SLOPE),
            nn.MaxPool1d(pool),
        )


class Cells(nn.Module):
    """The five cells, with or without skip connections (Fig. 2).

    A skip connection is a max pooling by the same factor as the cells in between, and a 1 x 1 convolution to
    the channels of the cell where it ends, to whose output it is added.

    Parameters
    ----------
    width : float
        Factor on the filters.
    residual : bool
        Whether there are skip connections.

    Attributes
    ----------
    filters : list of int
        Channels of each cell's output.
    """

    def __init__(self, width: float, residual: bool) -> None:
        super().__init__()
        self.filters = [scaled(count, width) for count in FILTERS]
        channels = [1, *self.filters]
        self.cells = nn.ModuleList(
            Cell(*settings) for settings in zip(channels, self.filters, KERNELS, POOLS, strict=False)
        )
        self.skips = nn.ModuleDict(
            {
                str(end): nn.Sequential(
                    nn.MaxPool1d(prod(POOLS[start + 1 : end + 1])),
                    nn.Conv1d(self.filters[start], self.filters[end], 1),
                )
                for start, end in (SKIPS if residual else ())
            }
        )
        self._starts = {end: start for start, end in SKIPS} if residual else {}

    def forward(self, waveforms: Tensor) -> list[Tensor]:
        """Return the output (batch, filters, frames) of each cell, for waveforms (batch, 1, samples)."""
        outputs: list[Tensor] = []
        for index, cell in enumerate(self.cells):
            output = cell(outputs[-1] if outputs else waveforms)
            if index in self._starts:
                output = output + self.skips[str(index)](outputs[self._starts[index]])
            outputs.append(output)
        return outputs


class Dcnn(nn.Module):
    """The cells, then two dense layers with LeakyReLU between them."""

    def __init__(self, num_classes: int, samples: int, width: float) -> None:
        super().__init__()
        self.cells = Cells(width, residual=False)
        length = samples
        for pool in POOLS:
            length //= pool
        dense = scaled(DENSE, width)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(self.cells.filters[-1] * length, dense),
            nn.LeakyReLU(SLOPE),
            nn.Linear(dense, num_classes),
        )

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the logits (batch, classes) of waveforms (batch, 1, samples)."""
        logits: Tensor = self.head(self.cells(waveforms)[-1])
        return logits


class Fcn(nn.Module):
    """The cells, a 1 x 1 convolution to the classes, global average pooling."""

    def __init__(self, num_classes: int, width: float, residual: bool) -> None:
        super().__init__()
        self.cells = Cells(width, residual)
        self.output = nn.Conv1d(self.cells.filters[-1], num_classes, 1)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the logits (batch, classes) of waveforms (batch, 1, samples)."""
        return self.classify(self.cells(waveforms))

    def classify(self, outputs: list[Tensor]) -> Tensor:
        """Return the logits for the outputs of the cells."""
        logits: Tensor = self.output(outputs[-1]).mean(dim=2)
        return logits


class Crnn(nn.Module):
    """An `Fcn` with skips, and a recurrent net on the output of one of its cells; their logits averaged.

    The recurrent net ends in dropout, as alone, a 1 x 1 convolution and global average pooling.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    cell : int
        The cell that feeds the recurrent net, counted from 1.
    width : float
        Factor on filters and units.
    """

    def __init__(self, num_classes: int, cell: int, width: float) -> None:
        super().__init__()
        self.convolutional = Fcn(num_classes, width, residual=True)
        self.cell = cell
        units = [scaled(count, width) for count in COMBINED_UNITS]
        self.layers = _gru_layers(self.convolutional.cells.filters[cell - 1], units)
        self.dropout = nn.Dropout(DROPOUT)
        self.output = nn.Conv1d(2 * units[-1], num_classes, 1)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the logits (batch, classes) of waveforms (batch, 1, samples)."""
        outputs = self.convolutional.cells(waveforms)
        sequence, _ = _run(self.layers, outputs[self.cell - 1])
        recurrent = self.output(self.dropout(sequence)).mean(dim=2)
        logits: Tensor = (self.convolutional.classify(outputs) + recurrent) / 2
        return logits


def _gru_layers(channels: int, units: Sequence[int]) -> nn.ModuleList:
    sizes = [channels, *(2 * count for count in units)]
    return nn.ModuleList(
        nn.GRU(size, count, batch_first=True, bidirectional=True)
        for size, count in zip(sizes, units, strict=False)
    )


def _run(layers: nn.ModuleList, sequence: Tensor) -> tuple[Tensor, Tensor]:
    """Return the output of GRU layers, (batch, channels, frames) as the input, and their last states."""
    sequence = sequence.transpose(1, 2)
    state = sequence
    for layer in layers:
        sequence, state = layer(sequence)
    return sequence.transpose(1, 2), torch.cat((state[0], state[1]), dim=1)


def check_waveform(input_shape: tuple[int, int], least: int) -> None:
    """Check that an input has one bin and enough samples.

    Parameters
    ----------
    input_shape : tuple of int
        ``(bins, frames)`` of the features.
    least : int
        Minimum number of samples.

    Raises
    ------
    ModelError
        If it does not.
    """
    bins, samples = input_shape
    if bins != 1:
        raise ModelError(
            f"features of {bins} bins are no waveforms, which this net needs",
            "use the front end avramidis2021, or another of kind waveform",
        )
    if samples < least:
        raise ModelError(
            f"waveforms of {samples} samples are too small for this net",
            f"give at least 1 x {least}: longer windows",
        )


def _bigru(units: Sequence[int], num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    check_waveform(input_shape, INPUT_POOL)
    return BiGru(num_classes, [scaled(count, width) for count in units])


bigru_128 = partial(_bigru, (128,))
bigru_256 = partial(_bigru, (256,))
bigru_128_64 = partial(_bigru, (128, 64))


def dcnn(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the DCNN, whose dense layers depend on the length of the input.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits).
    input_shape : tuple of int
        ``(1, samples)``.
    width : float
        Factor on filters and units.

    Returns
    -------
    nn.Module
        Waveforms (batch, 1, samples) in, logits (batch, num_classes) out.
    """
    check_waveform(input_shape, prod(POOLS))
    return Dcnn(num_classes, input_shape[1], width)


def _fcn(residual: bool, num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    check_waveform(input_shape, prod(POOLS))
    return Fcn(num_classes, width, residual)


fcn = partial(_fcn, False)
rfcn = partial(_fcn, True)


def _crnn(cell: int, num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    check_waveform(input_shape, prod(POOLS))
    return Crnn(num_classes, cell, width)


crnn2, crnn3, crnn4, crnn5 = (partial(_crnn, cell) for cell in (2, 3, 4, 5))
