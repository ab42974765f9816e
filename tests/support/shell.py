"""Run commands as a shell does; none can hang the tests."""

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
    """Return a command that runs another one such that Ctrl-C interrupts it, with a limit to its files.

    A shell's background jobs ignore SIGINT, and all processes that they start inherit this. (It is not undone
    between fork and exec: the child of a process with threads may hang there.)

    Parameters
    ----------
    *command : str or Path
        The program, with its whole path, and its arguments.
    largest_file : int
        Bytes beyond which writing fails as on a full disk; -1: no limit.
    """
    return [sys.executable, "-c", _CALMLY, str(largest_file), *command]


def environment(**more: str | None) -> dict[str, str]:
    """Return the environment of the commands: one thread for torch, and a traceback when Python is aborted.

    Parameters
    ----------
    **more : str or None
        Further variables; ``None`` removes one.
    """
    whole = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1", **more}
    return {name: value for name, value in whole.items() if value is not None}


def without_coverage() -> dict[str, None]:
    """Return variables for `environment` that switch coverage off: a killed process damages its files."""
    return {name: None for name in os.environ if name.startswith("COVERAGE")}


def preforked(commands: Path = BIN) -> Path:
    """Return a folder with the commands of a ``bin`` that start faster; see `prefork`."""
    return _server(commands).bin


@cache  # on a function without defaults: a value that is given and one that is left out are two keys
def _server(commands: Path) -> Prefork:
    folder = Path(tempfile.mkdtemp(prefix="imtools-"))
    server = Prefork(commands, folder / "bin", environment())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    return server


def run_to_end(
    command: Sequence[str | bytes | Path],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str | None] | None = None,
    timeout: float = 300,
    **options: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, and return its exit code and output.

    After ``timeout`` it is aborted with all processes that it has started, and their tracebacks are part of
    the error.

    Parameters
    ----------
    command : sequence
        The program and its arguments.
    stdin : bytes, optional
        Its standard input; empty by default.
    env : mapping, optional
        Variables for `environment`.
    timeout : float
        In seconds.
    **options
        Options of ``subprocess.Popen``.
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
        os.killpg(process.pid, signal.SIGABRT)  # Python then prints a traceback of each thread
        output, errors = process.communicate(timeout=30)
        raise AssertionError(f"not done after {timeout:g} s: {command}\n{(errors or b'').decode()}") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def run_script(
    script: str, folder: Path, timeout: float = 300, commands: Path = BIN
) -> subprocess.CompletedProcess[bytes]:
    """Run lines of shell in a folder, up to the first one that fails, with the commands of a ``bin``.

    Coverage is off, which would take half as long again: the same code is covered by other tests.
    """
    path = f"{preforked(commands)}:{commands}:{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", script]
    return run_to_end(command, cwd=folder, env={"PATH": path, **without_coverage()}, timeout=timeout)
