"""Reading rows by their references, from files that may still be growing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from ...arrays import Float32Array
from ...errors import FeatureError
from ...manifest import FeatureRef
from .shard import RowArray, check_row, map_rows


class FeatureReader:
    """Reads rows of ``.npy`` files, whether their writer has finished or not.

    Files stay memory-mapped, the ``max_files`` last used of them. Use one reader for each thread.

    Parameters
    ----------
    max_files : int
        Number of files kept open.
    """

    def __init__(self, max_files: int = 32) -> None:
        self._max_files = max_files
        self._files: OrderedDict[str, RowArray] = OrderedDict()

    def read(self, ref: FeatureRef) -> Float32Array:
        """Return one row as float32 of shape ``ref.shape``.

        Raises
        ------
        FeatureError
            If the file is missing, is not a ``.npy`` file, holds another shape or dtype than the reference,
            or has no such row: the message names file and row.
        """
        return np.array(self._rows(ref)[ref.row], dtype=np.float32)

    def read_many(self, refs: Sequence[FeatureRef]) -> Float32Array:
        """Return rows of one shape as float32 of shape (rows, *shape), in the order of ``refs``.

        Raises
        ------
        FeatureError
            As ``read``; or if there are no references, or their shapes differ.
        """
        if not refs:
            raise FeatureError("no features to read")
        shape = refs[0].shape
        by_file: dict[str, list[int]] = {}
        for position, ref in enumerate(refs):
            if ref.shape != shape:
                raise FeatureError(
                    f"{ref.path}: row {ref.row} has shape {ref.shape}, another feature has {shape}",
                    "use segments of one length and features of one front end",
                )
            by_file.setdefault(ref.path, []).append(position)
        out = np.empty((len(refs), *shape), np.float32)
        for positions in by_file.values():
            # The last row of the file decides how much of it has to be mapped.
            rows = self._rows(max((refs[position] for position in positions), key=lambda ref: ref.row))
            for position in positions:
                check_row(rows, refs[position])
            out[positions] = rows[[refs[position].row for position in positions]]
        return out

    def _rows(self, ref: FeatureRef) -> RowArray:
        """Return the rows of a reference's file, which has been checked against the reference."""
        rows = self._files.pop(ref.path, None)
        if rows is None or ref.row >= len(rows):  # the file may have grown
            rows = map_rows(ref.path)
        check_row(rows, ref)
        self._files[ref.path] = rows
        if len(self._files) > self._max_files:
            self._files.popitem(last=False)
        return rows
