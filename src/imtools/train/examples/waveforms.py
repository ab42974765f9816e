"""Features that are computed from the sound of records for one training, and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arrays import Float32Array
from ...device import tune_malloc
from ...errors import FeatureError, ImtoolsError, UsageError
from ...features import front_end
from ...features.batches import for_front_end, transformed
from ...features.front_ends.base import FrontEnd
from ...features.sidecar import front_end_of
from ...features.store import FeatureReader
from ...manifest import FeatureRef, Record
from ...sound.render import load_sound
from .rows import IN_MEMORY, InMemoryRows, Shape, check_alike, kind_of

GROUP = 64
"""Maximum number of records that are computed at once."""

GROUP_SAMPLES = 2**25
"""Maximum number of samples of a group (25 minutes at 22050 Hz, 128 MiB): fewer records if they are long."""


def choose_front_end(
    records: Sequence[Record], kind: str | None, preset: str | None, default: FrontEnd
) -> FrontEnd:
    """Return the front end whose features to train on, stored or to be computed.

    It is that of the stored features if any record has them, else the preset, else the default.

    Parameters
    ----------
    records : sequence of Record
        With stored features or with sound.
    kind : str, optional
        Kind of feature; by default that of the preset, or the only one that the records have, or that of
        the default if it is among them.
    preset : str, optional
        A key of ``PRESETS``.
    default : FrontEnd
        That of the net's paper, or of the model that the training builds on.

    Returns
    -------
    FrontEnd
        On the CPU.

    Raises
    ------
    UsageError
        If kind, preset and stored features do not agree.
    FeatureError
        If the records have features of several kinds or front ends, or none of the given kind.
    """
    named = None if preset is None else front_end(preset)
    if named is not None and kind not in (None, named.kind):
        raise UsageError(f"preset {preset!r} gives {named.kind!r} features, not {kind!r}", "name one of them")
    if named is not None:
        kind = named.kind
    elif kind is None and any(record.features for record in records):
        own = default.kind
        several = len({name for record in records for name in record.features}) > 1
        kind = (
            own if several and any(own in record.features for record in records) else kind_of(records, None)
        )
    refs = [record.features[kind] for record in records if kind in record.features] if kind else []
    if refs and kind:
        check_alike(kind, ((ref.config, ref.shape) for ref in refs))
        stored = front_end_of(kind, refs[0])
        if named is not None and named.config_hash != stored.config_hash:
            what = f"the stored {kind!r} features are not those of preset {preset!r}"
            raise UsageError(what, "leave the preset out, or give records without these features")
        return stored
    made = named or default
    if kind not in (None, made.kind):
        hint = "run im-features first, or name a front end to compute them with"
        raise FeatureError(f"no record has a {kind!r} feature", hint)
    return made


def check_sound(record: Record, front_end: FrontEnd) -> None:
    """Check, without reading any file, that a record has or can have features of a front end.

    Parameters
    ----------
    record : Record
        The record.
    front_end : FrontEnd
        What computes the features.

    Raises
    ------
    FeatureError
        If it has neither a stored feature of that kind nor sound, or its sound is too short or too long.
    """
    if front_end.kind in record.features:
        return
    for_front_end(record, front_end)


def shape_of(records: Sequence[Record], front_end: FrontEnd) -> Shape:
    """Return the shape of the features of records, stored or to be computed.

    Parameters
    ----------
    records : sequence of Record
        At least one; they have passed `check_sound`.
    front_end : FrontEnd
        What computes the features.

    Returns
    -------
    tuple of int
        ``(bins, frames)``.

    Raises
    ------
    FeatureError
        If they are not all of one shape.
    """
    shapes = [
        ref.shape
        if (ref := record.features.get(front_end.kind))
        else (front_end.bins, front_end.frames(record.at_rate(front_end.sampling_rate).num_samples))
        for record in records
    ]
    check_alike(front_end.kind, ((front_end.config_hash, shape) for shape in shapes))
    if len(shapes[0]) != 2:
        raise FeatureError(f"{front_end.kind!r} features of shape {shapes[0]} are not bins x frames")
    return shapes[0][0], shapes[0][1]


class FeatureCollector:
    """Fills an array with the features of records: computed from their sound, or read if they are stored.

    Load each record with `load`, in any thread, and add them in order with `add`, ``group_size`` at a time:
    the last digits of a row may depend on those that it is computed with.

    Parameters
    ----------
    records : sequence of Record
        At least one: all that will be added, or more. They have passed `check_sound`.
    front_end : FrontEnd
        On the device where it computes.
    in_memory : int
        Bytes that the array may take. It is of float32, or of float16 where that would not fit.

    Attributes
    ----------
    shape : tuple of int
        ``(bins, frames)`` of each row.
    dtype : dtype
        Of the array.
    group_size : int
        How many records to add at a time.

    Raises
    ------
    FeatureError
        If the records would have features of different shapes, or more than fit.
    """

    def __init__(self, records: Sequence[Record], front_end: FrontEnd, *, in_memory: int = IN_MEMORY) -> None:
        if front_end.device.type == "cpu":
            tune_malloc()
        self._front_end, self._reader = front_end, FeatureReader()
        lengths = [record.at_rate(front_end.sampling_rate).num_samples for record in records]
        self.shape = shape_of(records, front_end)
        self.dtype = _fitting(len(records), self.shape, in_memory)
        self.group_size = max(1, min(GROUP, GROUP_SAMPLES // max(1, *lengths)))
        # Pages of an array that are never written to take no memory.
        self._values = np.empty((len(records), *self.shape), self.dtype)
        self._count = 0

    def _stored(self, record: Record) -> FeatureRef | None:
        return record.features.get(self._front_end.kind)

    def load(self, record: Record) -> Float32Array | FeatureRef:
        """Return what `add` takes: the waveform of a record, or where its feature is stored.

        Raises
        ------
        AudioError, ManifestError
            If its sound cannot be loaded.
        """
        return self._stored(record) or load_sound(record.at_rate(self._front_end.sampling_rate))

    def add(self, loaded: Sequence[Float32Array | FeatureRef]) -> list[ImtoolsError | None]:
        """Append a row for each of some records; return what is wrong with each, or ``None``."""
        waveforms = {n: data for n, data in enumerate(loaded) if isinstance(data, np.ndarray)}
        computed = transformed(self._front_end, waveforms)
        results: list[ImtoolsError | None] = []
        for place, data in enumerate(loaded):
            try:
                self._append(self._reader.read(data) if isinstance(data, FeatureRef) else computed[place])
                results.append(None)
            except ImtoolsError as error:
                results.append(error)
        return results

    def _append(self, row: Float32Array) -> None:
        with np.errstate(over="ignore"):
            self._values[self._count] = row
        if not np.isfinite(self._values[self._count]).all():
            raise FeatureError(f"the features have values beyond {self.dtype}", "look for damaged audio")
        self._count += 1

    def rows(self) -> InMemoryRows:
        """Return all rows so far."""
        return InMemoryRows(self._front_end, self._values[: self._count])


class WaveformCheck:
    """Loads the sound of records as `FeatureCollector` does, but keeps nothing: it finds those that fail.

    Parameters
    ----------
    records : sequence of Record
        At least one.
    front_end : FrontEnd
        That of the waveforms.

    Attributes
    ----------
    shape : tuple of int
        ``(1, samples)`` of each waveform.
    group_size : int
        How many records to add at a time.

    Raises
    ------
    FeatureError
        If the records are of different lengths.
    """

    def __init__(self, records: Sequence[Record], front_end: FrontEnd) -> None:
        self._rate = front_end.sampling_rate
        self.shape, self.group_size = shape_of(records, front_end), GROUP

    def load(self, record: Record) -> Float32Array | FeatureRef:
        """Return the waveform of a record; errors are those of `FeatureCollector.load`."""
        return load_sound(record.at_rate(self._rate))

    def add(self, loaded: Sequence[Float32Array | FeatureRef]) -> list[ImtoolsError | None]:
        """Return ``None`` for each: what can be loaded is fine."""
        return [None] * len(loaded)


def _fitting(count: int, shape: tuple[int, int], in_memory: int) -> np.dtype[np.float32]:
    """Return the most precise type in which the rows fit into memory."""
    cells = count * shape[0] * shape[1]
    for dtype in map(np.dtype, ("float32", "float16")):
        if cells * dtype.itemsize <= in_memory:
            return dtype
    size, most = (f"{number / 2**30:.3g} GiB" for number in (2 * cells, in_memory))
    raise FeatureError(
        f"the features of {count} records take {size} even as float16, and {most} are kept in memory",
        "run im-features first: stored features are read batch by batch",
    )
