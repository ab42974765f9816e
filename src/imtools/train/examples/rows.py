"""The features of training examples as rows: stored on disk, or in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from ...arrays import Float32Array, IntArray
from ...errors import FeatureError
from ...features.front_ends.base import FrontEnd
from ...features.sidecar import front_end_of
from ...features.store import FeatureReader
from ...manifest import FeatureRef, Record

IN_MEMORY = 4 * 2**30
"""Bytes up to which features are kept in memory; larger sets are read from disk, batch by batch."""

_MAX_ROWS, _MAX_VALUES = 1024, 2**24
"""Rows, and values, that are read at once, at most: 64 MiB."""

Shape = tuple[int, int]


def pieces(indices: IntArray, shape: Shape) -> Iterator[IntArray]:
    """Yield parts of some indices: as many rows as may be in memory at once.

    Parameters
    ----------
    indices : ndarray of int64
        Of rows.
    shape : tuple of int
        Of a row.

    Yields
    ------
    ndarray of int64
        The next part.
    """
    step = max(1, min(_MAX_ROWS, _MAX_VALUES // max(1, shape[0] * shape[1])))
    for start in range(0, len(indices), step):
        yield indices[start : start + step]


class FeatureRows(Protocol):
    """Features (or waveforms) of some records: one row each, of one front end and one shape."""

    @property
    def front_end(self) -> FrontEnd:
        """What computes such features."""

    @property
    def shape(self) -> Shape:
        """``(bins, frames)``."""

    def __len__(self) -> int: ...

    def read(self, indices: IntArray) -> Float32Array:
        """Return some rows, float32 of shape (len(indices), bins, frames)."""


class InMemoryRows:
    """Rows in memory.

    Parameters
    ----------
    front_end : FrontEnd
        What has computed them.
    values : ndarray, shape (n, bins, frames)
        Of any floating type.
    """

    def __init__(self, front_end: FrontEnd, values: Float32Array) -> None:
        self.front_end, self._values = front_end, values
        _, bins, frames = values.shape
        self.shape = bins, frames

    def __len__(self) -> int:
        return len(self._values)

    def read(self, indices: IntArray) -> Float32Array:
        """Return some rows; see `FeatureRows`."""
        return self._values[indices].astype(np.float32, copy=False)


class StoredRows:
    """Rows that are read from their files each time.

    Parameters
    ----------
    front_end : FrontEnd
        What has computed them.
    refs : sequence of FeatureRef
        Where they are: at least one, all of one shape.
    """

    def __init__(self, front_end: FrontEnd, refs: Sequence[FeatureRef]) -> None:
        self.front_end, self._refs = front_end, refs
        bins, frames = refs[0].shape
        self.shape = bins, frames
        self._reader = FeatureReader()

    def __len__(self) -> int:
        return len(self._refs)

    def read(self, indices: IntArray) -> Float32Array:
        """Return some rows; see `FeatureRows`.

        Raises
        ------
        FeatureError
            If a file is missing or is not what the reference says.
        """
        return self._reader.read_many([self._refs[i] for i in indices])


def stored_rows(records: Sequence[Record], kind: str, *, in_memory: int = IN_MEMORY) -> FeatureRows:
    """Return the stored features of records, read into memory if they fit.

    Parameters
    ----------
    records : sequence of Record
        All with a feature of that kind, computed by one front end, of one shape.
    kind : str
        Kind of feature.
    in_memory : int
        See ``IN_MEMORY``.

    Returns
    -------
    FeatureRows
        One row for each record.

    Raises
    ------
    FeatureError
        If a record has no such feature, or front ends or shapes differ: with the number of each.
    """
    if not records:
        raise FeatureError("there are no records to train on", "check the input and `where`")
    refs = [record.features[kind] for record in records if kind in record.features]
    if len(refs) < len(records):
        first = next(record.id for record in records if kind not in record.features)
        what = (
            f"{len(records) - len(refs)} of {len(records)} records have no {kind!r} feature (first: {first})"
        )
        raise FeatureError(what, "run im-features first")
    check_alike(kind, ((ref.config, ref.shape) for ref in refs))
    if len(refs[0].shape) != 2:
        raise FeatureError(f"{kind!r} features of shape {refs[0].shape} are not bins x frames")
    rows = StoredRows(front_end_of(kind, refs[0]), refs)
    dtype = np.dtype(refs[0].dtype)
    if len(rows) * int(np.prod(rows.shape)) * dtype.itemsize > in_memory:
        return rows
    values = np.empty((len(rows), *rows.shape), dtype)
    for part in pieces(np.arange(len(rows)), rows.shape):
        values[part] = rows.read(part)
    return InMemoryRows(rows.front_end, values)


def check_alike(kind: str, variants: Iterable[tuple[str, tuple[int, ...]]]) -> None:
    """Check that features come from one front end and have one shape.

    Parameters
    ----------
    kind : str
        Kind of feature, for the message.
    variants : iterable of tuple
        Hash of the front end, and shape, of each feature.

    Raises
    ------
    FeatureError
        If they differ: with the number of each.
    """
    counts = Counter(variants)
    if len(counts) > 1:
        listing = "; ".join(
            f"{count} x {'x'.join(map(str, shape))} of {config[:19]}"
            for (config, shape), count in counts.most_common()
        )
        hint = "compute all with one im-features, over segments of one length"
        raise FeatureError(f"the {kind!r} features differ in front end or shape: {listing}", hint)


def kind_of(records: Sequence[Record], kind: str | None) -> str:
    """Return the kind of feature to train on: the one that is named, or the only one that the records have.

    Parameters
    ----------
    records : sequence of Record
        With stored features.
    kind : str or None
        The kind that is named.

    Returns
    -------
    str
        The kind.

    Raises
    ------
    FeatureError
        If none is named, and the records have none or several.
    """
    if kind is not None:
        return kind
    kinds = sorted({name for record in records for name in record.features})
    if not kinds:
        raise FeatureError("the records have no features", "run im-features first")
    if len(kinds) > 1:
        raise FeatureError(f"the records have features of kinds {', '.join(kinds)}", "name one of them")
    return kinds[0]
