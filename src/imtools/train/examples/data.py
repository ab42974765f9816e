"""The examples of a training: features of one front end, or waveforms to compute them from, with labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...arrays import IntArray
from ...choices import Unlisted
from ...features.batches import BATCH
from ...features.front_ends.base import FrontEnd
from ...labels import label_matrix
from ...manifest import Record
from .rows import FeatureRows, Shape, pieces


@dataclass(frozen=True)
class FeatureStatistics:
    """Mean and standard deviation over all cells of the training examples (0 becomes 1)."""

    mean: float
    std: float


def features_of(rows: FeatureRows, transform: FrontEnd | None) -> tuple[FrontEnd, Shape]:
    """Return the front end and the shape of the features of rows.

    Parameters
    ----------
    rows : FeatureRows
        Features or, if there is a transform, waveforms.
    transform : FrontEnd or None
        What computes features from the rows.

    Returns
    -------
    front_end : FrontEnd
        What computes, or has computed, the features.
    shape : tuple of int
        ``(bins, frames)`` of the features.
    """
    if transform is None:
        return rows.front_end, rows.shape
    return transform, (transform.bins, transform.frames(rows.shape[1]))


class Examples:
    """Features and labels of some records.

    Parameters
    ----------
    rows : FeatureRows
        One row for each record: its features or, if a transform is given, its waveform.
    records : sequence of Record
        With labels.
    classes : sequence of str
        The k columns of the labels.
    unlisted : {"unknown", "absent"}
        As for `imtools.labels.label_matrix`.
    transform : FrontEnd, optional
        Computes the features of each batch from waveforms, on its device.

    Attributes
    ----------
    front_end : FrontEnd
        What computes, or has computed, the features.
    transform : FrontEnd or None
        As given.
    row_shape : tuple of int
        Of a row.
    shape : tuple of int
        ``(bins, frames)`` of the features.
    present, known : ndarray of bool, shape (n, k)
        Which classes are present, and of which that is known.
    """

    def __init__(
        self,
        rows: FeatureRows,
        records: Sequence[Record],
        classes: Sequence[str],
        unlisted: Unlisted,
        transform: FrontEnd | None = None,
    ) -> None:
        if len(rows) != len(records):
            raise ValueError(f"{len(rows)} rows for {len(records)} records")
        self._rows, self.transform = rows, transform
        self.row_shape = rows.shape
        self.front_end, self.shape = features_of(rows, transform)
        self.present, self.known = label_matrix(records, classes, unlisted)

    def __len__(self) -> int:
        return len(self._rows)

    def digest(self) -> str:
        """Return a hash of the content of all rows."""
        content = hashlib.sha256()
        for part in pieces(np.arange(len(self)), self.row_shape):
            content.update(np.ascontiguousarray(self._rows.read(part)).data)
        return content.hexdigest()

    def rows(self, indices: IntArray) -> Tensor:
        """Return the rows of some examples, float32 of shape (len(indices), bins, frames)."""
        return torch.from_numpy(self._rows.read(indices))

    def transformed(self, rows: Tensor) -> Tensor:
        """Return the features (batch, bins, frames) of rows."""
        if self.transform is None:
            return rows
        step = max(1, BATCH // self.transform.working_length(rows.shape[2]))
        return torch.cat([self.transform(part[:, 0]) for part in torch.split(rows, step)])

    def features(self, indices: IntArray) -> Tensor:
        """Return the features of some examples, float32 of shape (len(indices), bins, frames)."""
        return self.transformed(self.rows(indices))

    def labels(self, indices: IntArray) -> tuple[Tensor, Tensor]:
        """Return ``present`` as float32, and ``known``, of some examples."""
        return torch.from_numpy(self.present[indices]).float(), torch.from_numpy(self.known[indices])

    @torch.inference_mode()
    def statistics(self, indices: IntArray) -> FeatureStatistics:
        """Return mean and standard deviation over all cells of some examples, in two exact passes."""
        mean = self._mean(indices, 0.0, 1)
        std = self._mean(indices, mean, 2) ** 0.5
        return FeatureStatistics(mean, std if std > 0 else 1.0)

    def _mean(self, indices: IntArray, origin: float, power: int) -> float:
        total = 0.0
        for part in pieces(indices, self.row_shape):
            cells = self.features(part).double() - origin
            total += float((cells if power == 1 else cells.square_()).sum())
        return total / (len(indices) * self.shape[0] * self.shape[1])
