"""The parts of im-serve by themselves: what is hard to bring about from outside."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("fastapi")

import httpx
import uvicorn
from starlette.responses import PlainTextResponse

from imtools.errors import UsageError
from imtools.serve import decoding, server
from imtools.serve.decoder import Cutting
from imtools.serve.decoding import DecoderProcess, Decoding
from imtools.serve.guard import Guard
from imtools.serve.limits import Limits
from imtools.serve.server import PatientProtocol
from waiting import wait_until

pytestmark = pytest.mark.slow(2)  # processes that start, wait and are stopped


# --- who may ask ---


def asked(app: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """Return what an application answers to a request."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/v1/model", headers=headers)

    return asyncio.run(ask())


EVIL = "https://evil.example"


@pytest.mark.parametrize(
    ("host", "headers", "expected"),
    [
        ("127.0.0.1", {"Host": "localhost:8000"}, 200),
        ("127.0.0.1", {"Host": "[::1]"}, 200),
        ("127.0.0.1", {"Host": "192.168.1.5:8000"}, 421),
        ("127.0.0.1", {"Host": "evil.example"}, 421),
        ("127.0.0.2", {"Host": "127.0.0.2:8000"}, 200),
        ("0.0.0.0", {"Host": "192.168.1.5:8000"}, 200),
        ("0.0.0.0", {"Host": "evil.example"}, 421),  # a name that leads here may be anyone's
        ("music.local", {"Host": "Music.local:8000"}, 200),
        ("0.0.0.0", {"Host": "10.0.0.1:8000", "Origin": EVIL}, 403),  # no browser says where it comes from
        ("0.0.0.0", {"Host": "10.0.0.1:8000", "Origin": "http://10.0.0.1:8000"}, 200),
        ("127.0.0.1", {"Host": "localhost:8000", "Origin": EVIL, "Sec-Fetch-Site": "cross-site"}, 403),
        (
            "127.0.0.1",
            {"Host": "localhost:8000", "Origin": "http://localhost:99", "Sec-Fetch-Site": "same-site"},
            403,
        ),
        (
            "127.0.0.1",
            {"Host": "localhost:8000", "Origin": "https://a.example", "Sec-Fetch-Site": "same-origin"},
            200,
        ),
        ("127.0.0.1", {"Host": "localhost:8000", "Origin": "null"}, 403),
        ("127.0.0.1", {"Host": "localhost:8000", "Origin": "https://ours.example"}, 200),
    ],
)
def test_who_may_ask(host: str, headers: dict[str, str], expected: int) -> None:
    guard = Guard(PlainTextResponse("come in"), None, host, ["https://ours.example"])
    assert asked(guard, headers).status_code == expected


def test_a_token_makes_up_for_a_name() -> None:
    guard = Guard(PlainTextResponse("come in"), "a-secret-of-16-letters", "127.0.0.1", [])
    headers = {"Host": "music.example"}  # as a proxy that does TLS passes it on
    assert asked(guard, headers).status_code == 401
    headers["Authorization"] = "Bearer a-secret-of-16-letters"
    assert asked(guard, headers).status_code == 200


def test_failures_have_the_headers_of_all_answers() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    answer = asked(Guard(broken, None, "127.0.0.1", []))
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- decoders ---

CUTTING = Cutting(8000, 800, 400, False, 1000.0)


@pytest.fixture
def minute(tmp_path: Path) -> Iterator[int]:
    """An open file with a minute of noise: 1199 windows."""
    path = tmp_path / "minute.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(480000), 8000)
    file = os.open(path, os.O_RDONLY)
    yield file
    os.close(file)


def test_decoders_that_cannot_be_started_are_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    class Scarce(DecoderProcess):
        def __init__(self, memory: int) -> None:
            if made and len(refused) < 3:
                refused.append(memory)
                raise BlockingIOError("no more processes")
            made.append(self)
            super().__init__(memory)

    made: list[DecoderProcess] = []
    monkeypatch.setattr(decoding, "DecoderProcess", Scarce)
    monkeypatch.setattr(decoding, "_RETRY_SECONDS", 0.01)

    async def lose_one() -> None:
        async with Decoding(Limits(decoders=1)) as pool:
            assert pool.alive
            pool._replace(made[0])
            assert not pool.alive
            while not pool.alive:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(lose_one(), 60))
    assert len(refused) == 3


