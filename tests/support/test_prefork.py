"""Preforked commands end, answer to signals and see their surroundings as others do."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from shell import BIN, environment, interruptible, preforked

pytestmark = pytest.mark.skipif(
    preforked() == BIN, reason="this system has no pidfd: commands are not preforked"
)


def begin(command: str, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    settings = {"env": environment()} | pipes | options
    # Not as a job in the background, where the tests may run: such a job ignores Ctrl-C, as it should.
    return subprocess.Popen(interruptible(preforked() / command, *arguments), **settings)


@pytest.mark.parametrize("arguments", [["--version"], ["nothing"], ["--no-such-option"], ["."]])
def test_output_errors_and_code_are_those_of_the_command(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "ä.txt").write_text("no audio")
    ours = begin("im-index", *arguments, cwd=tmp_path)
    output = ours.communicate()
    usual = subprocess.run(
        [BIN / "im-index", *arguments], capture_output=True, cwd=tmp_path, env=environment()
    )
    assert (ours.returncode, *output) == (usual.returncode, usual.stdout, usual.stderr)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9), (signal.SIGABRT, -6)],
)
def test_signals_arrive(number: int, code: int) -> None:
    read, write = os.pipe()
    process = begin("im-segment", "-", stdin=read)
    os.write(write, b"{")
    while int.from_bytes(fcntl.ioctl(read, termios.FIONREAD, bytes(4)), sys.byteorder):
        assert process.poll() is None
        time.sleep(0.01)  # until it reads
    os.close(read)
    process.send_signal(number)
    assert process.wait(60) == code
    assert process.stdout is not None
    assert process.stdout.read() == b""  # nobody has it open any more
    deadline = time.monotonic() + 60
    with pytest.raises(BrokenPipeError):  # noqa: PT012  # the command has gone, too, or soon has
        while time.monotonic() < deadline:
            os.write(write, b" ")
            time.sleep(0.01)
    os.close(write)


def test_another_start_of_python_is_another_process() -> None:
    process = begin("im-index", "--version", env=environment(PYTHONVERBOSE="1"))
    _, errors = process.communicate()
    assert b"import 'site'" in errors
