"""Stands for a command: has the server run it, passes signals on, and ends as it ends."""

# Few imports: this is started thousands of times.
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT, signal.SIGQUIT)


def main(address: str, command: str, starting: Sequence[str], expected: dict[str, str]) -> NoReturn:
    """Have the server run a command; start it as usual where its variables are not the expected ones."""
    environment = dict(os.environ)
    if {name: environment[name] for name in environment if name.startswith(tuple(starting))} != expected:
        os.execv(command, [command, *sys.argv[1:]])
    files = _open_files()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.connect(address)
    mask = os.umask(0)
    os.umask(mask)
    request = json.dumps([command, sys.argv[1:], os.getcwd(), environment, mask, files]).encode()
    for number in _PASSED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: server.send(bytes([number])))
    socket.send_fds(server, [len(request).to_bytes(4, "big")], files)
    server.sendall(request)
    null = os.open(os.devnull, os.O_RDWR)
    for number in files:
        os.dup2(null, number)  # so that pipes close when the command closes them
    answer = server.recv(4, socket.MSG_WAITALL)
    status = int.from_bytes(answer, "big") if len(answer) == 4 else 1 << 8
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def _open_files() -> list[int]:
    listed = [int(name) for name in os.listdir("/proc/self/fd")]
    return [number for number in listed if os.path.exists(f"/proc/self/fd/{number}")]  # not the listing's own
