"""The feature stage: records in, rows of an array out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float32Array
from ..atomic import replacing
from ..choices import FeatureDtype
from ..device import resolve_device, tune_malloc
from ..errors import FeatureError, is_fatal
from ..features import from_config
from ..features.batches import transformed
from ..features.front_ends.base import FrontEnd
from ..features.loading import MAX_DECODED_SAMPLES, load_or_read
from ..features.sidecar import describe
from ..features.store import ShardWriter
from ..features.streaming import SLICE, stream
from ..manifest import FeatureRef, Record
from ..parallel import ordered_map
from ..run import Blueprint, Options, Work
from ..sound.reader import RecordReader

SPOOL = ".long"
"""Folder in the output directory for the features of long records that workers elsewhere compute."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """Features in a file of their own, shape (bins, frames)."""

    path: str

    def slices(self) -> Iterator[Float32Array]:
        """Yield them, some frames at a time."""
        rows = np.load(self.path, mmap_mode="r")
        step = max(1, SLICE // rows.shape[0])
        for first in range(0, rows.shape[1], step):
            yield np.asarray(rows[:, first : first + step])


class FeatureStage(Work[Float32Array | RecordReader, Float32Array | RecordReader | Spooled]):
    """Loads waveforms in workers, transforms them in batches, appends the rows in input order.

    Long records pass through slice by slice, straight into the array: memory grows neither with their
    length nor with their number.

    Parameters
    ----------
    front_end : FrontEnd
        On the device where it is to compute.
    folder : Path
        Where the arrays go.
    dtype : {"float32", "float16"}
        How numbers are stored.
    batch_size : int
        Records in a batch.
    jobs : int
        Threads that decode.
    """

    prepare_step = "decode"
    process_step = "features"

    def __init__(
        self, front_end: FrontEnd, folder: Path, dtype: FeatureDtype, batch_size: int, jobs: int
    ) -> None:
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
        shutil.rmtree(self._folder / SPOOL, ignore_errors=True)
        describe(self._folder, self._front_end)

    def prepare(self, record: Record) -> Float32Array | RecordReader:
        """Load one record as mono at the front end's rate, or get ready to read it if it is long.

        Raises
        ------
        AudioError
            If it cannot be decoded.
        FeatureError
            If it is too short or too long, or has no audio.
        """
        return load_or_read(record, self._front_end)

    def process(
        self, records: list[Record], prepared: list[Float32Array | RecordReader]
    ) -> list[Float32Array | RecordReader | Spooled | Exception]:
        """Transform a group: waveforms of equal length share a batch. Long records stay readers."""
        waveforms = {n: one for n, one in enumerate(prepared) if isinstance(one, np.ndarray)}
        rows = transformed(self._front_end, waveforms)
        return [rows.get(n, one) for n, one in enumerate(prepared)]

    def store(
        self, records: list[Record], made: list[Float32Array | RecordReader | Spooled]
    ) -> list[list[Record] | Exception]:
        """Append the rows of a group; long records are transformed now."""
        readers = ordered_map(
            _hold,
            [one for one in made if isinstance(one, RecordReader)],
            min(self._jobs, 2),
            ahead=2,  # each may hold ``MAX_DECODED_SAMPLES`` samples
        )
        refs: list[FeatureRef | Exception] = []
        for shape, run in groupby(made, lambda one: one.shape if isinstance(one, np.ndarray) else None):
            if shape is not None:
                refs += self._store([one for one in run if isinstance(one, np.ndarray)])
                continue
            for one in run:
                refs.append(self._store_long(one if isinstance(one, Spooled) else next(readers)))
        self._writer.flush()
        kind = self._front_end.kind
        return [
            ref if isinstance(ref, Exception) else [record.replace(features=record.features | {kind: ref})]
            for record, ref in zip(records, refs, strict=True)
        ]

    def _store(self, rows: list[Float32Array]) -> list[FeatureRef | Exception]:
        """Append rows of one shape; those that cannot be stored become errors."""
        try:
            return list(self._writer.append(np.stack(rows), self._front_end.config_hash))
        except FeatureError as error:
            return [error] if len(rows) == 1 else [one for row in rows for one in self._store([row])]

    def _store_long(self, one: RecordReader | Spooled | Exception) -> FeatureRef | Exception:
        """Transform and append one long record, slice by slice."""
        if isinstance(one, Exception):
            return one
        try:
            if isinstance(one, RecordReader):
                shape, features = self._streamed(one)
            else:
                shape, features = np.load(one.path, mmap_mode="r").shape, one.slices()
            return self._writer.append_row(shape, features, self._front_end.config_hash)
        except Exception as error:
            if is_fatal(error):
                raise
            return error
        finally:
            if isinstance(one, Spooled):
                with suppress(OSError):
                    os.unlink(one.path)

    def _streamed(self, reader: RecordReader) -> tuple[tuple[int, int], Iterator[Float32Array]]:
        """Return the shape of a long record's features, and the slices that they come in."""
        front_end, length = self._front_end, reader.num_samples
        return (front_end.bins, front_end.frames(length)), stream(front_end, length, reader.read)

    def end(self) -> None:
        """Close the arrays: now any reader of NumPy files can open them."""
        self._writer.close()
        shutil.rmtree(self._folder / SPOOL, ignore_errors=True)

    def blueprint(self, options: Options) -> Blueprint:
        """Return how to make the part of this stage that computes elsewhere."""
        config: dict[str, Any] = self._front_end.config
        return Blueprint(
            FeatureWorker.make, (config, options.device, self._folder, self._dtype, self.group_size)
        )


class FeatureWorker(FeatureStage):
    """The part of the stage that computes, elsewhere: rows are sent back, except those of long records.

    These go to files in the output directory, slice by slice, from where the main process moves them.
    """

    @classmethod
    def make(
        cls, config: dict[str, Any], device: str, folder: Path, dtype: FeatureDtype, batch_size: int
    ) -> FeatureWorker:
        """Return one with its front end on a device of this machine.

        Parameters
        ----------
        config : dict
            Of the front end.
        device : str
            See `imtools.device`.
        folder, dtype, batch_size
            As for `FeatureStage`.
        """
        return cls(from_config(config).to(resolve_device(device)), folder, dtype, batch_size, jobs=1)

    def process(
        self, records: list[Record], prepared: list[Float32Array | RecordReader]
    ) -> list[Float32Array | RecordReader | Spooled | Exception]:
        """Transform a group, the long records too."""
        made = super().process(records, prepared)
        return [
            self._spooled(record, one) if isinstance(one, RecordReader) else one
            for record, one in zip(records, made, strict=True)
        ]

    def _spooled(self, record: Record, reader: RecordReader) -> Spooled | Exception:
        held = _hold(reader)
        if isinstance(held, Exception):
            return held
        path = self._folder / SPOOL / f"{record.id}.npy"
        try:
            shape, features = self._streamed(held)
            with replacing(path) as temporary:
                rows = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
                frame = 0
                for part in features:
                    rows[:, frame : frame + part.shape[1]] = part
                    frame += part.shape[1]
                rows.flush()
                del rows
        except Exception as error:
            if is_fatal(error):
                raise
            return error
        return Spooled(str(path))


def _hold(reader: RecordReader) -> RecordReader | Exception:
    """Make a reader keep its samples if there are not too many (in a worker thread)."""
    try:
        if reader.num_samples <= MAX_DECODED_SAMPLES:
            reader.hold()
    except Exception as error:
        if is_fatal(error):
            raise
        return error
    return reader
