"""Random changes of training features: mixing in the power domain, shifts in frequency, masks.

All random numbers come from one generator on the CPU, so that a seed means the same on every device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import UsageError

_MASKS = 2  # of each kind
_MIX_RANGE_DB = 6.0


@dataclass(frozen=True)
class Augmentation:
    """How much training features are changed; by default not at all.

    Attributes
    ----------
    mix : float
        Probability that an example is mixed with another one of its batch. The powers add, the second one
        at -6 to 6 dB, and the labels unite: a class is present if it is in either, and known to be absent
        only if it is in both.
    roll : int
        Shift in frequency by up to so many bins, up or down; the outermost bin fills the gap.
    mask : float
        Hide two bands of bins and two stretches of frames, each up to this part of the whole, behind the
        mean (Park et al. 2019, "SpecAugment").
    """

    mix: float = 0.0
    roll: int = 0
    mask: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.mix <= 1:
            raise UsageError(f"a mixing probability of {self.mix:g} makes no sense", "choose one from 0 to 1")
        if self.roll < 0:
            raise UsageError(f"a roll of {self.roll} bins makes no sense", "choose 0 or more")
        if not 0 <= self.mask < 1:
            raise UsageError(f"masks of {self.mask:g} of the whole make no sense", "choose 0 to 0.99")


@dataclass(frozen=True)
class Decibels:
    """What the front end did after it had decibels: it has to be done again after mixing.

    Attributes
    ----------
    relative : bool
        0 dB is the loudest cell of the example.
    top_db : float or None
        Range kept below the loudest cell.
    """

    relative: bool
    top_db: float | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Decibels:
        """Return what the configuration of a front end says.

        Raises
        ------
        UsageError
            If its features are not in decibels.
        """
        if config.get("scale") != "db":
            hint = "mix audio with im-mix, or compute features with --scale db"
            raise UsageError(f"features in scale {config.get('scale')!r} cannot be mixed in training", hint)
        return cls(config["ref"] == "max", config["top_db"])

    def mix(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        """Return the features of two signals at equal level, the second raised by a gain.

        Parameters
        ----------
        first, second : Tensor, shape (batch, bins, frames)
            In dB. Where the signals were brought to the same RMS, so is the mix.
        gain_db : Tensor, shape (batch,)
            Of the second.
        """
        gain = gain_db[:, None, None]
        total = 1 + 10 ** (gain / 10)
        levels = torch.logaddexp2(first * _LOG2_OF_DB, (second + gain) * _LOG2_OF_DB) / _LOG2_OF_DB
        levels = levels - 10 * total.log10()
        loudest = levels.amax(dim=(1, 2), keepdim=True)
        if self.top_db is not None:
            levels = torch.maximum(levels, loudest - self.top_db)
        return levels - loudest if self.relative else levels


_LOG2_OF_DB = 0.33219280948873626  # 10 ** (x / 10) == 2 ** (x * _LOG2_OF_DB)


def mix_examples(
    features: Tensor,
    present: Tensor,
    known: Tensor,
    probability: float,
    decibels: Decibels,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Mix some examples of a batch with others of it; see `Augmentation.mix`.

    Parameters
    ----------
    features : Tensor, shape (batch, bins, frames)
        In dB, not standardised.
    present, known : Tensor of bool, shape (batch, classes)
        The labels, and which of them are known.
    """
    count = len(features)
    chosen = (torch.rand(count, generator=generator) < probability).nonzero()[:, 0]
    partners = torch.randperm(count, generator=generator)[chosen]
    gain = (torch.rand(count, generator=generator)[chosen] * 2 - 1) * _MIX_RANGE_DB
    if not len(chosen):
        return features, present, known
    device = features.device
    chosen, partners, gain = chosen.to(device), partners.to(device), gain.to(device)
    union = present[chosen] | present[partners]
    mixed = features.clone(), present.clone(), known.clone()
    mixed[0][chosen] = decibels.mix(features[chosen], features[partners], gain)
    mixed[1][chosen] = union
    mixed[2][chosen] = (known[chosen] & known[partners]) | union
    return mixed


def roll_bins(features: Tensor, largest: int, generator: torch.Generator) -> Tensor:
    """Shift each example in frequency by a random number of bins; see `Augmentation.roll`."""
    count, bins, frames = features.shape
    shifts = torch.randint(-largest, largest + 1, (count, 1), generator=generator)
    sources = (torch.arange(bins) - shifts).clamp(0, bins - 1).to(features.device)
    return features.gather(1, sources[:, :, None].expand(-1, -1, frames))


def mask_bands(features: Tensor, part: float, generator: torch.Generator) -> Tensor:
    """Hide bands and stretches of each standardised example behind 0, the mean; see `Augmentation.mask`."""
    count, bins, frames = features.shape
    hidden_bins = _spans(count, bins, part, generator)[:, :, None]
    hidden_frames = _spans(count, frames, part, generator)[:, None, :]
    return features.masked_fill((hidden_bins | hidden_frames).to(features.device), 0.0)


def _spans(count: int, size: int, part: float, generator: torch.Generator) -> Tensor:
    """Return random runs as a mask: bool of shape (count, size)."""
    lengths = (torch.rand(count, _MASKS, 1, generator=generator) * (part * size + 1)).floor()
    starts = (torch.rand(count, _MASKS, 1, generator=generator) * (size - lengths + 1)).floor()
    places = torch.arange(size)
    return ((places >= starts) & (places < starts + lengths)).any(dim=1)
