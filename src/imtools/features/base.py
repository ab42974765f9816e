"""The base of all front ends: one waveform in, one time-frequency picture out, in batches, in torch."""

from __future__ import annotations

import hashlib
import json
import math
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..errors import FeatureError
from .parameters import Json, Parameters


class FrontEnd(nn.Module):
    """Turns waveforms into features of fixed height; a subclass computes the spectrogram itself.

    The steps are: normalise each waveform, ``spectrogram`` (the subclass), compress the amplitudes, crop
    the bins. All are differentiable, run where the module's buffers are, and work in float32 whatever
    autocast says, because features of equal ``config_hash`` have to be comparable.

    Attributes
    ----------
    kind : str
        Name of the kind of front end.
    version : int
        Counts the changes of a kind that change its numbers; part of ``config_hash``.
    power : int
        What ``spectrogram`` returns: 1 amplitudes, 2 powers.
    config : dict
        Kind and every parameter, as JSON values in a fixed order.
    config_hash : str
        ``"sha256:..."`` of ``config`` and ``version``.
    sampling_rate : int
        Rate of the waveforms, in Hz.
    bins : int
        Height of the features.
    min_samples : int
        Length of the shortest waveform that can be transformed.
    """

    kind: ClassVar[str]
    version: ClassVar[int]

    def __init__(self, parameters: Parameters) -> None:
        super().__init__()
        self._common = parameters
        self.config: dict[str, Json] = parameters.config()
        canonical = json.dumps({"version": self.version} | self.config, sort_keys=True, separators=(",", ":"))
        self.config_hash = f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
        self.sampling_rate = parameters.sampling_rate
        self.bins = parameters.bins
        self.power = 1
        self.min_samples = 1
        self.register_buffer("_device", torch.empty(0), persistent=False)
        self._device: Tensor

    @abstractmethod
    def frames(self, num_samples: int) -> int:
        """Return the number of frames that a waveform of that many samples gives."""

    @abstractmethod
    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Return the uncompressed spectrogram (batch, all bins, frames) of normalised waveforms."""

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the features of a batch of waveforms.

        Parameters
        ----------
        waveforms : Tensor, shape (batch, samples)
            Mono, at ``sampling_rate``; moved to the module's device and to float32 if need be.

        Returns
        -------
        Tensor, shape (batch, bins, frames), float32
            ``frames(samples)`` frames of ``bins`` bins, lowest frequency first.

        Raises
        ------
        FeatureError
            If the waveforms are no such batch, or shorter than ``min_samples``.
        """
        if waveforms.ndim != 2:
            shape = tuple(waveforms.shape)
            raise FeatureError(
                f"waveforms have shape {shape}, not (batch, samples)", "mix down to mono first"
            )
        if waveforms.shape[1] < self.min_samples:
            raise FeatureError(
                f"a waveform of {waveforms.shape[1]} samples is too short for front end {self.kind!r}",
                f"give at least {self.min_samples} samples, or pad with zeros",
            )
        device = self._device.device
        with _full_precision(device):
            signal = _normalize(waveforms.to(device, torch.float32), self._common.normalize)
            features = self._compress(self.spectrogram(signal))
        if self._common.crop is not None:
            low, high = self._common.crop
            features = features[:, low:high]
        return features

    def _compress(self, spectrogram: Tensor) -> Tensor:
        """Apply ``scale``; ``"db"`` is librosa's amplitude_to_db or power_to_db, clip by clip."""
        common = self._common
        if common.scale == "linear":
            return spectrogram
        floor = common.amin**self.power
        spectrogram = spectrogram.clamp_min(floor)
        if common.scale == "log":
            return spectrogram.log()
        decades = 20 / self.power
        level = decades * spectrogram.log10()
        loudest = level.amax(dim=(1, 2), keepdim=True)
        if common.top_db is not None:
            level = torch.maximum(level, loudest - common.top_db)
        if isinstance(common.ref, str):
            return level - loudest
        return level - decades * math.log10(max(floor, common.ref))

    def extra_repr(self) -> str:
        """Return the parameters, for ``repr``."""
        return ", ".join(f"{name}={value!r}" for name, value in self.config.items())


def _normalize(waveforms: Tensor, how: str) -> Tensor:
    """Divide each waveform by its RMS or peak; silence stays silence, with a gradient of zero."""
    if how == "none":
        return waveforms
    if how == "peak":
        level = waveforms.abs().amax(dim=1, keepdim=True)
        return waveforms / torch.where(level > 0, level, 1.0)
    energy = waveforms.square().mean(dim=1, keepdim=True)
    return waveforms / torch.where(energy > 0, energy, 1.0).sqrt()


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """Switch off what would round products to fewer bits than float32 has: autocast, TF32 convolutions."""
    with ExitStack() as stack:
        if torch.amp.is_autocast_available(device.type):
            stack.enter_context(torch.autocast(device.type, enabled=False))
        if device.type == "cuda":
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
        yield
