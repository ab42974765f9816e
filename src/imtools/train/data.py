"""What a training reads: stored features of one kind and front end, with labels."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import FeatureError
from ..features.store import FeatureReader
from ..labels import Unlisted, label_matrix
from ..manifest import FeatureRef, Record

IN_MEMORY = 4 * 2**30
"""Bytes up to which all features are kept in memory; larger sets are read from disk, batch by batch."""

_AT_ONCE = 1024  # examples read in one go for the statistics


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation over all cells of the training examples (0 becomes 1)."""

    mean: float
    std: float


class Examples:
    """Features and labels of some records.

    Parameters
    ----------
    records : sequence of Record
        All with a feature of that kind, computed by one front end, of one shape.
    kind : str
        Kind of feature.
    classes : sequence of str
        The k columns of the labels.
    unlisted : {"unknown", "absent"}
        As for `imtools.labels.label_matrix`.
    in_memory : int
        See ``IN_MEMORY``.

    Attributes
    ----------
    config : str
        Hash of the front end.
    shape : tuple of int
        ``(bins, frames)``.
    present, known : ndarray of bool, shape (n, k)
        The labels, and which of them are known.

    Raises
    ------
    FeatureError
        If a record has no such feature, or the front ends or shapes differ: with how many have which.
    """

    def __init__(
        self,
        records: Sequence[Record],
        kind: str,
        classes: Sequence[str],
        unlisted: Unlisted,
        *,
        in_memory: int = IN_MEMORY,
    ) -> None:
        self._refs = _refs(records, kind)
        self._reader = FeatureReader()
        self.config = self._refs[0].config
        bins, frames = self._refs[0].shape
        self.shape = bins, frames
        self.present, self.known = label_matrix(records, classes, unlisted)
        stored = np.dtype(self._refs[0].dtype)
        fits = len(records) * bins * frames * stored.itemsize <= in_memory
        self._rows = self._read_all(stored) if fits else None

    def __len__(self) -> int:
        return len(self._refs)

    def _read_all(self, dtype: np.dtype[np.float32]) -> NDArray[np.float32]:
        rows = np.empty((len(self), *self.shape), dtype)
        for start in range(0, len(self), _AT_ONCE):
            stop = min(start + _AT_ONCE, len(self))
            rows[start:stop] = self._reader.read_many(self._refs[start:stop])
        return rows

    def digest(self) -> str:
        """Return a hash of all features: what training reads, whatever the files are called."""
        content = hashlib.sha256()
        for start in range(0, len(self.present), _AT_ONCE):
            stop = min(start + _AT_ONCE, len(self.present))
            content.update(self.features(np.arange(start, stop)).numpy().tobytes())
        return content.hexdigest()

    def features(self, indices: NDArray[np.int64]) -> Tensor:
        """Return the features of some examples, float32 of shape (len(indices), bins, frames)."""
        if self._rows is None:
            return torch.from_numpy(self._reader.read_many([self._refs[i] for i in indices]))
        return torch.from_numpy(self._rows[indices].astype(np.float32, copy=False))

    def labels(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return ``present`` and ``known`` of some examples as tensors of bool."""
        return torch.from_numpy(self.present[indices]), torch.from_numpy(self.known[indices])

    def statistics(self, indices: NDArray[np.int64]) -> Statistics:
        """Return mean and standard deviation over all cells of some examples, in two exact passes."""
        mean = self._mean(indices, 0.0, 1)
        std = self._mean(indices, mean, 2) ** 0.5
        return Statistics(mean, std if std > 0 else 1.0)

    def _mean(self, indices: NDArray[np.int64], origin: float, power: int) -> float:
        total = 0.0
        for start in range(0, len(indices), _AT_ONCE):
            cells = self.features(indices[start : start + _AT_ONCE]).double()
            total += float(((cells - origin) ** power).sum())
        return total / (len(indices) * self.shape[0] * self.shape[1])


def kind_of(records: Sequence[Record], kind: str | None) -> str:
    """Return the kind of feature to train on: the one asked for, or the only one that the records have.

    Raises
    ------
    FeatureError
        If the records have none, or several and none was asked for.
    """
    if kind is not None:
        return kind
    kinds = sorted({name for record in records for name in record.features})
    if not kinds:
        raise FeatureError("the records have no features", "run im-features first")
    if len(kinds) > 1:
        raise FeatureError(f"the records have features of kinds {', '.join(kinds)}", "name one of them")
    return kinds[0]


def _refs(records: Sequence[Record], kind: str) -> list[FeatureRef]:
    if not records:
        raise FeatureError("there are no records to train on", "check the input and --where")
    refs = [record.features[kind] for record in records if kind in record.features]
    if len(refs) < len(records):
        bare = next(record.id for record in records if kind not in record.features)
        what = (
            f"{len(records) - len(refs)} of {len(records)} records have no {kind!r} feature (first: {bare})"
        )
        raise FeatureError(what, "run im-features first")
    variants = Counter((ref.config, ref.shape) for ref in refs)
    if len(variants) > 1:
        listing = "; ".join(
            f"{count} x {'x'.join(map(str, shape))} of {config[:19]}"
            for (config, shape), count in variants.most_common()
        )
        hint = "compute all with one im-features, over segments of one length"
        raise FeatureError(f"the {kind!r} features differ in front end or shape: {listing}", hint)
    if len(refs[0].shape) != 2:
        raise FeatureError(f"{kind!r} features of shape {refs[0].shape} are not bins x frames")
    return refs
