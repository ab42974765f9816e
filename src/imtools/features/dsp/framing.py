"""Short frames of waveforms: where they lie, and how to process all of them in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

_SAMPLES_PER_CHUNK = 2**22
"""Maximum number of samples in the frames (of all clips of a batch) that are in memory at once."""


@dataclass(frozen=True)
class Framing:
    """Frames as librosa takes them: centred at every ``hop_length``-th sample, zeros beyond the ends.

    Attributes
    ----------
    length : int
        Samples of a frame.
    hop_length : int
        Samples between frames.
    """

    length: int
    hop_length: int

    def count(self, num_samples: int) -> int:
        """Return the number of frames of a waveform of that many samples."""
        return 1 + (num_samples - self.length % 2) // self.hop_length

    @property
    def reach(self) -> int:
        """Maximum number of samples to either side of its centre that a frame covers."""
        return self.length // 2 + 1

    def map(self, waveforms: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply a function to all frames.

        Parameters
        ----------
        waveforms : Tensor, shape (batch, samples)
            Any length that has a frame.
        function : callable
            From frames (batch, some, length) to (batch, rows, some). The frames share memory.

        Returns
        -------
        Tensor, shape (batch, rows, ``count(samples)``)
        """
        margin = self.length // 2
        padded = pad(waveforms, (margin, margin))
        count = self.count(waveforms.shape[1])
        step = max(1, _SAMPLES_PER_CHUNK // (self.length * max(1, len(waveforms))))
        parts = []
        for first in range(0, count, step):
            start = first * self.hop_length
            stop = start + (min(step, count - first) - 1) * self.hop_length + self.length
            parts.append(function(padded[:, start:stop].unfold(1, self.length, self.hop_length)))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


def powers(spectrum: Tensor) -> Tensor:
    """Return |X|^2 of complex values."""
    return spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)


def root(powers: Tensor) -> Tensor:
    """Return the square root of values not below 0, with a gradient of 0 at 0 (and faster than ``abs``)."""
    return powers / powers.clamp_min(torch.finfo(powers.dtype).tiny).sqrt()


def magnitudes(frames: Tensor, window: Tensor, power: int = 1) -> Tensor:
    """Return the spectra of windowed frames.

    Parameters
    ----------
    frames : Tensor, shape (batch, n, length)
        Samples.
    window : Tensor, shape (length,)
        Each frame is multiplied by it.
    power : {1, 2}
        Magnitudes or powers.

    Returns
    -------
    Tensor, shape (batch, bins, n)
    """
    spectrum = powers(torch.fft.rfft(frames * window)).transpose(1, 2)
    return root(spectrum) if power == 1 else spectrum
