"""A process that decodes uploads, and nothing else: ``python -m imtools.serve.decoder FD MEMORY``.

A hostile file may crash or hang a decoder or exhaust the memory, but only of this process. It receives one
open file after the other, through a socket, and sends back windows.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ..audio.decode import WITHOUT_FFMPEG
from ..audio.load import close_files, probe_to_load
from ..errors import ImtoolsError, plain
from ..manifest import Record
from ..sound.stereo import cut_stream_windows
from ..sound.windows import cut_windows
from ..units import samples_to_seconds

_PR_SET_PDEATHSIG = 1
_MAX_FILES = 64
_MAX_FILE_BYTES = 2**20  # messages of ffmpeg go to a file
_MAX_REQUEST_BYTES = 2**16

_CLIENT_HINTS = {
    WITHOUT_FFMPEG: "check that it is complete audio, and send it as WAV, FLAC, MP3 or Ogg: "
    "this server decodes no m4a, aac or wma"
}
"""Hints for clients, instead of hints that only the operator of the server can follow."""

ID = "upload"
"""The id of every upload's record."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """How the windows of a model are cut from a file.

    Attributes
    ----------
    sampling_rate : int
        Hz.
    window, hop : int
        Length of the windows and the distance between them, in samples.
    stereo : bool
        Whether each stream is cut separately.
    longest : float
        Seconds of audio above which a file is refused.
    """

    sampling_rate: int
    window: int
    hop: int
    stereo: bool
    longest: float


def encode(name: str, cutting: Cutting) -> bytes:
    """Return a request, without its file.

    Parameters
    ----------
    name : str
        Name of the file in messages.
    cutting : Cutting
        How to cut it.
    """
    text = json.dumps([name[:1000], asdict(cutting)]).encode()
    return len(text).to_bytes(4, "big") + text


def main(number: int, memory: int) -> None:
    """Answer requests until the other end of the socket is closed.

    Parameters
    ----------
    number : int
        The file descriptor of the socket.
    memory : int
        Bytes that this process may use.
    """
    _bind(memory)
    channel = socket.socket(fileno=number)
    answers = Connection(os.dup(number), readable=False)
    while True:
        data, files, _, _ = socket.recv_fds(channel, _MAX_REQUEST_BYTES, 1)
        if not data:
            return
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            data += channel.recv(_MAX_REQUEST_BYTES)
        name, settings = json.loads(data[4:])
        end: list[Any] = ["end"]
        try:
            _answer(answers, files[0], Cutting(**settings))
        except ImtoolsError as error:
            path = _path(files[0])
            hint = error.hint or ""
            message, hint = plain(error.message).replace(path, name), plain(_CLIENT_HINTS.get(hint, hint))
            end = ["refused", message.replace(f"record {ID}", name), hint.replace(path, name)]
        except MemoryError:
            end = ["refused", f"{name}: takes too much memory to decode", "send a shorter part of it"]
        # Damage done by a file may show here, while the process is still counted as working on it.
        close_files()
        os.close(files[0])
        _send(answers, *end)


def _answer(answers: Connection, file: int, cutting: Cutting) -> None:
    """Send the record of a file, then its windows in parts."""
    path = _path(file)
    info = probe_to_load(path, longest=cutting.longest)
    record = Record(
        id=ID,
        audio=path,
        start=0.0,
        duration=samples_to_seconds(info.num_samples, info.sampling_rate),
        sampling_rate=info.sampling_rate,
        num_samples=info.num_samples,
    )
    _send(answers, "record", info.sampling_rate, info.num_samples)
    cut = cut_stream_windows if cutting.stereo else cut_windows
    for windows in cut(record, cutting.sampling_rate, cutting.window, cutting.hop):
        data = windows.tobytes()
        _send(answers, "windows", *windows.shape)
        answers.send_bytes(data)


def _send(answers: Connection, *answer: Any) -> None:
    answers.send_bytes(json.dumps(answer).encode())  # text: the reader does not trust this process


def _path(file: int) -> str:
    """Return a path to an open file that is also valid for child processes."""
    return f"/proc/{os.getpid()}/fd/{file}"


def _bind(memory: int) -> None:
    """Set the resource limits of this process, and let it end with its parent."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # these signals are for the server, which finishes its work
    with contextlib.suppress(OSError):  # if memory runs out, this process is killed, not the server
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES),
    ):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        main(*map(int, sys.argv[1:]))
