"""Mixing training examples with each other: as sound, or as what a front end gives of it."""

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
    """From two examples of each pair and the gain of the second, (pairs,) in dB, to their mix."""

    def __call__(self, first: Tensor, second: Tensor, gain_db: Tensor) -> Tensor:
        """Return the mixes."""


class Scale(Mixing, Protocol):
    """What the numbers of a spectrum stand for, so that they can be mixed and filtered."""

    def filter(self, features: Tensor, gain_db: Tensor) -> Tensor:
        """Return features (batch, bins, frames) with a gain for each bin, (batch, bins) in dB."""


def mix_waveforms(
    waveforms: Tensor,
    targets: Tensor,
    known: Tensor,
    probability: float,
    generator: torch.Generator,
    voices: int = 2,
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
    probability, voices
        As for `mix_examples`.
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
    """Mix some examples of a batch with others of it; see `Augmentation.mix`.

    Parameters
    ----------
    examples : Tensor, shape (batch, ...)
        What ``mixing`` mixes.
    targets, known, generator
        As for `Augmenter`.
    probability : float
        That an example gets a second voice, and, drawn anew, a third, and so on.
    mixing : callable
        See `scale_of`.
    voices : int
        The most that are overlaid.
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
    return _Samples(config) if config["kind"] == "waveform" else scale_of(config)


def scale_of(config: Mapping[str, Any]) -> Scale:
    """Return what the numbers of a front end stand for.

    Parameters
    ----------
    config : mapping
        As for `mixing_of`.

    Raises
    ------
    UsageError
        If they are no powers or magnitudes of bins, nor their logarithms.
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
    """Logarithms of powers; what the front end did after the logarithm has to be done again.

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
