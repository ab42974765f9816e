"""Random changes of training examples: mixing, shifts in frequency, masks, mixup.

All random numbers come from one generator on the CPU, so that a seed means the same on every device; they
are copied to a GPU without waiting for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import UsageError
from ...features import from_config

_MASKS = 2  # of each kind
_MIX_RANGE_DB = 6.0
_LOG2_OF_DB = math.log2(10) / 10  # 10 ** (x / 10) == 2 ** (x * _LOG2_OF_DB)

Batch = tuple[Tensor, Tensor, Tensor]
"""Examples (batch, ...), their targets from 0 to 1, and which of these are known, (batch, classes) both."""

Mixing = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From two examples of each pair and the gain of the second, (pairs,) in dB, to their mix."""


@dataclass(frozen=True)
class Augmentation:
    """How much training examples are changed; by default not at all.

    Attributes
    ----------
    mix : float
        Probability that an example is mixed with another one of its batch, the second at -6 to 6 dB. Samples
        add, or powers, as those of unrelated sounds do on average; the labels unite: a class is present if
        it is in either, and known to be absent only if it is in both.
    roll : int
        Shift in frequency by up to so many bins, up or down; the outermost bin fills the gap. In a
        chromagram what leaves at one end comes in at the other.
    mask : float
        Hide two bands of bins and two stretches of frames, each up to this part of the whole, behind the
        mean (Park et al. 2019, "SpecAugment").
    mixup : float
        Blend each standardised example, and its targets, with another one of its batch: parts from a Beta
        distribution with both parameters of this value (Zhang et al. 2018); 0: do not. What is unknown in
        either is unknown in the blend, whose target would lie anywhere within the other's part.
    """

    mix: float = 0.0
    roll: int = 0
    mask: float = 0.0
    mixup: float = 0.0

    def without_mix(self) -> Augmentation:
        """Return the rest of it, where sounds have been mixed already."""
        return replace(self, mix=0.0)

    def __post_init__(self) -> None:
        if not 0 <= self.mix <= 1:
            raise UsageError(f"a mixing probability of {self.mix:g} makes no sense", "choose one from 0 to 1")
        if self.roll < 0:
            raise UsageError(f"a roll of {self.roll} bins makes no sense", "choose 0 or more")
        if not 0 <= self.mask < 1:
            raise UsageError(f"masks of {self.mask:g} of the whole make no sense", "choose 0 to 0.99")
        if not 0 <= self.mixup < math.inf:
            raise UsageError(f"a mixup of {self.mixup:g} makes no sense", "choose 0 or more, such as 0.2")


class Augmenter:
    """Changes and standardises the features of training examples.

    Parameters
    ----------
    augmentation : Augmentation
        How much.
    front_end_config : mapping
        Configuration of the front end that the features are from.
    mean, std : float
        With which features are standardised.

    Raises
    ------
    UsageError
        If such features cannot be changed that way.
    """

    def __init__(
        self, augmentation: Augmentation, front_end_config: Mapping[str, Any], mean: float, std: float
    ) -> None:
        kind = front_end_config["kind"]
        if augmentation.roll and kind in ("waveform", "rolloff"):
            raise UsageError(f"{kind!r} features have a single bin, which cannot roll", "set the roll to 0")
        self._augmentation, self._circular = augmentation, kind == "chroma"
        self._mean, self._std = mean, std
        self._mixing = mixing_of(front_end_config) if augmentation.mix else None

    def __call__(self, features: Tensor, targets: Tensor, known: Tensor, generator: torch.Generator) -> Batch:
        """Return changed examples, standardised.

        Parameters
        ----------
        features : Tensor, shape (batch, bins, frames)
            As the front end gives them. Nothing that is handed over is written to.
        targets : Tensor of float, shape (batch, classes)
            0 for absent, 1 for present; 0 where unknown.
        known : Tensor of bool, shape (batch, classes)
            Which of the targets are known.
        generator : torch.Generator
            Of the CPU, wherever the features are.
        """
        change = self._augmentation
        if self._mixing is not None:
            features, targets, known = mix_examples(
                features, targets, known, change.mix, self._mixing, generator
            )
        if change.roll:
            features = roll_bins(features, change.roll, generator, circular=self._circular)
        features = (features - self._mean) / self._std
        if change.mask:
            features = mask_bands(features, change.mask, generator)
        if change.mixup:
            features, targets, known = mixup(features, targets, known, change.mixup, generator)
        return features, targets, known


