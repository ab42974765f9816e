"""Running commands as a shell would, such that none can hang the tests."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from prefork import Prefork

BIN = Path(sys.executable).parent

_CALMLY = """
import os, resource, signal, sys
limit = int(sys.argv[1])
if limit >= 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""


def interruptible(*command: str | Path, largest_file: int = -1) -> list[str | Path]:
    """Return the command to run in order to run one that Ctrl-C interrupts, and whose files stay small.

    Jobs that a shell starts in the background ignore the keyboard, and so would all that they start. (This
    is not done between fork and exec: in a process with threads the child may hang there.)

    Parameters
    ----------
    *command : str or Path
        The program, with its whole path, and its arguments.
    largest_file : int
        Bytes beyond which writing fails as it does on a full disk; -1: no limit.
    """
    return [sys.executable, "-c", _CALMLY, str(largest_file), *command]


def environment(**more: str | None) -> dict[str, str]:
    """Return the tests' environment with one thread for torch, and with more; ``None`` takes a variable away.

    Python tells where it is when it is aborted.
    """
    whole = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1", **more}
    return {name: value for name, value in whole.items() if value is not None}


def unmeasured() -> dict[str, None]:
    """Return what takes coverage away, whose files a killed or starved process would leave damaged."""
    return {name: None for name in os.environ if name.startswith("COVERAGE")}


@cache
def quick(commands: Path = BIN) -> Path:
    """Return a folder whose commands are those of another one, and start sooner: see `prefork`."""
    folder = Path(tempfile.mkdtemp(prefix="imtools-"))
    server = Prefork(commands, folder / "bin", environment())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    return server.bin


def finished(
    command: Sequence[str | bytes | Path],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str | None] | None = None,
    timeout: float = 300,
    **options: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, and return its output.

    If that takes too long, it and all that it has started are ended, and what they say of where they were
    is part of the error.

    Parameters
    ----------
    command : sequence
        The program and its arguments.
    stdin : bytes, optional
        Its standard input; by default there is none.
    env : mapping, optional
        See `environment`.
    timeout : float
        In seconds.
    **options
        Of ``subprocess.Popen``.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        env=environment(**(env or {})),
        start_new_session=True,
        **pipes,
    )
    try:
        output, errors = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)  # Python then tells where each thread is
        output, errors = process.communicate(timeout=30)
        raise AssertionError(f"not done after {timeout:g} s: {command}\n{(errors or b'').decode()}") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def typed(
    script: str, folder: Path, timeout: float = 300, commands: Path = BIN
) -> subprocess.CompletedProcess[bytes]:
    """Run lines of shell in a folder, with the commands of a ``bin`` in reach, to the first one that fails.

    Without coverage, which the other tests give: it takes half as long again.
    """
    path = f"{quick(commands)}:{commands}:{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", script]
    return finished(command, cwd=folder, env={"PATH": path, **unmeasured()}, timeout=timeout)
