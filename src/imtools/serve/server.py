"""The HTTP server itself: its socket and its timeouts."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import ImtoolsError
from .problems import MEDIA_TYPE, response

_HEADERS_SECONDS = 15.0
"""Timeout for the headers of a request."""
_BODY_SECONDS = 120.0
"""How long a client may continue to send a body that has already been answered."""
_MAX_HEADER_BYTES = 2**14
_IDLE_SECONDS = 30
_GRACE_SECONDS = 20
_BACKLOG = 512
_CHECK_SECONDS = 10.0
_MAX_STALLED_CHECKS = 3
"""Number of checks without progress of a response after which the connection is closed."""
_FILES = 2**14
"""Maximum number of files that the process may have open, if the system allows it."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that closes the connections of clients that stall while sending or receiving."""

    most = 1000
    """The open connections."""
    ending = False
    """Whether the server is shutting down."""

    _due: asyncio.TimerHandle | None = None
    _state = ""
    _look: asyncio.TimerHandle | None = None
    _untaken, _stuck = 0, 0

    def connection_made(self, transport: Any) -> None:
        """Start waiting for the first request."""
        super().connection_made(transport)
        # While it shuts down, uvicorn closes the connections that it knows. One that was being accepted then
        # would stay open without use, and the shutdown would wait for it until the grace period is over.
        if self.ending or len(self.connections) > self.most:
            transport.abort()
            return
        self._be_patient()
        self._look = self.loop.call_later(_CHECK_SECONDS, self._look_after)

    def data_received(self, data: bytes) -> None:
        """Process received data, and wait for the rest of the request if it is incomplete."""
        # Headers in small pieces, since their length is checked only while they are incomplete.
        step = _MAX_HEADER_BYTES if self.conn.their_state is h11.IDLE else len(data)
        for first in range(0, len(data), step):
            if not self.transport.is_closing():
                super().data_received(data[first : first + step])
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        for timer in (self._due, self._look):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer invalid requests with problem details, too."""
        hint = f"send HTTP/1.1, with headers of less than {_MAX_HEADER_BYTES >> 10} KiB"
        body = response(400, msg.rstrip("."), hint).body
        headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(body))), ("connection", "close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _be_patient(self) -> None:
        """Limit the time of the client's current action; a running limit stays."""
        if self.cycle is not None and not self.cycle.response_complete:
            state, seconds = "answer", None
        elif self.conn.their_state is h11.SEND_BODY:
            state, seconds = "rest", _BODY_SECONDS  # so that the client may still read the answer
        else:
            state, seconds = "headers", _HEADERS_SECONDS
        if state == self._state:
            return
        self._state = state
        if self._due is not None:
            self._due.cancel()
        self._due = None if seconds is None else self.loop.call_later(seconds, self.transport.close)

    def _look_after(self) -> None:
        """Close the connection if the client reads nothing of the response."""
        size = self.transport.get_write_buffer_size()
        self._stuck = self._stuck + 1 if size and size >= self._untaken else 0
        self._untaken = size
        if self._stuck >= _MAX_STALLED_CHECKS:
            self.transport.abort()
        else:
            self._look = self.loop.call_later(_CHECK_SECONDS, self._look_after)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 selects a free one.

    Parameters
    ----------
    host : str
        The address or name.
    port : int
        The port.

    Raises
    ------
    ImtoolsError
        If the address is not available.
    """
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ImtoolsError(f"{host}: is not an address ({error.strerror})", "give another `host`") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or error
        hint = "stop what listens there, or give another `port`"
        raise ImtoolsError(f"cannot listen at {host}, port {port} ({why})", hint) from None
    return listening


def serve(app: FastAPI, listening: socket.socket, ready: Callable[[], None], *, verbose: bool) -> None:
    """Serve until the process is interrupted or terminated; current requests are finished first.

    Parameters
    ----------
    app : FastAPI
        The application.
    listening : socket
        From `listen`.
    ready : callable
        Called once requests are answered.
    verbose : bool
        Whether each request is logged, on standard error; otherwise only errors of the program itself.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO if verbose else logging.ERROR)
    PatientProtocol.ending = False
    PatientProtocol.most = _raise_files() // 2  # a request needs two: its connection and its upload
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=verbose,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config, ready)
    server.run(sockets=[listening])
    if server.fault is not None:
        raise server.fault


def _raise_files() -> int:
    """Raise the limit on open files of this process, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class _Server(uvicorn.Server):
    """Reports when it is ready, and shuts down cleanly if that cannot be reported."""

    fault: Exception | None = None

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn takes over signals that this process was started to ignore, as a shell's background jobs
        # ignore Ctrl-C: it would stop the server, and then raise a signal that is ignored again, so that the
        # exit code would be 0. Other commands ignore such signals to the end, and so does this one.
        ignored = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is signal.SIG_IGN]
        with super().capture_signals():
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.should_exit:
            return
        try:
            self._ready()
        except Exception as error:  # the reader of standard output has gone
            self.fault, self.should_exit = error, True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        PatientProtocol.ending = True
        await super().shutdown(sockets)
