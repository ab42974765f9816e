"""Mixing training examples with each other: as waveforms, or as features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ....errors import UsageError
from ....features import from_config
from .changes import Batch

_MIX_RANGE_DB = 6.0
_LOG2_OF_DB = math.log2(10) / 10  # 10 ** (x / 10) == 2 ** (x * _LOG2_OF_DB)


class Mixing(Protocol):
    """A way to mix examples."""

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        """Return the mixes of some pairs of examples.

        Parameters
        ----------
        first, second : Tensor, shape (pairs, ...)
            The examples.
        gain_db : Tensor, shape (pairs,)
            Gain of the second ones, in dB.

        Returns
        -------
        Tensor, shape (pairs, ...)
            The mixes.
        """


class SpectrumScale(Mixing, Protocol):
    """The scale of the values of a spectrum: how to mix and filter them."""

    def filter(self, features: Tensor, gain_db: Tensor) -> Tensor:
        """Return filtered features.

        Parameters
        ----------
        features : Tensor, shape (batch, bins, frames)
            The examples.
        gain_db : Tensor, shape (batch, bins)
            Gain of each bin, in dB.

        Returns
        -------
        Tensor, shape (batch, bins, frames)
            The filtered examples.
        """


def mix_waveforms(
    waveforms: Tensor,
    targets: Tensor,
    known: Tensor,
    probability: float,
    generator: torch.Generator,
    voices: int = 2,
) -> Batch:
    """Mix some waveforms of a batch with others of it, before a front end; see `BatchAugmentation.mix`.

    Both are scaled to the same RMS before the gain, and the mix to about that of the first. Silence changes
    nothing.

    Parameters
    ----------
    waveforms : Tensor, shape (batch, samples)
        On any device.
    targets, known, generator
        As for `Augmenter`.
    probability, voices
        As for `mix_examples`.

    Returns
    -------
    waveforms, targets, known : Tensor
        Like the arguments.
    """
    return mix_examples(waveforms, targets, known, probability, _mix_samples, generator, voices)


def mix_examples(
    examples: Tensor,
    targets: Tensor,
    known: Tensor,
    probability: float,
    mixing: Mixing,
    generator: torch.Generator,
    voices: int = 2,
) -> Batch:
    """Mix some examples of a batch with others of it; see `BatchAugmentation.mix`.

    Parameters
    ----------
    examples : Tensor, shape (batch, ...)
        What ``mixing`` mixes.
    targets, known, generator
        As for `Augmenter`.
    probability : float
        That of a second voice and, drawn independently, of a third, and so on.
    mixing : Mixing
        See `mixing_of`.
    voices : int
        Maximum number of examples in a mix.

    Returns
    -------
    examples, targets, known : Tensor
        Like the arguments.
    """
    single = mixed = examples, targets, known
    for _ in range(voices - 1):
        mixed = _overlay(mixed, single, probability, mixing, generator)
    return mixed


def _overlay(
    batch: Batch, others: Batch, probability: float, mixing: Mixing, generator: torch.Generator
) -> Batch:
    """Mix some examples of a batch with some others."""
    examples, targets, known = batch
    count = len(examples)
    chosen = (torch.rand(count, generator=generator) < probability).nonzero()[:, 0]
    partners = torch.randperm(count, generator=generator)[chosen]
    gain = (torch.rand(count, generator=generator)[chosen] * 2 - 1) * _MIX_RANGE_DB
    if not len(chosen):
        return examples, targets, known
    chosen, partners, gain = (
        part.to(examples.device, non_blocking=True) for part in (chosen, partners, gain)
    )
    union = torch.maximum(targets[chosen], others[1][partners])
    mixed = examples.clone(), targets.clone(), known.clone()
    mixed[0][chosen] = mixing(examples[chosen], others[0][partners], gain)
    mixed[1][chosen] = union
    mixed[2][chosen] = (known[chosen] & others[2][partners]) | (union >= 1)
    return mixed


def mixing_of(config: Mapping[str, Any]) -> Mixing:
    """Return how to mix the features of a front end.

    They are treated as those of signals of equal level, as after normalisation (or, approximately, where
    0 dB is the loudest cell); the mix of two signals of equal RMS has the same RMS.

    Parameters
    ----------
    config : mapping
        Configuration of the front end, with its kind and every parameter.

    Returns
    -------
    Mixing
        For features of this front end.

    Raises
    ------
    UsageError
        If the features of a mix do not follow from its features.
    """
    return _Samples(config) if config["kind"] == "waveform" else scale_of(config)


def scale_of(config: Mapping[str, Any]) -> SpectrumScale:
    """Return the scale of the features of a front end.

    Parameters
    ----------
    config : mapping
        As for `mixing_of`.

    Returns
    -------
    SpectrumScale
        For features of this front end.

    Raises
    ------
    UsageError
        If they are neither powers nor magnitudes of bins, nor logarithms of these.
    """
    scale, power = config.get("scale"), config.get("power", 1)
    if scale == "db":
        return _Levels(_LOG2_OF_DB, config["ref"] == "max", config["top_db"])
    if scale == "log":
        return _Levels(2 / power / math.log(2), relative=False, top_db=None)
    if scale == "linear":
        return _Amounts(power)
    hint = "change audio: with im-mix or im-augment, or the waveforms before the front end"
    raise UsageError(f"{config['kind']!r} features cannot be mixed or filtered in training", hint)


@dataclass(frozen=True)
class _Levels:
    """Logarithms of powers; what the front end did after the logarithm is done again.

    Attributes
    ----------
    log2 : float
        Logarithm to the base 2 of the power ratio of one unit.
    relative : bool
        Whether 0 is the loudest cell of the example.
    top_db : float or None
        Range kept below the loudest cell.
    """

    log2: float
    relative: bool
    top_db: float | None

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        raised = second * self.log2 + gain_db[:, None, None] * _LOG2_OF_DB
        levels = torch.logaddexp2(first * self.log2, raised) / self.log2
        return self._completed(levels - (_total(gain_db).log2() / self.log2)[:, None, None])

    def filter(self, features: Tensor, gain_db: Tensor) -> Tensor:
        return self._completed(features + (gain_db * (_LOG2_OF_DB / self.log2))[:, :, None])

    def _completed(self, levels: Tensor) -> Tensor:
        loudest = levels.amax(dim=(1, 2), keepdim=True)
        if self.top_db is not None:
            levels = torch.maximum(levels, loudest - self.top_db)
        return levels - loudest if self.relative else levels


@dataclass(frozen=True)
class _Amounts:
    """Magnitudes (``power`` 1) or powers (2)."""

    power: int

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        gain, total = (10 ** (gain_db / 10))[:, None, None], _total(gain_db)[:, None, None]
        if self.power == 1:
            return torch.hypot(first, second * gain.sqrt()) / total.sqrt()
        return (first + second * gain) / total

    def filter(self, features: Tensor, gain_db: Tensor) -> Tensor:
        return features * (10 ** (gain_db * (self.power / 20)))[:, :, None]


class _Samples:
    """Mixing of waveforms that a front end has normalised; the mix is normalised again."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._front_end = from_config(config)

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        front_end = self._front_end.to(first.device)
        mixed: Tensor = front_end(_mix_samples(first[:, 0], second[:, 0], gain_db))
        return mixed


def _mix_samples(first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
    """Mix waveforms (pairs, samples), scaled to equal RMS before the gain; see `mix_waveforms`."""
    amplitude = (10 ** (gain_db / 20))[:, None]
    levels = [x.square().mean(dim=1, keepdim=True).sqrt() for x in (first, second)]
    audible = [level > 0 for level in levels]
    one, other = (
        x / torch.where(level > 0, level, 1.0) for x, level in zip((first, second), levels, strict=True)
    )
    power = audible[0] + amplitude.square() * audible[1]
    level = torch.where(audible[0], levels[0], levels[1])
    return (one + amplitude * other) * (level / torch.where(power > 0, power, 1.0).sqrt())


def _total(gain_db: Tensor) -> Tensor:
    """Return the power of the sum of two unrelated signals, relative to that of the first."""
    return 1 + 10 ** (gain_db / 10)