def mix_waveforms(
    waveforms: Tensor, targets: Tensor, known: Tensor, probability: float, generator: torch.Generator
) -> Batch:
    """Mix some waveforms of a batch with others of it, before a front end; see `Augmentation.mix`.

    Both are brought to the same RMS before the gain, and the mix to about that of the first. Silence adds
    nothing and takes nothing away.

    Parameters
    ----------
    waveforms : Tensor, shape (batch, samples)
        On any device.
    targets, known, generator
        As for `Augmenter`.
    probability : float
        That a waveform is mixed.
    """
    return mix_examples(waveforms, targets, known, probability, _mix_samples, generator)


def mix_examples(
    examples: Tensor,
    targets: Tensor,
    known: Tensor,
    probability: float,
    mixing: Mixing,
    generator: torch.Generator,
) -> Batch:
    """Mix some examples of a batch with others of it; see `Augmentation.mix`.

    Parameters
    ----------
    examples : Tensor, shape (batch, ...)
        What ``mixing`` mixes.
    targets, known, generator
        As for `Augmenter`.
    probability : float
        That an example is mixed.
    mixing : callable
        See `mixing_of`.
    """
    count = len(examples)
    chosen = (torch.rand(count, generator=generator) < probability).nonzero()[:, 0]
    partners = torch.randperm(count, generator=generator)[chosen]
    gain = (torch.rand(count, generator=generator)[chosen] * 2 - 1) * _MIX_RANGE_DB
    if not len(chosen):
        return examples, targets, known
    chosen, partners, gain = (
        part.to(examples.device, non_blocking=True) for part in (chosen, partners, gain)
    )
    union = torch.maximum(targets[chosen], targets[partners])
    mixed = examples.clone(), targets.clone(), known.clone()
    mixed[0][chosen] = mixing(examples[chosen], examples[partners], gain)
    mixed[1][chosen] = union
    mixed[2][chosen] = (known[chosen] & known[partners]) | (union >= 1)
    return mixed


def mixing_of(config: Mapping[str, Any]) -> Mixing:
    """Return how to mix the features of a front end.

    They are taken for those of signals at equal level, as they are after normalisation (or where 0 dB is the
    loudest cell, as far as that goes); of two signals of equal RMS, the mix has this RMS, too.

    Parameters
    ----------
    config : mapping
        Configuration of the front end, with its kind and every parameter.

    Raises
    ------
    UsageError
        If its features do not tell what those of a mix are.
    """
    if config["kind"] == "waveform":
        return _Samples(config)
    scale, power = config.get("scale"), config.get("power", 1)
    if scale == "db":
        return _Levels(_LOG2_OF_DB, config["ref"] == "max", config["top_db"])
    if scale == "log":
        return _Levels(2 / power / math.log(2), relative=False, top_db=None)
    if scale == "linear":
        return _Amounts(power)
    hint = "mix audio: with im-mix, or the waveforms before the front end"
    raise UsageError(f"{config['kind']!r} features cannot be mixed in training", hint)


@dataclass(frozen=True)
class _Levels:
    """Mixing of logarithms of powers; what the front end did after the logarithm has to be done again.

    Attributes
    ----------
    log2 : float
        Logarithm to the base 2 of the power that one unit stands for.
    relative : bool
        0 is the loudest cell of the example.
    top_db : float or None
        Range kept below the loudest cell.
    """

    log2: float
    relative: bool
    top_db: float | None

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        raised = second * self.log2 + gain_db[:, None, None] * _LOG2_OF_DB
        levels = torch.logaddexp2(first * self.log2, raised) / self.log2
        levels = levels - (_total(gain_db).log2() / self.log2)[:, None, None]
        loudest = levels.amax(dim=(1, 2), keepdim=True)
        if self.top_db is not None:
            levels = torch.maximum(levels, loudest - self.top_db)
        return levels - loudest if self.relative else levels


