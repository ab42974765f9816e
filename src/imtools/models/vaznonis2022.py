"""The two nets of Vaznonis et al. (2022): a recurrent one on the waveform, a dense one on its spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .avramidis2021 import check_waveform
from .vgg import scaled

LSTM_UNITS = 22
LSTM_DENSE = (2048, 32, 1024)
FFT_DENSE = (64, 100_000, 32, 50_000)
SLOPE = 0.01

_INITIAL = {
    "weight_ih_l0": nn.init.xavier_uniform_,
    "weight_hh_l0": nn.init.orthogonal_,
    "bias_ih_l0": nn.init.zeros_,
    "bias_hh_l0": nn.init.zeros_,
}


class RawLstm(nn.Module):
    """An LSTM on the samples one by one; dense layers on its last output (section 4.1.2).

    The initial weights of the LSTM are those of Keras: the recurrent matrix orthogonal, a forget bias of 1,
    all other biases 0. With those of torch, half of the state is forgotten from one sample to the next, and
    training takes more steps.

    Parameters
    ----------
    num_classes : int
        Number of outputs.
    width : float
        Factor on all units.
    """

    def __init__(self, num_classes: int, width: float) -> None:
        super().__init__()
        units = scaled(LSTM_UNITS, width)
        self.lstm = nn.LSTM(1, units, batch_first=True)
        self.head = _dense(units, LSTM_DENSE, num_classes, width)
        for name, parameter in self.lstm.named_parameters():
            _INITIAL[name](parameter)
        forget = slice(units, 2 * units)  # gates: input, forget, cell, output
        nn.init.ones_(self.lstm.get_parameter("bias_ih_l0").detach()[forget])

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the logits (batch, classes) of waveforms (batch, 1, samples)."""
        # On a CPU without bf16 instructions there is no LSTM in bf16: torch fails instead of emulating it.
        with torch.autocast("cpu", enabled=False):
            _, (last, _) = self.lstm(waveforms.transpose(1, 2))
        logits: Tensor = self.head(last[0])
        return logits


def lstm(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the recurrent net, which takes waveforms of any length.

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits; the paper's sigmoid is applied by the loss and in prediction).
    input_shape : tuple of int
        ``(1, samples)``.
    width : float
        Factor on all units.

    Returns
    -------
    nn.Module
        Waveforms (batch, 1, samples) in, logits (batch, num_classes) out.
    """
    check_waveform(input_shape, 1)
    return RawLstm(num_classes, width)


def fft(num_classes: int, input_shape: tuple[int, int], width: float) -> nn.Module:
    """Build the dense net on the spectrum of a whole clip (section 4.2.2).

    Parameters
    ----------
    num_classes : int
        Number of outputs (logits).
    input_shape : tuple of int
        ``(bins, frames)``, in the paper 442000 x 1.
    width : float
        Factor on all units.

    Returns
    -------
    nn.Module
        Features (batch, bins, frames) in, logits (batch, num_classes) out.

    Raises
    ------
    ModelError
        If there are no bins or frames.
    """
    bins, frames = input_shape
    if min(input_shape) < 1:
        raise ModelError(
            f"features of {bins} bins x {frames} frames are too small for this net", "give at least 1 x 1"
        )
    return nn.Sequential(nn.Flatten(), *_dense(bins * frames, FFT_DENSE, num_classes, width))


def _dense(size: int, units: Sequence[int], num_classes: int, width: float) -> nn.Sequential:
    """Return dense layers with LeakyReLU, with the slope that section 3.3.4 calls usual."""
    layers: list[nn.Module] = []
    for count in units:
        layers += [nn.Linear(size, scaled(count, width)), nn.LeakyReLU(SLOPE)]
        size = scaled(count, width)
    return nn.Sequential(*layers, nn.Linear(size, num_classes))
