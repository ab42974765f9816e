"""How training examples are changed at random."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ....errors import UsageError
from .changes import (
    Batch,
    crop_frames,
    filter_gains,
    mask_bands,
    mixup,
    roll_bins,
    shift_frames,
)
from .mixing import mix_examples, mixing_of, scale_of

CROP_UNTIL = 0.8
"""From this part of the epochs on, examples are not cropped."""


@dataclass(frozen=True)
class BatchAugmentation:
    """How training examples are changed at random; by default not at all.

    Attributes
    ----------
    mix : float
        Probability that an example is mixed with another one of its batch, the second at -6 to 6 dB. Samples
        are added, or powers, as those of unrelated sounds on average; labels are united: a class is present
        if it is in either, and known to be absent only if it is in both.
    voices : int
        Maximum number of examples in a mix: with 3, a third is added with the same probability as a second.
    crop : float
        Use only a section of each example, this part of its length, from a random position; 0: all of it.
        Shorter examples are faster to train on. In the last fifth of the epochs they are whole, as in
        prediction.
    shift : bool
        Rotate each example in time by a random number of frames.
    equalize : float
        Filter each example by a smooth random curve of about this many dB (RMS).
    roll : int
        Shift in frequency by up to this many bins, up or down; the outermost bin fills the gap. Chromagrams
        are rotated.
    mask : float
        Replace two bands of bins and two runs of frames, each up to this part of the whole, by the mean
        (Park et al. 2019, "SpecAugment").
    mixup : float
        Blend each standardised example, and its targets, with another one of its batch, in proportions from
        a Beta distribution with both parameters of this value (Zhang et al. 2018); 0: do not. What is
        unknown in either is unknown in the blend.
    """

    mix: float = 0.0
    voices: int = 2
    crop: float = 0.0
    shift: bool = False
    equalize: float = 0.0
    roll: int = 0
    mask: float = 0.0
    mixup: float = 0.0

    def without_mix(self) -> BatchAugmentation:
        """Return the other changes, for waveforms that have been mixed already."""
        return replace(self, mix=0.0)

    def __post_init__(self) -> None:
        if not 0 <= self.mix <= 1:
            raise UsageError(f"a mixing probability of {self.mix:g} makes no sense", "choose one from 0 to 1")
        if self.voices < 2:
            raise UsageError(f"mixes of {self.voices} make no sense", "choose 2 or more")
        if not 0 <= self.crop <= 1:
            raise UsageError(f"a crop to {self.crop:g} of the whole makes no sense", "choose 0 to 1")
        if not 0 <= self.equalize < math.inf:
            raise UsageError(f"filters of {self.equalize:g} dB make no sense", "choose 0 or more, such as 3")
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
    augmentation : BatchAugmentation
        What to change, and how much.
    front_end_config : mapping
        Configuration of the front end that the features are from.
    mean, std : float
        Used to standardise features.

    Raises
    ------
    UsageError
        If features of this front end cannot be changed in this way.
    """

    def __init__(
        self, augmentation: BatchAugmentation, front_end_config: Mapping[str, Any], mean: float, std: float
    ) -> None:
        kind = front_end_config["kind"]
        if augmentation.roll and kind in ("waveform", "rolloff"):
            raise UsageError(f"{kind!r} features have a single bin, which cannot roll", "set the roll to 0")
        self._augmentation, self._circular = augmentation, kind == "chroma"
        self._mean, self._std = mean, std
        self._mixing = mixing_of(front_end_config) if augmentation.mix else None
        self._scale = scale_of(front_end_config) if augmentation.equalize else None

    def __call__(
        self,
        features: Tensor,
        targets: Tensor,
        known: Tensor,
        generator: torch.Generator,
        done: float = 0.0,
    ) -> Batch:
        """Return changed and standardised examples.

        Parameters
        ----------
        features : Tensor, shape (batch, bins, frames)
            As the front end computes them. No argument is modified.
        targets : Tensor of float, shape (batch, classes)
            0 for absent, 1 for present; 0 where unknown.
        known : Tensor of bool, shape (batch, classes)
            Which of the targets are known.
        generator : torch.Generator
            On the CPU, wherever the features are.
        done : float
            The part of the epochs that are done.

        Returns
        -------
        features, targets, known : Tensor
            Like the arguments.
        """
        change = self._augmentation
        # Single examples first: then the voices of a mix are changed independently.
        if change.crop and done < CROP_UNTIL:
            features = crop_frames(features, change.crop, generator)
        if change.shift:
            features = shift_frames(features, generator)
        if change.roll:
            features = roll_bins(features, change.roll, generator, circular=self._circular)
        if self._scale is not None:
            gains = filter_gains(len(features), features.shape[1], change.equalize, generator)
            features = self._scale.filter(features, gains.to(features.device, non_blocking=True))
        if self._mixing is not None:
            features, targets, known = mix_examples(
                features, targets, known, change.mix, self._mixing, generator, change.voices
            )
        features = (features - self._mean) / self._std
        if change.mask:
            features = mask_bands(features, change.mask, generator)
        if change.mixup:
            features, targets, known = mixup(features, targets, known, change.mixup, generator)
        return features, targets, known