def test_only_decoding_counts_as_decoding(minute: int) -> None:
    async def take_time() -> tuple[int, int]:
        async with Decoding(Limits(decoders=1)) as pool:
            async with pool.opened(minute, "minute", CUTTING) as (_, windows):
                first = [len(chunk) async for chunk in windows]
            pool._limits = replace(pool._limits, timeout=2.0)
            async with pool.opened(minute, "minute", CUTTING) as (_, windows):
                second = []
                async for chunk in windows:
                    second.append(len(chunk))
                    if len(second) == 1:
                        await asyncio.sleep(2.5)  # the model is busy with others
            assert first == second
            return sum(first), pool.lost

    assert asyncio.run(take_time()) == (1199, 0)


def test_signals_for_the_server_do_not_end_its_decoders(minute: int) -> None:
    decoder = DecoderProcess(2**30)
    try:
        decoder.ask(minute, "minute", CUTTING)
        assert decoder.answer(time.monotonic() + 60) == ["record", 8000, 480000]
        for number in (signal.SIGTERM, signal.SIGINT):  # as systemd does to all processes of a unit
            os.kill(decoder._process.pid, number)
        count = 0
        while (windows := decoder.answer(time.monotonic() + 60)) is not None:
            count += len(windows)
        assert count == 1199
    finally:
        decoder.end()


def test_decoders_with_too_little_memory_are_noticed_at_once() -> None:
    decoding.check(2**30)
    with pytest.raises(UsageError, match=r"20 MiB of memory does not work.*`decoder_memory`"):
        decoding.check(20 * 2**20)


# --- patience ---


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server that has little patience and sends long answers."""
    for name, seconds in (("_CHECK_SECONDS", 0.1), ("_HEADERS_SECONDS", 0.5), ("_BODY_SECONDS", 1.0)):
        monkeypatch.setattr(server, name, seconds)
    monkeypatch.setattr(PatientProtocol, "most", 5)
    long = PlainTextResponse("x" * 20_000_000)
    config = uvicorn.Config(
        long, http=PatientProtocol, lifespan="off", log_config=None, h11_max_incomplete_event_size=2**14
    )
    running = uvicorn.Server(config)
    listening = server.listen("127.0.0.1", 0)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    assert wait_until(lambda: running.started, 60)
    yield listening.getsockname()[1]
    running.should_exit = running.force_exit = True
    thread.join()


def connect(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(sent)
    return connection


def received(connection: socket.socket) -> int:
    """Read until the other side ends a connection; return how many bytes came."""
    count = 0
    try:
        while data := connection.recv(2**20):
            count += len(data)
    except ConnectionResetError:
        pass
    return count


def test_clients_that_send_or_take_nothing_are_hung_up_on(port: int) -> None:
    get = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(port) as silent, connect(port, get[:20]) as slow:
        assert received(silent) == received(slow) == 0
    with connect(port, get) as deaf:
        time.sleep(2)
        assert received(deaf) < 20_000_000
    with connect(port, get) as good:
        answer = http.client.HTTPResponse(good)
        answer.begin()
        assert len(answer.read()) == 20_000_000


def test_there_are_so_many_connections_and_no_more(port: int) -> None:
    held = [connect(port, b"GET / HTTP/1.1\r\n") for _ in range(5)]
    with connect(port) as one_more:
        assert received(one_more) == 0
    for connection in held:
        connection.close()


@pytest.mark.parametrize(
    "wrong", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"]
)
def test_what_is_no_request_has_problem_details_for_an_answer(port: int, wrong: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(wrong)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/problem+json"


# --- the end of the server ---


@pytest.mark.parametrize("ending", [True, False])
def test_a_connection_that_comes_while_the_server_ends_is_not_waited_for(
    ending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "ending", ending)

    class Transport(asyncio.Transport):
        aborted = False

        def abort(self) -> None:
            self.aborted = True

        def close(self) -> None: ...

        def is_closing(self) -> bool:
            return self.aborted

    async def connect() -> bool:
        config = uvicorn.Config(PlainTextResponse("here"), http=PatientProtocol)
        config.load()
        protocol = PatientProtocol(config, uvicorn.server.ServerState(), {})
        transport = Transport()
        protocol.connection_made(transport)
        protocol.connection_lost(None)
        return transport.aborted

    assert asyncio.run(connect()) is ending


def test_signals_that_are_ignored_stay_so_and_others_are_taken() -> None:
    async def app(*_: Any) -> None: ...

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with server._Server(uvicorn.Config(app), lambda: None).capture_signals():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_IGN, signal.default_int_handler)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
