"""Waveforms as rows: for features that are computed for each batch, after waveforms have been mixed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ...arrays import Float32Array, IntArray
from ...features import from_config
from ...features.front_ends.base import FrontEnd
from ...manifest import Record
from ...sound.render import load_sound


def bare_sound(front_end: FrontEnd) -> FrontEnd:
    """Return the front end of unchanged samples at the sampling rate of another one."""
    return from_config({"kind": "waveform", "sampling_rate": front_end.sampling_rate, "normalize": "none"})


class WaveformRows:
    """The waveforms of records, loaded or rendered each time they are read.

    For sets that are too large for memory; others are kept in it by
    `imtools.train.examples.waveforms.FeatureCollector`.

    Parameters
    ----------
    front_end : FrontEnd
        As `bare_sound` returns it.
    records : sequence of Record
        At least one, with sound, all of one length at the front end's rate.
    jobs : int
        Threads that load.
    """

    def __init__(self, front_end: FrontEnd, records: Sequence[Record], *, jobs: int = 1) -> None:
        self.front_end = front_end
        self._records = [record.at_rate(front_end.sampling_rate) for record in records]
        self.shape = (1, self._records[0].num_samples)
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="sound")

    def __len__(self) -> int:
        return len(self._records)

    def read(self, indices: IntArray) -> Float32Array:
        """Return some rows, float32 of shape (len(indices), 1, samples); see `FeatureRows`.

        Raises
        ------
        AudioError, ManifestError
            If a sound can no longer be loaded.
        """
        waveforms = list(self._threads.map(load_sound, [self._records[i] for i in indices]))
        return np.stack(waveforms).astype(np.float32, copy=False)[:, None]
