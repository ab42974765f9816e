"""The CQT chromagram, with the numbers of ``librosa.feature.chroma_cqt`` but in batches."""

from __future__ import annotations

import torch
from torch import Tensor

from ..dsp.filters import chroma_folding
from ..parameters import ChromaParameters
from .base import FrontEnd
from .cqt import ConstantQ


class Chromagram(FrontEnd):
    """Magnitudes of the constant-Q transform summed over octaves into pitch classes, each frame normalised.

    The sums are within 1e-5 of the maximum of those of ``librosa.feature.chroma_cqt`` with the same
    parameters, ``tuning`` given, as far as `ConstantQ` promises; dividing each frame by its own norm
    magnifies the rounding of the quiet ones.

    Parameters
    ----------
    parameters : ChromaParameters
        The defaults are librosa's, except for the tuning, which is not estimated.
    """

    kind = "chroma"
    version = 1

    def __init__(self, parameters: ChromaParameters) -> None:
        super().__init__(parameters)
        self.cqt = ConstantQ(parameters.transform)
        self.hop_length, self.grid, self.reach = self.cqt.hop_length, self.cqt.grid, self.cqt.reach
        self.min_samples = self.cqt.min_samples
        self._threshold, self._norm = parameters.threshold, parameters.norm
        folding = chroma_folding(
            parameters.transform.n_bins, parameters.bins_per_octave, parameters.n_chroma, parameters.fmin
        )
        self.register_buffer("folding", torch.from_numpy(folding), persistent=False)
        self.folding: Tensor

    def frames(self, num_samples: int) -> int:
        """Return the number of frames that a waveform of that many samples gives."""
        return self.cqt.frames(num_samples)

    def transform(self, waveforms: Tensor) -> Tensor:
        """Return the summed magnitudes of waveforms (batch, samples) as (batch, n_chroma, frames)."""
        return self.folding @ self.cqt.transform(waveforms)

    def finish(self, transformed: Tensor, peaks: Tensor | None) -> Tensor:
        """Apply the threshold, then divide each non-silent frame by its norm; see `FrontEnd.finish`."""
        sums = torch.where(transformed < self._threshold, 0.0, transformed)
        if self._norm == "none":
            return sums
        if self._norm == "max":
            size = sums.amax(dim=1, keepdim=True)
        elif self._norm == "sum":
            size = sums.sum(dim=1, keepdim=True)
        else:
            size = torch.linalg.vector_norm(sums, dim=1, keepdim=True)
        return sums / torch.where(size > torch.finfo(size.dtype).tiny, size, 1.0)
