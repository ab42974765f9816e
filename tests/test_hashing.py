"""Fingerprints of files and texts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imtools.hashing import file_sha256, file_state, text_sha256


def test_digests_are_those_of_hashlib(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\xff" * 300_000)
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert text_sha256("ü") == hashlib.sha256("ü".encode()).hexdigest()
    assert text_sha256("\udcff") == hashlib.sha256(b"\xff").hexdigest()  # of a name that is not UTF-8


def test_the_state_of_a_file_changes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert file_state(path) is None
    assert file_state("a\0b") is None
    path.write_bytes(b"abc")
    first = file_state(path)
    assert first is not None
    assert first == file_state(str(path))
    assert first.size == 3
    path.write_bytes(b"abcd")
    assert file_state(path) != first
