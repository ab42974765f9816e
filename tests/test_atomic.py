"""Files that appear whole or not at all, whoever writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imtools.atomic import replacing, write_text

SLOW = """
import sys
from imtools.atomic import replacing
with replacing(sys.argv[1]) as temporary, open(temporary, "w") as stream:
    stream.write("slow")
    stream.flush()
    print("begun", flush=True)
    sys.stdin.read()
    stream.write("ly")
"""


def test_who_comes_second_waits(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    slow = subprocess.Popen(
        [sys.executable, "-c", SLOW, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    quick = None
    try:
        assert slow.stdout is not None
        assert slow.stdout.readline() == "begun\n"
        code = "import sys; from imtools.atomic import write_text; write_text(sys.argv[1], 'quick')"
        quick = subprocess.Popen([sys.executable, "-c", code, target])
        with pytest.raises(subprocess.TimeoutExpired):
            quick.wait(1)
        assert not target.exists()
        slow.communicate("", timeout=60)
        assert (slow.returncode, quick.wait(60)) == (0, 0)
    finally:
        for process in (slow, quick):
            if process is not None:
                process.kill()
    assert target.read_text() == "quick"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_a_killed_writer_leaves_is_in_nobodys_way(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    killed = subprocess.Popen(
        [sys.executable, "-c", SLOW, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "begun\n"
    killed.kill()
    killed.wait()
    assert os.listdir(tmp_path) == [".a.tmp.txt"]
    write_text(target, "new")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
