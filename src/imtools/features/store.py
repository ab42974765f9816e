"""Where features are kept: append-only ``.npy`` files (shards), and the reader that finds rows in them."""

from __future__ import annotations

import io
import math
import os
import re
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..atomic import naming
from ..errors import FeatureError
from ..manifest import FeatureRef

_DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2")}

_Rows = npt.NDArray[np.floating[Any]]
_PathLike = str | os.PathLike[str]


class ShardWriter:
    """Appends feature rows to ``KIND-00000.npy``, ``KIND-00001.npy`` and so on.

    A row is in its file when ``append`` returns, so a process at the other end of a pipe can read it at
    once; the row count in the header follows on ``flush`` and ``close``. Which rows share a file depends
    on the rows alone, not on how they were grouped into calls: resumed and unbroken runs give the same
    bytes.

    Parameters
    ----------
    folder : path
        Where the files go; made if it is not there.
    kind : str
        First part of the file names.
    dtype : str
        ``"float32"`` or ``"float16"``.
    max_bytes : int
        A new file starts when the rows of this one would take more, or when the row shape changes.

    Raises
    ------
    FeatureError
        If the dtype is unknown.
    """

    def __init__(
        self, folder: _PathLike, kind: str, dtype: str = "float32", *, max_bytes: int = 256_000_000
    ) -> None:
        if dtype not in _DTYPES:
            raise FeatureError(f"features cannot be stored as {dtype!r}", f"choose from {', '.join(_DTYPES)}")
        self._folder, self._kind, self._dtype, self._max_bytes = os.fspath(folder), kind, dtype, max_bytes
        os.makedirs(self._folder, exist_ok=True)
        self._next = 0
        self._shard: _Shard | None = None

    @classmethod
    def resume(
        cls,
        folder: _PathLike,
        kind: str,
        dtype: str,
        last: FeatureRef | None,
        *,
        max_bytes: int = 256_000_000,
    ) -> ShardWriter:
        """Go on behind the last row that counts, and throw away whatever was written after it.

        Parameters
        ----------
        folder, kind, dtype, max_bytes
            As in the run that was interrupted.
        last : FeatureRef or None
            The last row to keep; ``None`` keeps none.

        Raises
        ------
        FeatureError
            If that row is not in the folder, or of another shape or dtype.
        """
        writer = cls(folder, kind, dtype, max_bytes=max_bytes)
        shards = _shards(writer._folder, kind)
        if last is not None:
            writer._next = 1 + _number_of(last, writer._folder, kind, shards)
            _check_row(_mapped(last.path), last)
            if last.dtype != dtype:
                raise FeatureError(
                    f"{last.path}: holds {last.dtype}, not {dtype}", "resume with the dtype it began with"
                )
        for number, path in shards.items():
            if number >= writer._next:
                os.unlink(path)
        if last is not None:
            path = shards[writer._next - 1]
            writer._shard = _Shard(path, _DTYPES[dtype], last.shape, rows=last.row + 1)
        return writer

    def append(self, batch: _Rows, config_hash: str) -> list[FeatureRef]:
        """Write rows and return where they are.

        Parameters
        ----------
        batch : np.ndarray, shape (rows, *shape)
            Finite numbers; stored in the writer's dtype.
        config_hash : str
            ``FrontEnd.config_hash`` of the front end that computed them.

        Returns
        -------
        list of FeatureRef
            One for each row, in order.

        Raises
        ------
        FeatureError
            If a value is not finite, or too large for float16: nothing is written. If the next file is
            there already.
        OSError
            If the disk is full or fails. Only rows returned by earlier calls count then: ``resume``
            behind the last of them.
        """
        rows = self._stored(batch)
        shape = tuple(rows.shape[1:])
        capacity = max(1, self._max_bytes // (rows.itemsize * math.prod(shape)))
        refs: list[FeatureRef] = []
        while len(refs) < len(rows):
            shard = self._shard
            if shard is None or shard.shape != shape or shard.rows >= capacity:
                shard = self._new_shard(shape)
            part = rows[len(refs) :][: capacity - shard.rows]
            first = shard.rows
            shard.append(part)
            refs += [
                FeatureRef(shard.path, row, shape, self._dtype, config_hash)
                for row in range(first, shard.rows)
            ]
        return refs

    def flush(self) -> None:
        """Bring the header of the open file up to date and the file to the disk."""
        if self._shard is not None:
            self._shard.flush()

    def close(self) -> None:
        """Finish the open file; ``append`` would begin a new one."""
        shard, self._shard = self._shard, None
        if shard is not None:
            shard.close()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stored(self, batch: _Rows) -> _Rows:
        if batch.ndim < 2 or 0 in batch.shape[1:]:
            raise FeatureError(f"a batch of shape {batch.shape} holds no rows to store")
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(batch, dtype=_DTYPES[self._dtype])
        good = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
        if not good.all():
            hint = (
                "look for damaged audio"
                if self._dtype == "float32"
                else "store float32, or look for bad audio"
            )
            raise FeatureError(f"row {int(good.argmin())} of the batch has values beyond {self._dtype}", hint)
        return rows

    def _new_shard(self, shape: tuple[int, ...]) -> _Shard:
        self.close()
        path = os.path.join(self._folder, f"{self._kind}-{self._next:05d}.npy")
        try:
            self._shard = _Shard(path, _DTYPES[self._dtype], shape, rows=None)
        except FileExistsError:
            hint = "resume the run that wrote it, or write to another folder"
            raise FeatureError(f"{path}: is there already", hint) from None
        self._next += 1
        return self._shard


class _Shard:
    """One ``.npy`` file open for appending; ``rows`` is how many it keeps, ``None`` makes it anew."""

    def __init__(self, path: str, dtype: np.dtype[Any], shape: tuple[int, ...], rows: int | None) -> None:
        self.path, self.shape, self.rows = path, shape, rows or 0
        self._dtype = dtype
        # Unbuffered: what append has returned is in the file, and a full disk shows at once.
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

    def append(self, rows: _Rows) -> None:
        try:
            self._write(rows.data.cast("B"), self._end())
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._end())
            raise
        self.rows += len(rows)

    def flush(self) -> None:
        self._write(self._header(), 0)
        os.fsync(self._file.fileno())

    def close(self) -> None:
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
            while view:  # a raw write may take less than it is given
                view = view[self._file.write(view) :]


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
        self._files: OrderedDict[str, _Rows] = OrderedDict()

    def read(self, ref: FeatureRef) -> npt.NDArray[np.float32]:
        """Return one row as float32 of shape ``ref.shape``.

        Raises
        ------
        FeatureError
            If the file is missing, is no ``.npy`` file, holds another shape or dtype than the reference
            says, or has no such row: the message names file and row.
        """
        return np.array(self._rows(ref)[ref.row], dtype=np.float32)

    def read_many(self, refs: Sequence[FeatureRef]) -> npt.NDArray[np.float32]:
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
                _check_row(rows, refs[position])
            out[positions] = rows[[refs[position].row for position in positions]]
        return out

    def _rows(self, ref: FeatureRef) -> _Rows:
        """Return the rows of a reference's file, which has been checked against the reference."""
        rows = self._files.pop(ref.path, None)
        if rows is None or ref.row >= len(rows):  # the file may have grown
            rows = _mapped(ref.path)
        _check_row(rows, ref)
        self._files[ref.path] = rows
        if len(self._files) > self._max_files:
            self._files.popitem(last=False)
        return rows


