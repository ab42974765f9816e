"""The feature store: what is appended is read back, whatever interrupted the writing."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.errors import FeatureError
from imtools.features.store import FeatureReader, ShardWriter
from imtools.manifest import FeatureRef

SHAPE = (4, 5)
ROW_BYTES = 4 * 4 * 5


def batch(rows: int, seed: int = 0, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, *shape)).astype(np.float32)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def writer(folder: Path, **options: Any) -> ShardWriter:
    return ShardWriter(folder, "cqt", **{"max_bytes": 3 * ROW_BYTES, **options})


def test_shards_are_npy_files(tmp_path: Path) -> None:
    data = batch(8)
    with writer(tmp_path) as shards:
        refs = shards.append(data[:2], "sha256:a") + shards.append(data[2:], "sha256:a")
    assert list(contents(tmp_path)) == ["cqt-00000.npy", "cqt-00001.npy", "cqt-00002.npy"]
    loaded = [np.load(tmp_path / name) for name in contents(tmp_path)]
    assert [len(rows) for rows in loaded] == [3, 3, 2]
    assert np.array_equal(np.concatenate(loaded), data)
    assert refs[4] == FeatureRef(os.path.join(tmp_path, "cqt-00001.npy"), 1, SHAPE, "float32", "sha256:a")
    assert np.array_equal(FeatureReader().read_many(refs), data)


def test_header_has_room_for_any_number_of_rows(tmp_path: Path) -> None:
    with writer(tmp_path, max_bytes=10**9) as shards:
        shards.append(batch(123_456, shape=(1,)), "x")
    path = tmp_path / "cqt-00000.npy"
    assert np.load(path).shape == (123_456, 1)
    assert path.stat().st_size == 128 + 4 * 123_456


def test_new_shape_starts_a_new_shard(tmp_path: Path) -> None:
    with writer(tmp_path) as shards:
        shards.append(batch(1), "x")
        (ref,) = shards.append(batch(1, shape=(4, 6)), "x")
        shards.append(batch(1), "x")
    shapes = [np.load(tmp_path / name).shape for name in contents(tmp_path)]
    assert shapes == [(1, 4, 5), (1, 4, 6), (1, 4, 5)]
    assert ref.shape == (4, 6)


def test_row_larger_than_a_shard(tmp_path: Path) -> None:
    with writer(tmp_path, max_bytes=1) as shards:
        refs = shards.append(batch(2), "x")
    assert [ref.row for ref in refs] == [0, 0]
    assert np.array_equal(FeatureReader().read_many(refs), batch(2))


def test_float16(tmp_path: Path) -> None:
    data = batch(4)
    with writer(tmp_path, dtype="float16") as shards:
        refs = shards.append(data, "x")
        with pytest.raises(FeatureError, match=r"row 1 .* float16"):
            shards.append(np.stack([data[0], data[0] * 1e6]), "x")
    assert np.load(tmp_path / "cqt-00000.npy").dtype == np.float16
    read = FeatureReader().read_many(refs)
    assert read.dtype == np.float32
    assert np.array_equal(read, data.astype(np.float16))


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    data = batch(3)
    data[2, 0, 0] = np.nan
    with writer(tmp_path) as shards, pytest.raises(FeatureError, match="row 2"):
        shards.append(data, "x")
    assert not contents(tmp_path)
    with pytest.raises(FeatureError, match="float64"):
        ShardWriter(tmp_path, "cqt", "float64")


def test_readable_before_the_writer_has_finished(tmp_path: Path) -> None:
    shards, reader = writer(tmp_path, max_bytes=10**6), FeatureReader()
    first = shards.append(batch(2, seed=1), "x")
    assert np.load(first[0].path).shape[0] == 0  # the header is behind
    assert np.array_equal(reader.read(first[1]), batch(2, seed=1)[1])
    second = shards.append(batch(3, seed=2), "x")  # the reader has mapped two rows
    assert np.array_equal(reader.read_many(first + second)[2:], batch(3, seed=2))
    shards.flush()
    assert np.load(first[0].path).shape[0] == 5
    shards.close()


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=6),
    kept=st.integers(0, 40),
    torn=st.integers(0, ROW_BYTES - 1),
    wide=st.integers(0, 40),
)
def test_resumed_run_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], kept: int, torn: int, wide: int
) -> None:
    """Rows in batches; killed without a close; resumed behind any row; one row at a time from there."""
    total = sum(sizes)
    kept = min(kept, total)
    rows = [batch(1, seed, SHAPE if seed != wide else (4, 7)) for seed in range(total)]
    unbroken, broken = tmp_path_factory.mktemp("unbroken"), tmp_path_factory.mktemp("broken")
    with writer(unbroken) as shards:
        expected = [ref for row in rows for ref in shards.append(row, "x")]

    shards, refs = writer(broken), []
    for row in rows:
        refs += shards.append(row, "x")
    with open(refs[-1].path, "ab") as file:
        file.write(b"\xff" * torn)

    last = refs[kept - 1] if kept else None
    with ShardWriter.resume(broken, "cqt", "float32", last, max_bytes=3 * ROW_BYTES) as shards:
        refs[kept:] = [ref for row in rows[kept:] for ref in shards.append(row, "x")]
    assert contents(broken) == contents(unbroken)
    assert [(os.path.basename(r.path), r.row, r.shape) for r in refs] == [
        (os.path.basename(r.path), r.row, r.shape) for r in expected
    ]


def test_batches_make_no_difference(tmp_path: Path) -> None:
    data = batch(11)
    for name, step in [("a", 11), ("b", 1), ("c", 4)]:
        with writer(tmp_path / name) as shards:
            for start in range(0, 11, step):
                shards.append(data[start : start + step], "x")
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")


def test_resume_leaves_other_files_alone(tmp_path: Path) -> None:
    names = ["mel-00000.npy", "cqt-x-00000.npy", "cqt-00000.npy.bak"]
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    with writer(tmp_path) as shards:
        shards.append(batch(7), "x")
    ShardWriter.resume(tmp_path, "cqt", "float32", None).close()
    assert contents(tmp_path) == dict.fromkeys(sorted(names), b"mine")


def test_resume_where_it_cannot(tmp_path: Path) -> None:
    with writer(tmp_path) as shards:
        refs = shards.append(batch(3), "x")
    last = refs[-1]

    def resume(ref: FeatureRef, dtype: str = "float32") -> None:
        ShardWriter.resume(tmp_path, "cqt", dtype, ref)

    missing = FeatureRef(str(tmp_path / "cqt-00009.npy"), 0, SHAPE, "float32", "x")
    with pytest.raises(FeatureError, match="cqt-00009"):
        resume(missing)
    with pytest.raises(FeatureError, match="row 3 does not exist"):
        resume(FeatureRef(last.path, 3, SHAPE, "float32", "x"))
    with pytest.raises(FeatureError, match=r"\(4, 5\).*\(4, 6\)"):
        resume(FeatureRef(last.path, 2, (4, 6), "float32", "x"))
    with pytest.raises(FeatureError, match="holds float32, not float16"):
        resume(last, "float16")
    assert np.load(last.path).shape[0] == 3  # nothing was thrown away


def test_existing_shards_are_not_overwritten(tmp_path: Path) -> None:
    with writer(tmp_path) as shards:
        shards.append(batch(1), "x")
    before = contents(tmp_path)
    with writer(tmp_path) as shards, pytest.raises(FeatureError, match="already exists"):
        shards.append(batch(1), "x")
    assert contents(tmp_path) == before


class FullDisk:
    """A raw file on a disk with room for a given number of bytes; writes may be short, as raw writes may."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: memoryview) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.file.write(data[: min(self.room, 50)])
        self.room -= written
        return int(written)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_full_disk(tmp_path: Path) -> None:
    shards = writer(tmp_path, max_bytes=10**6)
    refs = shards.append(batch(2), "x")
    assert shards._shard is not None
    full = shards._shard._file = FullDisk(shards._shard._file, room=ROW_BYTES + 10)  # type: ignore[assignment]
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        shards.append(batch(3), "x")
    assert (tmp_path / "cqt-00000.npy").stat().st_size == 128 + 2 * ROW_BYTES
    full.room = 10**6  # room again, and short writes that append has to finish
    refs += shards.append(batch(3, seed=5), "x")
    full.file.close()
    assert np.array_equal(FeatureReader().read_many(refs), np.concatenate([batch(2), batch(3, seed=5)]))


