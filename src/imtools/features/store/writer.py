"""Writing feature rows: in order, resumable, with the same files however the rows are grouped."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from types import TracebackType

import numpy as np

from ...errors import FeatureError
from ...manifest import FeatureRef
from .shard import DTYPES, RowArray, StoreShard, check_row, map_rows

_PathLike = str | os.PathLike[str]


class ShardWriter:
    """Appends feature rows to ``KIND-00000.npy``, ``KIND-00001.npy`` and so on.

    A row is in its file when ``append`` returns, so a process at the other end of a pipe can read it
    immediately; the row count in the header follows on ``flush`` and ``close``. Which rows share a file
    depends on the rows alone, not on how they were grouped into calls: resumed and unbroken runs give the
    same bytes.

    Parameters
    ----------
    folder : path
        Where the files go; created if missing.
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
        if dtype not in DTYPES:
            raise FeatureError(f"features cannot be stored as {dtype!r}", f"choose from {', '.join(DTYPES)}")
        self._folder, self._kind, self._dtype, self._max_bytes = os.fspath(folder), kind, dtype, max_bytes
        os.makedirs(self._folder, exist_ok=True)
        self._next = 0
        self._shard: StoreShard | None = None

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
        """Continue after the last valid row, and discard everything written after it.

        Parameters
        ----------
        folder, kind, dtype, max_bytes
            As in the run that was interrupted.
        last : FeatureRef or None
            The last row to keep; ``None``: keep none.

        Raises
        ------
        FeatureError
            If that row is not in the folder, or of another shape or dtype.
        """
        writer = cls(folder, kind, dtype, max_bytes=max_bytes)
        shards = _shards(writer._folder, kind)
        if last is not None:
            writer._next = 1 + _number_of(last, writer._folder, kind, shards)
            check_row(map_rows(last.path), last)
            if last.dtype != dtype:
                raise FeatureError(
                    f"{last.path}: holds {last.dtype}, not {dtype}", "resume with the dtype it began with"
                )
        for number, path in shards.items():
            if number >= writer._next:
                os.unlink(path)
        if last is not None:
            path = shards[writer._next - 1]
            writer._shard = StoreShard(path, DTYPES[dtype], last.shape, rows=last.row + 1)
        return writer

    def append(self, batch: RowArray, config_hash: str) -> list[FeatureRef]:
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
            If a value is not finite, or too large for float16: nothing is written. If the next file already
            exists.
        OSError
            If the disk is full or fails. Only rows returned by earlier calls are valid then: ``resume``
            after the last of them.
        """
        rows = self._stored(batch)
        shape = tuple(rows.shape[1:])
        capacity = self._capacity(shape)
        refs: list[FeatureRef] = []
        while len(refs) < len(rows):
            shard = self._shard_for(shape)
            self._adopt(shard)
            part = rows[len(refs) :][: capacity - shard.rows]
            first = shard.rows
            shard.append(part)
            refs += [
                FeatureRef(shard.path, row, shape, self._dtype, config_hash)
                for row in range(first, shard.rows)
            ]
        return refs

    def append_row(self, shape: tuple[int, int], parts: Iterable[RowArray], config_hash: str) -> FeatureRef:
        """Write one row that is too large for memory, piece by piece, and return where it is.

        Parameters
        ----------
        shape : tuple of int
            Bins and frames of the row.
        parts : iterable of np.ndarray, each of shape (bins, n)
            Its frames in order. If taking one raises, nothing of the row is kept.
        config_hash : str
            As in ``append``.

        Raises
        ------
        FeatureError
            As ``append``; or if the parts do not add up to ``shape``.
        OSError
            As ``append``.
        """
        shard = self._shard_for(shape)
        try:
            frame = 0
            for part in parts:
                stored = self._stored(part[None])[0]
                if stored.shape[0] != shape[0] or frame + stored.shape[1] > shape[1]:
                    raise FeatureError(f"frames of shape {stored.shape} do not fit a row of {shape}")
                shard.write_frames(stored, frame)
                frame += stored.shape[1]
            if frame != shape[1]:
                raise FeatureError(f"a row of {shape[1]} frames got only {frame}")
        except BaseException:
            shard.abandon()
            raise
        self._adopt(shard)
        shard.rows += 1
        return FeatureRef(shard.path, shard.rows - 1, shape, self._dtype, config_hash)

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

    def _stored(self, batch: RowArray) -> RowArray:
        if batch.ndim < 2 or 0 in batch.shape[1:]:
            raise FeatureError(f"a batch of shape {batch.shape} holds no rows to store")
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(batch, dtype=DTYPES[self._dtype])
        good = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
        if not good.all():
            hint = (
                "look for damaged audio"
                if self._dtype == "float32"
                else "store float32, or look for bad audio"
            )
            raise FeatureError(f"row {int(good.argmin())} of the batch has values beyond {self._dtype}", hint)
        return rows

    def _capacity(self, shape: tuple[int, ...]) -> int:
        """Return how many rows of a shape share a file."""
        return max(1, self._max_bytes // (DTYPES[self._dtype].itemsize * math.prod(shape)))

    def _shard_for(self, shape: tuple[int, ...]) -> StoreShard:
        """Return the open file, or a new one if that is full or holds another shape; see ``_adopt``."""
        shard = self._shard
        if shard is not None and shard.shape == shape and shard.rows < self._capacity(shape):
            return shard
        path = os.path.join(self._folder, f"{self._kind}-{self._next:05d}.npy")
        try:
            return StoreShard(path, DTYPES[self._dtype], shape, rows=None)
        except FileExistsError:
            hint = "resume the run that wrote it, or write to another folder"
            raise FeatureError(f"{path}: already exists", hint) from None

    def _adopt(self, shard: StoreShard) -> None:
        """Make a file the open one, now that it has rows: a file without any must leave no trace."""
        if shard is not self._shard:
            self.close()
            self._shard = shard
            self._next += 1


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
