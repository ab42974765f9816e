"""Windows of uploads, from decoder processes: if one dies or hangs, only one request fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import soundfile

from ..arrays import Float32Array
from ..errors import UsageError
from ..manifest import Record
from ..units import samples_to_seconds
from .decoder import ID, Cutting, encode
from .limits import Limits
from .problems import ProblemError

_MAX_RESPONSE_BYTES = 2**16
_RECEIVE_TIMEOUT_SECONDS = 20
_RETRY_SECONDS = 1.0
_START_SECONDS = 120.0
_CHECKED_RATE = 44100


class _DeadError(Exception):
    """The process has ended, or must."""


class _LateError(Exception):
    """The process does not answer in time."""


class _RefusedError(Exception):
    """The file cannot be decoded; with the reason and what to do."""


class DecoderProcess:
    """A process that decodes one upload at a time; see `decoder`.

    Parameters
    ----------
    memory : int
        Bytes that it may use.
    """

    def __init__(self, memory: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "imtools.serve.decoder", str(theirs.fileno()), str(memory)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # libraries print there what the answers contain
                start_new_session=True,  # together with its child processes
                env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        # It may stop in the middle of an answer.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _RECEIVE_TIMEOUT_SECONDS, 0))
        self._channel = ours
        self._answers = Connection(os.dup(ours.fileno()), writable=False)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, file: int, name: str, cutting: Cutting) -> None:
        """Send an upload to the process.

        Parameters
        ----------
        file : int
            The descriptor of the open file.
        name : str
            Its name in messages.
        cutting : Cutting
            How to cut it.
        """
        try:
            request = encode(name, cutting)
            socket.send_fds(self._channel, [request[:4]], [file])
            self._channel.sendall(request[4:])
        except OSError as error:
            raise _DeadError from error

    def answer(self, deadline: float) -> Any:
        """Wait for the next message: ``["record", rate, samples]``, windows, or ``None`` at the end.

        The deadline is one of the monotonic clock.
        """
        try:
            if not self._answers.poll(max(0.0, deadline - time.monotonic())):
                raise _LateError
            kind, *more = json.loads(self._answers.recv_bytes(_MAX_RESPONSE_BYTES))
            if kind == "refused":
                raise _RefusedError(*more)
            if kind == "windows":
                return np.frombuffer(self._answers.recv_bytes(), dtype=np.float32).reshape(more)
            return None if kind == "end" else [kind, *more]
        except (EOFError, OSError, ValueError) as error:
            raise _DeadError from error

    def end(self) -> None:
        """Kill the process and all its child processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._answers.close()
        self._channel.close()


def check(memory: int) -> None:
    """Check that a process with this much memory can decode at all; this may take seconds.

    Raises
    ------
    UsageError
        If it cannot.
    """
    decoder = DecoderProcess(memory)
    try:
        with tempfile.TemporaryFile() as file:
            silence = np.zeros((_CHECKED_RATE, 2), dtype=np.float32)
            soundfile.write(file, silence, _CHECKED_RATE, format="FLAC")
            file.seek(0)
            decoder.ask(file.fileno(), "a second of silence", Cutting(8000, 8000, 8000, False, 10.0))
            deadline = time.monotonic() + _START_SECONDS
            while decoder.answer(deadline) is not None:
                pass
    except (_DeadError, _LateError, _RefusedError):
        what = f"a decoder with {memory / 2**20:g} MiB of memory does not work"
        raise UsageError(what, "give more with `decoder_memory`") from None
    finally:
        decoder.end()


class Decoding:
    """The decoders of a server; an asynchronous context manager.

    Attributes
    ----------
    lost : int
        Number of processes that died or were killed because of an upload.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.decoders, thread_name_prefix="imtools-decoding")
        self._idle: asyncio.Queue[DecoderProcess] = asyncio.Queue()
        self._every: set[DecoderProcess] = set()
        self._ended = False
        self.lost = 0

    async def __aenter__(self) -> Decoding:
        for _ in range(self._limits.decoders):
            self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended = True
        for decoder in self._every:
            decoder.end()
        self._threads.shutdown()

    @property
    def alive(self) -> bool:
        """Whether there is a process that can decode."""
        return any(decoder.alive for decoder in self._every)

    def _start(self) -> None:
        decoder = DecoderProcess(self._limits.memory)
        self._every.add(decoder)
        self._idle.put_nowait(decoder)

    def _replace(self, decoder: DecoderProcess) -> None:
        self.lost += 1
        self._every.discard(decoder)
        decoder.end()
        self._refill()

    def _refill(self) -> None:
        """Start the missing processes; if the system has no resources for one, try again later."""
        try:
            while len(self._every) < self._limits.decoders and not self._ended:
                self._start()
        except OSError:
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._refill)

    async def _free(self, deadline: float) -> DecoderProcess:
        """Wait for a decoder that is alive."""
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                while not (decoder := await self._idle.get()).alive:
                    self._replace(decoder)  # it died while idle
        except TimeoutError:
            what = "the server is too busy to decode"
            raise ProblemError(503, what, "try again later", Retry_After="10") from None
        return decoder

    @asynccontextmanager
    async def opened(
        self, file: int, name: str, cutting: Cutting
    ) -> AsyncIterator[tuple[Record, AsyncIterator[Float32Array]]]:
        """Yield the record of an upload and its windows, in parts, as `cut_windows` does.

        Parameters
        ----------
        file : int
            The open file.
        name : str
            Its name in messages.
        cutting : Cutting
            The requested windows; unless all are taken, the process is ended.

        Raises
        ------
        ProblemError
            422 if it cannot be decoded, or not within the limits of time, memory and duration; 503 if no
            decoder becomes free in time.
        """
        decoder = await self._free(time.monotonic() + self._limits.timeout)
        done, left = False, self._limits.timeout

        async def answer() -> Any:
            nonlocal left  # only the time to decode counts, not that of others in between
            begin = time.monotonic()
            loop = asyncio.get_running_loop()
            chunk = await loop.run_in_executor(self._threads, decoder.answer, begin + left)
            left -= time.monotonic() - begin
            return chunk

        async def windows() -> AsyncIterator[Float32Array]:
            nonlocal done
            while (chunk := await answer()) is not None:
                yield chunk
            done = True

        try:
            try:
                decoder.ask(file, name, cutting)
                _, rate, samples = await answer()
                record = Record(ID, None, 0.0, samples_to_seconds(samples, rate), rate, samples)
                yield record, windows()
            except _RefusedError as refusal:
                done = True
                raise ProblemError(422, *refusal.args) from None
            except _LateError:
                what = f"{name}: takes too long to decode"
                raise ProblemError(422, what, "send a shorter part of it") from None
            except _DeadError:
                what = f"{name}: the decoder crashed on it"
                raise ProblemError(
                    422, what, "check that it is complete audio, or convert it to WAV"
                ) from None
        finally:
            if done:
                self._idle.put_nowait(decoder)
            else:  # in the middle of an answer, or dead
                self._replace(decoder)
