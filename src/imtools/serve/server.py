"""The HTTP server itself: where it listens, and how patient it is."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import ImtoolsError

_HEADERS_SECONDS = 15.0
"""How long the headers of a request may take."""
_IDLE_SECONDS = 30
_GRACE_SECONDS = 20
_BACKLOG = 512


class PatientProtocol(H11Protocol):
    """HTTP/1.1, but a client that does not get on with its headers is hung up on."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what has come, and wait for the rest of the headers if they are not complete."""
        super().data_received(data)
        at_work = self.cycle is not None and not self.cycle.response_complete
        if at_work and self._due is not None:
            self._due.cancel()
            self._due = None
        elif not at_work and self._due is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        if self._due is not None:
            self._due.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._due = self.loop.call_later(_HEADERS_SECONDS, self.transport.close)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises
    ------
    ImtoolsError
        If the address cannot be had.
    """
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ImtoolsError(f"{host}: is no address ({error.strerror})", "give one with --host") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or error
        hint = "stop what listens there, or give another --port"
        raise ImtoolsError(f"cannot listen at {host}, port {port} ({why})", hint) from None
    return listening


def serve(app: FastAPI, listening: socket.socket, ready: Callable[[], None], *, verbose: bool) -> None:
    """Serve until the process is interrupted or terminated; requests at work are finished first.

    Parameters
    ----------
    app : FastAPI
        What to serve.
    listening : socket
        From `listen`.
    ready : callable
        Called once requests are answered.
    verbose : bool
        Whether each request is logged, on standard error; otherwise only errors of the program itself.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO if verbose else logging.ERROR)
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
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


class _Server(uvicorn.Server):
    """Says when it is ready, and ends in good order where that cannot be said."""

    fault: Exception | None = None

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.should_exit:
            return
        try:
            self._ready()
        except Exception as error:  # whoever was to be told has gone
            self.fault, self.should_exit = error, True
