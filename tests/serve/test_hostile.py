"""What nobody means well: uploads that are no audio, or no longer, and made-up requests."""

from __future__ import annotations

import functools
import http.client
import io
import os
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import soundfile

pytest.importorskip("fastapi")

from serving import Serving
from waiting import wait_until

pytestmark = pytest.mark.slow(2)  # a server and its processes


COUNT = int(os.environ.get("IMTOOLS_HOSTILE", "1000"))
"""How many uploads."""

SLOW = 6
"""How many clients send one byte, and then wait."""

EXAMPLES = 25
"""Requests that are made up for each operation."""

GROWTH = 128 * 2**20
"""Bytes that the server and its decoders may keep after them: caches of allocators, not uploads."""


@pytest.fixture(scope="module")
def server(space: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    options = ("--max-upload", "2M", "--max-duration", "60", "--timeout", "20", "--decoder-memory", "700M")
    with Serving(tmp_path_factory.mktemp("hostile"), "-m", str(space / "model"), *options) as serving:
        yield serving


def originals() -> dict[str, bytes]:
    """Return a second of a tone in every format that libsndfile writes and the server takes."""
    tone = 0.3 * np.sin(np.arange(22050) * 0.1) + 0.01 * np.random.default_rng(0).standard_normal(22050)
    made = {}
    for kind, subtype in (
        ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_24"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"),
        ("OGG", "OPUS"), ("AIFF", "PCM_24"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("W64", "PCM_16"),
        ("RF64", "PCM_16"), ("WAV", "IMA_ADPCM"),
    ):  # fmt: skip
        buffer = io.BytesIO()
        soundfile.write(buffer, tone, 24000 if subtype == "OPUS" else 22050, format=kind, subtype=subtype)
        made[f"{kind} {subtype}"] = buffer.getvalue()
    return made


@functools.cache
def absurd() -> list[bytes]:
    """Return files whose headers promise what nobody can have."""
    made = []
    for channels, rate, size in ((65535, 48000, 2**31 - 1), (1, 2**31 - 1, 64), (0, 0, 0), (2, 1, 2**32 - 1)):
        head = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate, 2, 16)
        chunk = b"data" + struct.pack("<I", size) + bytes(64)
        made.append(b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WAVEfmt " + head + chunk)
    made.append(b"fLaC\x00\x00\x00\x22" + b"\x10\x00\x10\x00" + bytes(6) + b"\xff" * 24 + bytes(200))
    made.append(b"OggS" + b"\xff" * 500)
    made.append(b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(1000))
    made.append(b"\x00\x00\x00\x20ftypM4A " + b"\xff" * 300)
    made.append(b"RIFF" + bytes(4) + b"WAVE" + b"LIST" * 5000)
    made.append(b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>")
    made.append(b"PK\x03\x04" + bytes(2000))
    made.append(b"#!/bin/sh\nrm -rf /\n")
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", 8000, 1, format="FLAC") as file:
        for _ in range(100):
            file.write(np.zeros(2**20))  # three and a half hours of silence
    made.append(buffer.getvalue())
    return made


def hostile(number: int, files: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the kind of an upload, and its bytes."""
    random = np.random.default_rng([7, number])
    names = sorted(files)
    name = names[number % len(names)]
    data = bytearray(files[name])
    kind = ("random", "short", "flipped", "header", "absurd", "mixed")[number // len(names) % 6]
    if kind == "random":
        return kind, random.bytes(int(random.integers(1, 20000)))
    if kind == "short":
        return kind, bytes(data[: int(random.integers(1, len(data)))])
    if kind == "flipped":
        for place in random.integers(0, len(data), 40):
            data[place] ^= 1 << int(random.integers(8))
    elif kind == "header":
        data[4:60] = random.bytes(56)
    elif kind == "absurd":
        made = absurd()
        return kind, made[number % len(made)]
    else:
        other = files[names[int(random.integers(len(names)))]]
        data = data[: len(data) // 2] + other[len(other) // 2 :]
    return kind, bytes(data)


def begin(server: Serving, data: bytes, *, missing: int = 1, header: str = "X: y") -> socket.socket:
    """Send a request of which some bytes will be missing."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    length = f"Content-Length: {len(data) + missing}"
    head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n{header}\r\n{length}\r\n\r\n"
    connection.sendall(head.encode() + data)
    return connection


def vanish(server: Serving, number: int, data: bytes) -> None:
    """Hang up in the middle of an upload, politely or not."""
    with begin(server, data) as connection:
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def status(connection: socket.socket) -> int:
    """Return what the server answers to what has been sent."""
    with connection, http.client.HTTPResponse(connection) as answer:
        answer.begin()
        return answer.status


@pytest.mark.slow(34)
def test_hostile_uploads(server: Serving) -> None:
    files = originals()
    for data in files.values():  # everything is warm
        assert server.post(data, "application/octet-stream").status_code == 200
    before, held = server.memory(), len(os.listdir(f"/proc/{server.process.pid}/fd"))
    types = ("audio/wav", "audio/mpeg", "application/octet-stream", "video/mp4", "")

    def ask(number: int) -> tuple[str, int]:
        kind, data = hostile(number, files)
        if number % 11 == 0:
            vanish(server, number, data)
            return "vanished", 0
        if number % 13 == 0:
            return "headers", status(begin(server, data, missing=0, header=f"X: {'y' * 100_000}"))
        if number % 7 == 0:
            name = ("../../x.wav", "/etc/passwd", "a\x00b", "x" * 5000, "con.wav")[number % 5]
            answer = server.client.post("/v1/predict", files={"file": (name, data)})
        else:
            answer = server.post(data, types[number % 5])
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            assert str(server.temporary) not in answer.text
            assert "/proc/" not in answer.text
        return kind, answer.status_code

    slow = [begin(server, b"R") for _ in range(SLOW)]
    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(ask, range(COUNT)))
    assert {code for _, code in found} <= {0, 200, 400, 413, 422}, found
    assert not found["random", 200], found
    assert sum(count for (_, code), count in found.items() if code >= 400) > COUNT // 3
    assert [status(connection) for connection in slow] == [408] * SLOW
    for data in files.values():  # it is as well as before
        assert server.post(data, "application/octet-stream").status_code == 200
    assert wait_until(lambda: not server.files(), 30)
    assert len(os.listdir(f"/proc/{server.process.pid}/fd")) <= held + 16
    kept = server.memory() - before
    print(f"{sorted(found.items())}; {kept / 2**20:.0f} of {before / 2**20:.0f} MB more than before")
    assert kept < GROWTH
    assert "Traceback" not in server.log.read_text()


@pytest.mark.slow(5)
def test_the_description_is_kept(server: Serving) -> None:
    """Requests made up from the OpenAPI description, valid and not, get answers that it knows."""
    schemathesis = pytest.importorskip("schemathesis")  # here: the import takes as long as a whole module
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    # Bytes that the description allows need not be audio: 422 is the answer to those.
    left_out = [positive_data_acceptance]
    asked = Counter()

    def look(case: Any) -> None:
        answer = case.call(base_url=server.url)
        case.validate_response(answer, excluded_checks=left_out)
        asked[answer.status_code] += 1

    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in schemathesis.GenerationMode:
            if mode.is_negative and not (operation.query or operation.body):
                continue  # nothing to get wrong
            given = hypothesis.given(operation.as_strategy(generation_mode=mode))(look)
            hypothesis.settings(
                max_examples=EXAMPLES,
                derandomize=True,
                deadline=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )(given)()
    assert asked[422]
    assert asked[200] >= 3
    assert max(asked) < 500


def test_other_methods_and_headers(server: Serving) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert 400 <= server.client.request(method, "/v1/predict", content=b"x").status_code < 500
    assert server.client.get("/healthz", headers={"X": "y" * 300_000}).status_code in (400, 431)
    assert server.client.get("/healthz").status_code == 200
