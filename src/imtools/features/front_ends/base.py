"""The base of all front ends: from waveforms to time-frequency representations, in batches, in torch."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...errors import FeatureError
from ...manifest.values import Json
from ..dsp.framing import Framing
from ..parameters import Parameters


class FrontEnd(nn.Module):
    """Computes features of fixed height from waveforms; a subclass defines how.

    The steps are: normalise each waveform; ``transform``, where a value depends only on the samples around
    its frame; ``peaks``, the values that depend on the whole clip; ``finish``, which completes each frame
    with them. (So a long file can pass in slices, see `imtools.features.streaming`.) All steps
    run where the module's buffers are, and in float32 even under autocast, because features of equal
    ``config_hash`` have to be comparable.

    Parameters
    ----------
    parameters : Parameters
        The parameters, checked.
    framing : Framing
        Where the frames lie; by default each sample is a frame.

    Attributes
    ----------
    kind : str
        Name of the kind of front end.
    version : int
        Incremented with each change of a kind that changes its numbers; part of ``config_hash``.
    config : dict
        Kind and every parameter, as JSON values in a fixed order.
    config_hash : str
        ``"sha256:..."`` of ``config`` and ``version``.
    sampling_rate : int
        Rate of the waveforms, in Hz.
    normalize : str
        How waveforms are normalised: ``"rms"``, ``"peak"`` or ``"none"``.
    bins : int
        Height of the features.
    needs_peaks : bool
        Whether ``finish`` refers to ``peaks``.
    power : int
        Degree of ``transform``: a waveform twice as loud gives values 2 ** ``power`` times as large.
    min_samples, max_samples : int
        Length of the shortest and of the longest waveform that can be transformed.
    hop_length : int
        Samples between frames; frame ``f`` is centred at sample ``f * hop_length``.
    reach : int or None
        Samples to either side of a frame's centre on which it can depend; ``None`` where there are no
        frames and every value depends on all samples.
    grid : int
        A slice of a waveform has the frames of the whole if it begins at a multiple of this many samples.
    """

    kind: ClassVar[str]
    version: ClassVar[int]

    def __init__(self, parameters: Parameters, framing: Framing = Framing(1, 1)) -> None:  # noqa: B008
        super().__init__()
        self.config: dict[str, Json] = parameters.config()
        canonical = json.dumps({"version": self.version} | self.config, sort_keys=True, separators=(",", ":"))
        self.config_hash = f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
        self.sampling_rate, self.normalize = parameters.sampling_rate, parameters.normalize
        self.bins = parameters.bins
        self.needs_peaks, self.power = False, 1
        self.min_samples, self.max_samples = 1, 2**62
        self.framing = framing
        self.hop_length = self.grid = framing.hop_length
        self.reach: int | None = framing.reach
        self.register_buffer("_device", torch.empty(0), persistent=False)
        self._device: Tensor

    @property
    def device(self) -> torch.device:
        """Device of the computation."""
        return self._device.device

    def frames(self, num_samples: int) -> int:
        """Return the number of frames that a waveform of that many samples gives."""
        return self.framing.count(num_samples)

    def working_length(self, num_samples: int) -> int:
        """Return the length to which waveforms of that many samples are padded, for bounding memory."""
        return num_samples

    @abstractmethod
    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the values that depend on single frames: (batch, rows, frames) of normalised waveforms."""

    def peaks(self, transformed: Tensor) -> Tensor:
        """Return the largest value of each clip, (batch, n, 1); n is the number of kinds of values."""
        return transformed.amax(dim=(1, 2), keepdim=True)

    def finish(self, transformed: Tensor, peaks: Tensor | None) -> Tensor:
        """Complete each frame of a batch.

        Parameters
        ----------
        transformed : Tensor, shape (batch, rows, frames)
            From `transform`.
        peaks : Tensor, shape (batch, n, 1), or None
            From `peaks`, where ``needs_peaks``.

        Returns
        -------
        Tensor, shape (batch, bins, frames)
        """
        return transformed

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the features of a batch of waveforms.

        Parameters
        ----------
        waveforms : Tensor, shape (batch, samples)
            Mono, at ``sampling_rate``; moved to the module's device and to float32 if needed.

        Returns
        -------
        Tensor, shape (batch, bins, frames), float32
            ``frames(samples)`` frames of ``bins`` bins, lowest frequency first.

        Raises
        ------
        FeatureError
            If the waveforms have another shape, or are shorter than ``min_samples`` or longer than
            ``max_samples``.
        """
        if waveforms.ndim != 2:
            shape = tuple(waveforms.shape)
            raise FeatureError(
                f"waveforms have shape {shape}, not (batch, samples)", "mix down to mono first"
            )
        self.check_length(waveforms.shape[1])
        with full_precision(self.device):
            signal = waveforms.to(self.device, torch.float32)
            if self.normalize != "none":
                signal = signal / _level(signal, self.normalize)
            transformed = self.transform(signal)
            return self.finish(transformed, self.peaks(transformed) if self.needs_peaks else None)

    def check_length(self, num_samples: int) -> None:
        """Raise FeatureError if a waveform of that many samples is too short or too long."""
        if num_samples < self.min_samples:
            raise FeatureError(
                f"a waveform of {num_samples} samples is too short for front end {self.kind!r}",
                f"give at least {self.min_samples} samples, or pad with zeros",
            )
        if num_samples > self.max_samples:
            raise FeatureError(
                f"a waveform of {num_samples} samples is too long for front end {self.kind!r}",
                f"give at most {self.max_samples} samples: cut it with im-segment",
            )

    def extra_repr(self) -> str:
        """Return the parameters, for ``repr``."""
        return ", ".join(f"{name}={value!r}" for name, value in self.config.items())


def _level(waveforms: Tensor, how: str) -> Tensor:
    """Return each waveform's RMS or peak, (batch, 1); 1 for silence, which then has a gradient of zero."""
    if how == "peak":
        level = waveforms.abs().amax(dim=1, keepdim=True)
        return torch.where(level > 0, level, 1.0)
    energy = waveforms.square().mean(dim=1, keepdim=True)
    return torch.where(energy > 0, energy, 1.0).sqrt()


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Switch off autocast and TF32, which would round products to fewer bits than float32 has."""
    with ExitStack() as stack:
        if torch.amp.is_autocast_available(device.type):
            stack.enter_context(torch.autocast(device.type, enabled=False))
        if device.type == "cuda":
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
        yield
