"""Random changes of training examples: of each for itself, mixes of several, masks, mixup."""

from .augmenter import Augmenter, BatchAugmentation
from .mixing import mix_waveforms

__all__ = ["Augmenter", "BatchAugmentation", "mix_waveforms"]