def _mapped(path: str) -> _Rows:
    """Map a ``.npy`` file: as many rows as its size allows, whatever its header says."""
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
        raise FeatureError(f"{path}: is no .npy file ({error})", hint) from None
    row_shape = tuple(shape[1:])
    row_bytes = dtype.itemsize * math.prod(row_shape)
    if fortran or not row_shape or not row_bytes or dtype not in _DTYPES.values():
        raise FeatureError(f"{path}: holds no rows of float32 or float16", hint)
    count = (size - offset) // row_bytes
    if not count:  # nothing to map
        return np.empty((0, *row_shape), dtype)
    return np.asarray(np.memmap(path, dtype, "r", offset, (count, *row_shape)))


def _check_row(rows: _Rows, ref: FeatureRef) -> None:
    """Raise FeatureError unless a file's rows are what the reference says."""
    place = f"{ref.path}: row {ref.row}"
    if rows.shape[1:] != ref.shape or rows.dtype != _DTYPES.get(ref.dtype):
        found = f"{rows.dtype.name} {rows.shape[1:]}"
        raise FeatureError(
            f"{place} is {found}, the record says {ref.dtype} {ref.shape}", "compute the features again"
        )
    if not 0 <= ref.row < len(rows):
        raise FeatureError(
            f"{place} is not there: the file has {len(rows)} rows", "compute the features again"
        )


def _shards(folder: str, kind: str) -> dict[int, str]:
    """Return the paths of a kind's shards in a folder, by number."""
    pattern = re.compile(re.escape(kind) + r"-(\d{5,})\.npy")
    found = {name: pattern.fullmatch(name) for name in os.listdir(folder)}
    return {int(match[1]): os.path.join(folder, name) for name, match in found.items() if match}


def _number_of(ref: FeatureRef, folder: str, kind: str, shards: dict[int, str]) -> int:
    for number, path in shards.items():
        if os.path.abspath(ref.path) == os.path.abspath(path):
            return number
    raise FeatureError(
        f"{ref.path}: is not among the {kind!r} files of {folder}", "start again without resuming"
    )
