"""The feature stage: records in, rows of an array out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import FeatureError
from ..features.base import FrontEnd
from ..features.sidecar import describe
from ..features.store import ShardWriter
from ..manifest import FeatureRef, Record
from ..mix import load_any
from ..run import Stage

Waveform = NDArray[np.float32]


class FeatureStage(Stage[Waveform]):
    """Loads waveforms in workers, transforms them in batches, appends the rows in input order.

    Parameters
    ----------
    front_end : FrontEnd
        On the device where it is to compute.
    folder : Path
        Where the arrays go.
    dtype : str
        ``"float32"`` or ``"float16"``.
    batch_size : int
        Records in a batch.
    """

    prepare_step = "decode"
    process_step = "features"

    def __init__(self, front_end: FrontEnd, folder: Path, dtype: str, batch_size: int) -> None:
        self.group_size = batch_size
        self._front_end = front_end
        self._folder, self._dtype = folder, dtype
        self._writer: ShardWriter

    def begin(self, kept: Iterator[Record]) -> None:
        """Open the store after the last row that an earlier run committed."""
        kind = self._front_end.kind
        last: FeatureRef | None = None
        for record in kept:
            last = record.features.get(kind, last)
        self._writer = ShardWriter.resume(self._folder, kind, self._dtype, last)
        describe(self._folder, self._front_end)

    def prepare(self, record: Record) -> Waveform:
        """Load one record as mono at the front end's rate: float32 of shape (num_samples,).

        Raises
        ------
        AudioError
            If it cannot be decoded.
        FeatureError
            If it is too short for one frame, or its audio is not to be had.
        """
        if record.audio is None and not record.mix:
            hint = "take the features that it has, or give records with audio"
            raise FeatureError(f"record {record.id}: has no audio to compute features from", hint)
        waveform = load_any(record.at_rate(self._front_end.sampling_rate), mono=True)
        if len(waveform) < self._front_end.min_samples:
            message = f"record {record.id}: {len(waveform)} samples are too few"
            raise FeatureError(message, f"give at least {self._front_end.min_samples}")
        return waveform

    def process(self, records: list[Record], prepared: list[Waveform]) -> list[list[Record]]:
        """Transform a group: waveforms of equal length share a batch."""
        rows = self._transform(prepared)
        # Nothing is stored before everything is computed.
        refs: list[FeatureRef] = []
        for start, stop in _runs([row.shape for row in rows]):
            refs += self._writer.append(np.stack(rows[start:stop]), self._front_end.config_hash)
        self._writer.flush()
        kind = self._front_end.kind
        return [
            [record.replace(features=record.features | {kind: ref})]
            for record, ref in zip(records, refs, strict=True)
        ]

    def _transform(self, waveforms: list[Waveform]) -> list[NDArray[np.float32]]:
        by_length: dict[int, list[int]] = {}
        for index, waveform in enumerate(waveforms):
            by_length.setdefault(len(waveform), []).append(index)
        rows: dict[int, NDArray[np.float32]] = {}
        device = next(self._front_end.buffers()).device
        with torch.inference_mode():
            for indices in by_length.values():
                batch = torch.from_numpy(np.stack([waveforms[i] for i in indices])).to(device)
                rows.update(zip(indices, self._front_end(batch).cpu().numpy(), strict=True))
        return [rows[index] for index in range(len(waveforms))]

    def end(self) -> None:
        """Close the arrays: from now on any reader of NumPy files understands them."""
        self._writer.close()


def _runs(shapes: list[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Yield the bounds of each run of equal neighbours."""
    start = 0
    for index in range(1, len(shapes) + 1):
        if index == len(shapes) or shapes[index] != shapes[start]:
            yield start, index
            start = index
