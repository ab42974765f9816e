"""Random changes of single training examples, and blends of standardised ones.

Features are float tensors of shape (batch, bins, frames), on any device. All random numbers come from one
generator on the CPU, so that a seed means the same on every device.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

_MASKS = 2  # of each kind
_WAVES = 4  # of a random filter

Batch = tuple[Tensor, Tensor, Tensor]
"""Examples (batch, ...), their targets from 0 to 1, and which of these are known, (batch, classes) both."""


def roll_bins(
    features: Tensor, largest: int, generator: torch.Generator, *, circular: bool = False
) -> Tensor:
    """Shift each example in frequency by a random number of bins; see `BatchAugmentation.roll`.

    Parameters
    ----------
    features : Tensor, shape (batch, bins, frames)
        The examples.
    largest : int
        Maximum number of bins, up or down.
    generator : torch.Generator
        On the CPU.
    circular : bool
        Whether bins that leave at one end enter at the other.

    Returns
    -------
    Tensor, shape (batch, bins, frames)
        Shifted.
    """
    count, bins, frames = features.shape
    shifts = torch.randint(-largest, largest + 1, (count, 1), generator=generator)
    sources = torch.arange(bins) - shifts
    sources = sources % bins if circular else sources.clamp(0, bins - 1)
    sources = sources.to(features.device, non_blocking=True)
    return features.gather(1, sources[:, :, None].expand(-1, -1, frames))


def crop_frames(features: Tensor, part: float, generator: torch.Generator) -> Tensor:
    """Take a section of each example from a random position; see `BatchAugmentation.crop`.

    Parameters
    ----------
    features : Tensor, shape (batch, bins, frames)
        The examples.
    part : float
        Length of the section, as part of the whole.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor, shape (batch, bins, frames)
        With fewer frames.
    """
    count, bins, frames = features.shape
    kept = max(1, round(part * frames))
    starts = torch.randint(0, frames - kept + 1, (count, 1), generator=generator)
    sources = (starts + torch.arange(kept)).to(features.device, non_blocking=True)
    return features.gather(2, sources[:, None, :].expand(-1, bins, -1))


def shift_frames(features: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate each example in time by a random number of frames.

    Parameters
    ----------
    features : Tensor, shape (batch, bins, frames)
        The examples.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor, shape (batch, bins, frames)
        Rotated.
    """
    count, bins, frames = features.shape
    shifts = torch.randint(0, frames, (count, 1), generator=generator)
    sources = ((torch.arange(frames) + shifts) % frames).to(features.device, non_blocking=True)
    return features.gather(2, sources[:, None, :].expand(-1, bins, -1))


def filter_gains(count: int, bins: int, rms_db: float, generator: torch.Generator) -> Tensor:
    """Draw smooth filters: gains in dB, (count, bins), of an expected RMS.

    Each is a sum of four cosines of half a period to two periods over all bins, with normally distributed
    amplitudes and random phases.

    Parameters
    ----------
    count : int
        Number of filters.
    bins : int
        Length of each.
    rms_db : float
        Expected RMS in dB.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor, shape (count, bins)
        In dB, on the CPU.
    """
    waves = torch.arange(1, _WAVES + 1) / 2
    phases = torch.rand(count, _WAVES, 1, generator=generator)
    amplitudes = torch.randn(count, _WAVES, 1, generator=generator) * (rms_db * math.sqrt(2 / _WAVES))
    places = torch.arange(bins) / bins
    angles = 2 * math.pi * (waves[:, None] * places + phases)
    return (amplitudes * angles.cos()).sum(dim=1)


def mask_bands(features: Tensor, part: float, generator: torch.Generator) -> Tensor:
    """Replace bands of bins and runs of frames by 0, the mean; see `BatchAugmentation.mask`.

    Parameters
    ----------
    features : Tensor, shape (batch, bins, frames)
        Standardised examples.
    part : float
        Maximum length of a band or run, as part of the whole.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor, shape (batch, bins, frames)
        Masked.
    """
    count, bins, frames = features.shape
    hidden_bins, hidden_frames = (
        _spans(count, size, part, generator).to(features.device, non_blocking=True) for size in (bins, frames)
    )
    return features.masked_fill(hidden_bins[:, :, None] | hidden_frames[:, None, :], 0.0)


def _spans(count: int, size: int, part: float, generator: torch.Generator) -> Tensor:
    """Return random runs as a mask: bool, shape (count, size)."""
    longest = math.floor(part * size)  # 0 for the single bin of a waveform
    lengths = (torch.rand(count, _MASKS, 1, generator=generator) * (longest + 1)).floor()
    starts = (torch.rand(count, _MASKS, 1, generator=generator) * (size - lengths + 1)).floor()
    places = torch.arange(size)
    return ((places >= starts) & (places < starts + lengths)).any(dim=1)


def mixup(
    features: Tensor, targets: Tensor, known: Tensor, alpha: float, generator: torch.Generator
) -> Batch:
    """Blend each example of a batch with another one of it; see `BatchAugmentation.mixup`.

    Parameters
    ----------
    features : Tensor, shape (batch, bins, frames)
        Standardised examples.
    targets : Tensor of float, shape (batch, classes)
        From 0, absent, to 1, present.
    known : Tensor of bool, shape (batch, classes)
        Which of the targets are known.
    alpha : float
        Both parameters of the Beta distribution of the proportions.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    features, targets, known : Tensor
        Like the arguments.
    """
    count = len(features)
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    # By numpy: torch draws from a Beta distribution with its global generator only.
    parts = torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float()
    partners = torch.randperm(count, generator=generator)
    parts, partners = (drawn.to(features.device, non_blocking=True) for drawn in (parts, partners))
    blended = features[partners].lerp(features, parts[:, None, None])
    return blended, targets[partners].lerp(targets, parts[:, None]), known & known[partners]