@dataclass(frozen=True)
class _Amounts:
    """Mixing of magnitudes (``power`` 1) or powers (2)."""

    power: int

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        gain, total = (10 ** (gain_db / 10))[:, None, None], _total(gain_db)[:, None, None]
        if self.power == 1:
            return torch.hypot(first, second * gain.sqrt()) / total.sqrt()
        return (first + second * gain) / total


class _Samples:
    """Mixing of waveforms that a front end has normalised, and normalises again."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._front_end = from_config(config)

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        front_end = self._front_end.to(first.device)
        mixed: Tensor = front_end(_mix_samples(first[:, 0], second[:, 0], gain_db))
        return mixed


def _mix_samples(first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
    """Mix waveforms (pairs, samples) at equal RMS, but for the gain; see `mix_waveforms`."""
    amplitude = (10 ** (gain_db / 20))[:, None]
    levels = [x.square().mean(dim=1, keepdim=True).sqrt() for x in (first, second)]
    sounding = [level > 0 for level in levels]
    one, other = (
        x / torch.where(level > 0, level, 1.0) for x, level in zip((first, second), levels, strict=True)
    )
    power = sounding[0] + amplitude.square() * sounding[1]
    level = torch.where(sounding[0], levels[0], levels[1])
    return (one + amplitude * other) * (level / torch.where(power > 0, power, 1.0).sqrt())


def _total(gain_db: Tensor) -> Tensor:
    """Return the power of two unrelated signals together, relative to that of the first."""
    return 1 + 10 ** (gain_db / 10)


def roll_bins(
    features: Tensor, largest: int, generator: torch.Generator, *, circular: bool = False
) -> Tensor:
    """Shift each example in frequency by a random number of bins; see `Augmentation.roll`."""
    count, bins, frames = features.shape
    shifts = torch.randint(-largest, largest + 1, (count, 1), generator=generator)
    sources = torch.arange(bins) - shifts
    sources = sources % bins if circular else sources.clamp(0, bins - 1)
    sources = sources.to(features.device, non_blocking=True)
    return features.gather(1, sources[:, :, None].expand(-1, -1, frames))


def mask_bands(features: Tensor, part: float, generator: torch.Generator) -> Tensor:
    """Hide bands and stretches of each standardised example behind 0, the mean; see `Augmentation.mask`."""
    count, bins, frames = features.shape
    hidden_bins, hidden_frames = (
        _spans(count, size, part, generator).to(features.device, non_blocking=True) for size in (bins, frames)
    )
    return features.masked_fill(hidden_bins[:, :, None] | hidden_frames[:, None, :], 0.0)


def _spans(count: int, size: int, part: float, generator: torch.Generator) -> Tensor:
    """Return random runs as a mask: bool of shape (count, size)."""
    longest = math.floor(part * size)  # 0 for the single bin of a waveform
    lengths = (torch.rand(count, _MASKS, 1, generator=generator) * (longest + 1)).floor()
    starts = (torch.rand(count, _MASKS, 1, generator=generator) * (size - lengths + 1)).floor()
    places = torch.arange(size)
    return ((places >= starts) & (places < starts + lengths)).any(dim=1)


def mixup(
    features: Tensor, targets: Tensor, known: Tensor, alpha: float, generator: torch.Generator
) -> Batch:
    """Blend each standardised example of a batch with another one of it; see `Augmentation.mixup`."""
    count = len(features)
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    # By numpy: torch draws from a Beta distribution with its global generator alone.
    parts = torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float()
    partners = torch.randperm(count, generator=generator)
    parts, partners = (drawn.to(features.device, non_blocking=True) for drawn in (parts, partners))
    blended = features[partners].lerp(features, parts[:, None, None])
    return blended, targets[partners].lerp(targets, parts[:, None]), known & known[partners]