def test_any_npy_file_will_do(tmp_path: Path) -> None:
    data = batch(6)
    np.save(tmp_path / "foreign.npy", data)
    ref = FeatureRef(str(tmp_path / "foreign.npy"), 5, SHAPE, "float32", "x")
    assert np.array_equal(FeatureReader().read(ref), data[5])


def test_reader_keeps_a_bounded_number_of_files(tmp_path: Path) -> None:
    with writer(tmp_path, max_bytes=1) as shards:
        refs = shards.append(batch(9), "x")
    reader = FeatureReader(max_files=2)
    assert np.array_equal(reader.read_many(refs), batch(9))
    assert np.array_equal(reader.read(refs[0]), batch(9)[0])
    assert len(reader._files) == 2


def test_order_of_references_is_kept(tmp_path: Path) -> None:
    with writer(tmp_path) as shards:
        refs = shards.append(batch(9), "x")
    order = [8, 0, 3, 3, 7, 1]
    assert np.array_equal(FeatureReader().read_many([refs[i] for i in order]), batch(9)[order])


def test_wrong_references(tmp_path: Path) -> None:
    with writer(tmp_path) as shards:
        (good, *_) = shards.append(batch(3), "x")
    reader = FeatureReader()

    def wrong(**changes: Any) -> FeatureRef:
        return FeatureRef(**{**good.to_json(), "shape": SHAPE, **changes})

    cases = [
        (wrong(row=3), r"cqt-00000.npy: row 3 does not exist: the file has 3 rows"),
        (wrong(row=-1), "row -1 does not exist"),
        (wrong(shape=(5, 4)), r"row 0 is float32 \(4, 5\), but the record refers to float32 \(5, 4\)"),
        (wrong(dtype="float16"), "refers to float16"),
        (wrong(dtype="int8"), "refers to int8"),
        (wrong(path=str(tmp_path / "none.npy")), "none.npy: cannot be read"),
        (wrong(path=str(tmp_path)), "cannot be read"),
    ]
    for ref, message in cases:
        with pytest.raises(FeatureError, match=message):
            reader.read(ref)
        with pytest.raises(FeatureError):
            reader.read_many([good, ref])
    with pytest.raises(FeatureError, match="no features"):
        reader.read_many([])


@pytest.mark.parametrize("damage", [b"", b"RIFF....", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_damaged_files(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "cqt-00000.npy"
    path.write_bytes(damage)
    with pytest.raises(FeatureError, match=r"cqt-00000.npy: is not a \.npy file"):
        FeatureReader().read(FeatureRef(str(path), 0, SHAPE, "float32", "x"))


def test_arrays_that_are_no_features(tmp_path: Path) -> None:
    for name, array in [("a", np.zeros(3)), ("b", np.zeros((3, 4), int)), ("c", np.zeros((3, 4), "f4", "F"))]:
        np.save(tmp_path / name, array)
        with pytest.raises(FeatureError, match="holds no rows of float32"):
            FeatureReader().read(FeatureRef(str(tmp_path / f"{name}.npy"), 0, (4,), "float32", "x"))
