"""One ``.npy`` file of feature rows: appended to while it is written, mapped while it is read."""

from __future__ import annotations

import io
import math
import os
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from ...atomic import naming
from ...errors import FeatureError
from ...manifest import FeatureRef

DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2")}

RowArray = npt.NDArray[np.floating[Any]]


class StoreShard:
    """One ``.npy`` file open for appending; ``rows`` is how many it keeps, ``None`` creates it."""

    def __init__(self, path: str, dtype: np.dtype[Any], shape: tuple[int, ...], rows: int | None) -> None:
        self.path, self.shape, self.rows = path, shape, rows or 0
        self._dtype = dtype
        # Unbuffered: rows are in the file when append returns, and a full disk is noticed at once.
        self._file = open(path, "xb" if rows is None else "r+b", buffering=0)  # noqa: SIM115
        # numpy leaves room in the header for the first axis to grow, so its length never changes.
        self._offset = len(self._header())
        self._row_bytes = dtype.itemsize * math.prod(shape)
        try:
            self._write(self._header(), 0)
            self._file.truncate(self._end())
        except OSError:
            self._file.close()
            if rows is None:
                os.unlink(path)
            raise

    def append(self, rows: RowArray) -> None:
        """Append rows, all or none."""
        try:
            self._write(rows.data.cast("B"), self._end())
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._end())
            raise
        self.rows += len(rows)

    def write_frames(self, frames: RowArray, first: int) -> None:
        """Write some frames of the row after the last.

        Parameters
        ----------
        frames : ndarray, shape (bins, n)
            Of the file's dtype.
        first : int
            Number of the first of them.
        """
        total = self.shape[-1]
        for number, values in enumerate(frames):
            offset = (number * total + first) * self._dtype.itemsize
            self._write(values.data.cast("B"), self._end() + offset)

    def abandon(self) -> None:
        """Remove the frames of a row that will not be finished, and the file if that was its first row."""
        with suppress(OSError):
            self._file.truncate(self._end())
        if not self.rows:
            self._file.close()
            os.unlink(self.path)

    def flush(self) -> None:
        """Bring the header up to date, and the file to the disk."""
        self._write(self._header(), 0)
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush and close."""
        with self._file:
            self.flush()

    def _end(self) -> int:
        return self._offset + self.rows * self._row_bytes

    def _header(self) -> bytes:
        buffer = io.BytesIO()
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.rows, *self.shape)}
        np.lib.format.write_array_header_1_0(buffer, header)
        return buffer.getvalue()

    def _write(self, data: bytes | memoryview, position: int) -> None:
        view = memoryview(data)
        self._file.seek(position)
        with naming(self.path):
            while view:  # a raw write may write less than all
                view = view[self._file.write(view) :]


def map_rows(path: str) -> RowArray:
    """Map a ``.npy`` file: as many rows as its size allows, whatever its header states."""
    hint = "compute the features again"
    try:
        with open(path, "rb") as file:
            version = np.lib.format.read_magic(file)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = read(file)
            offset, size = file.tell(), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FeatureError(f"{path}: cannot be read ({error.strerror})", hint) from None
    except (ValueError, KeyError) as error:
        raise FeatureError(f"{path}: is not a .npy file ({error})", hint) from None
    row_shape = tuple(shape[1:])
    row_bytes = dtype.itemsize * math.prod(row_shape)
    if fortran or not row_shape or not row_bytes or dtype not in DTYPES.values():
        raise FeatureError(f"{path}: holds no rows of float32 or float16", hint)
    count = (size - offset) // row_bytes
    if not count:  # nothing to map
        return np.empty((0, *row_shape), dtype)
    return np.asarray(np.memmap(path, dtype, "r", offset, (count, *row_shape)))


def check_row(rows: RowArray, ref: FeatureRef) -> None:
    """Check that the rows of a file are as a reference states.

    Parameters
    ----------
    rows : ndarray, shape (rows, *shape)
        Rows of the file.
    ref : FeatureRef
        A row of it.

    Raises
    ------
    FeatureError
        If their shape or dtype differs, or there is no such row.
    """
    place = f"{ref.path}: row {ref.row}"
    if rows.shape[1:] != ref.shape or rows.dtype != DTYPES.get(ref.dtype):
        found = f"{rows.dtype.name} {rows.shape[1:]}"
        raise FeatureError(
            f"{place} is {found}, but the record refers to {ref.dtype} {ref.shape}",
            "compute the features again",
        )
    if not 0 <= ref.row < len(rows):
        raise FeatureError(
            f"{place} does not exist: the file has {len(rows)} rows", "compute the features again"
        )
