"""Forks commands out of a process that has imported what they need; see the package."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from typing import NoReturn

LIBRARIES = (
    "torch",
    "torch.nn.functional",
    "scipy.signal",
    "scipy.io.wavfile",
    "soundfile",
    "soxr",
    "click",
    "tqdm",
    "safetensors.torch",
    "coverage",
)


def main(address: str) -> None:
    """Answer requests until standard input is closed."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(128)
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit("a library has started threads: no process with threads may be forked")
    gc.collect()
    gc.freeze()  # the pages of all that stay shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:
            return
        connection, _ = listener.accept()
        if not os.fork():
            listener.close()
            _answer(connection)
        connection.close()


def _answer(connection: socket.socket) -> NoReturn:
    """Run one command in a child, and tell how it ended; the child does not survive who asked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(connection, 4, 253)
    request = json.loads(connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    child = os.fork()
    if not child:
        connection.close()
        _become(*request, files)
    for number in files:
        os.close(number)
    ended = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([connection, ended], [], [])
        if ended in ready:
            break
        word = connection.recv(1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, word[0] if word else signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        connection.sendall(status.to_bytes(4, "big"))
    os._exit(0)


def _become(
    command: str,
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    mask: int,
    numbers: list[int],
    files: list[int],
) -> NoReturn:
    """Be the process that a shell would have started."""
    os.setsid()
    high = [os.dup2(file, 300 + place) for place, file in enumerate(files)]
    for number in {0, 1, 2, *files}:
        os.close(number)
    for file, number in zip(high, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [command, *arguments]
    sys.path[0] = os.path.dirname(command)
    if any(name.startswith("COVERAGE_PROCESS") for name in environment):
        import coverage

        coverage.process_startup()
    code = 0
    try:
        runpy.run_path(command, run_name="__main__")
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # what an interpreter does at its end, in its order
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
