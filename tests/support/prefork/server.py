"""Forks commands out of a process that has imported all that they need; see the package."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
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
)


def main(address: str, package: str | None) -> None:
    """Answer requests until standard input is closed.

    Parameters
    ----------
    address : str
        The path of the socket to make.
    package : str or None
        A package to import with all its modules; without one the libraries of `LIBRARIES` are imported, and
        ``coverage``, which would see nothing of a package that is imported before it starts.
    """
    for name in (*LIBRARIES, "coverage") if package is None else (*LIBRARIES, *_modules(package)):
        with contextlib.suppress(ImportError):  # some need libraries that are optional
            importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(128)
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit("a library has started threads: no process with threads may be forked")
    gc.collect()
    gc.freeze()  # so that no collection in a child copies the pages of what is here
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
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


def _modules(package: str) -> list[str]:
    """Return the names of a package and all its modules, but for the programs among them."""
    names = [package]
    for path in importlib.import_module(package).__path__:
        names += [module.name for module in pkgutil.walk_packages([path], f"{package}.")]
    return [name for name in names if not name.endswith("__main__")]


def _answer(connection: socket.socket) -> NoReturn:
    """Run one command in a child, and send its exit status; the child is killed when the client ends."""
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
    """Turn this process into the one that a shell would have started."""
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
    # What an interpreter does at its end, in its order.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
