"""Random changes of training examples: of each one, mixes of several, masks, mixup."""

from .augmenter import Augmenter, BatchAugmentation
from .changes import Batch
from .mixing import mix_waveforms

__all__ = ["Augmenter", "Batch", "BatchAugmentation", "mix_waveforms"]
