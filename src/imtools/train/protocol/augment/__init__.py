"""Random changes of training examples: of each for itself, mixes of several, masks, mixup."""

from .augmenter import Augmentation, Augmenter
from .mixing import mix_waveforms

__all__ = ["Augmentation", "Augmenter", "mix_waveforms"]
