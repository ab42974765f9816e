"""The feature stage: records in, rows of an array out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from ..device import tune_malloc
from ..errors import FeatureError
from ..features.batches import Array, for_front_end, transformed
from ..features.front_ends.base import FrontEnd
from ..features.sidecar import describe
from ..features.store import ShardWriter
from ..features.streaming import stream
from ..manifest import FeatureRef, Record
from ..mix import RecordReader, load_any
from ..run import Stage, is_fatal
from ..run.workers import ordered_map

SHORT = 2**19
"""Samples up to which a record is loaded by a worker and shares a batch (24 s at 22050 Hz)."""

ROW = 2**21
"""Values up to which its features are kept until the group is stored (8 MiB)."""

HELD = 2**24
"""Samples up to which a longer one is decoded once and kept; it is read twice (13 minutes, 64 MiB)."""


class FeatureStage(Stage[Array | RecordReader]):
    """Loads waveforms in workers, transforms them in batches, appends the rows in input order.

    Long records pass through slice by slice, straight into the array: memory grows neither with their
    length nor with their number.

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
    jobs : int
        Threads that decode.
    """

    prepare_step = "decode"
    process_step = "features"

    def __init__(self, front_end: FrontEnd, folder: Path, dtype: str, batch_size: int, jobs: int) -> None:
        self.group_size = batch_size
        self._front_end = front_end
        self._folder, self._dtype, self._jobs = folder, dtype, jobs
        self._writer: ShardWriter
        if front_end.device.type == "cpu":
            tune_malloc()

    def begin(self, kept: Iterator[Record]) -> None:
        """Open the store after the last row that an earlier run committed."""
        kind = self._front_end.kind
        last: FeatureRef | None = None
        for record in kept:
            last = record.features.get(kind, last)
        self._writer = ShardWriter.resume(self._folder, kind, self._dtype, last)
        describe(self._folder, self._front_end)

    def prepare(self, record: Record) -> Array | RecordReader:
        """Load one record as mono at the front end's rate, or get ready to read it if it is long.

        Raises
        ------
        AudioError
            If it cannot be decoded.
        FeatureError
            If it is too short or too long, or its audio is not to be had.
        """
        record = for_front_end(record, self._front_end)
        values = self._front_end.bins * self._front_end.frames(record.num_samples)
        short = record.num_samples <= SHORT and values <= ROW
        at_once = short or self._front_end.reach is None
        return load_any(record) if at_once else RecordReader(record)

    def process(
        self, records: list[Record], prepared: list[Array | RecordReader]
    ) -> list[list[Record] | Exception]:
        """Transform a group: waveforms of equal length share a batch."""
        # Nothing is stored before all that fits into memory is computed.
        waveforms = {n: one for n, one in enumerate(prepared) if isinstance(one, np.ndarray)}
        rows = transformed(self._front_end, waveforms)
        readers = ordered_map(
            _hold,
            [one for one in prepared if isinstance(one, RecordReader)],
            min(self._jobs, 2),
            ahead=2,  # each may hold ``HELD`` samples
        )
        refs: list[FeatureRef | Exception] = []
        for shape, run in groupby(range(len(records)), lambda n: rows[n].shape if n in rows else None):
            if shape is None:
                refs += [self._store_long(next(readers)) for _ in run]
            else:
                refs += self._store([rows[n] for n in run])
        self._writer.flush()
        kind = self._front_end.kind
        return [
            ref if isinstance(ref, Exception) else [record.replace(features=record.features | {kind: ref})]
            for record, ref in zip(records, refs, strict=True)
        ]

    def _store(self, rows: list[Array]) -> list[FeatureRef | Exception]:
        """Append rows of one shape; those that cannot be stored give their errors."""
        try:
            return list(self._writer.append(np.stack(rows), self._front_end.config_hash))
        except FeatureError as error:
            return [error] if len(rows) == 1 else [one for row in rows for one in self._store([row])]

    def _store_long(self, reader: RecordReader | Exception) -> FeatureRef | Exception:
        """Transform and append one long record, slice by slice."""
        if isinstance(reader, Exception):
            return reader
        front_end, length = self._front_end, reader.num_samples
        shape = (front_end.bins, front_end.frames(length))
        try:
            features = stream(front_end, length, reader.read)
            return self._writer.append_row(shape, features, front_end.config_hash)
        except Exception as error:
            if is_fatal(error):
                raise
            return error

    def end(self) -> None:
        """Close the arrays: from now on any reader of NumPy files understands them."""
        self._writer.close()


def _hold(reader: RecordReader) -> RecordReader | Exception:
    """Let a reader keep its samples if they are not too many (in a worker thread)."""
    try:
        if reader.num_samples <= HELD:
            reader.hold()
    except Exception as error:
        if is_fatal(error):
            raise
        return error
    return reader
