"""The endpoint: the numbers of im-predict, limits, and who may ask."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from imtools.audio import ffmpeg
from serving import ROUNDED, Serving
from waiting import wait_until

pytestmark = [
    pytest.mark.skipif(os.uname().sysname != "Linux", reason="im-serve needs Linux"),
    pytest.mark.slow(2),  # servers that start, and are stopped
]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings in several formats, and lengths of more and less than a window."""
    folder = tmp_path_factory.mktemp("music")
    random = np.random.default_rng(1)
    for number, (name, seconds) in enumerate(
        [("a.wav", 1.0), ("b.flac", 7.0), ("c.ogg", 5.0), ("d.mp3", 100.0), ("ü e.aiff", 4.0)]
    ):
        time = np.arange(round(seconds * 44100)) / 44100
        tone = 0.3 * np.sin(2 * np.pi * 220 * 1.2**number * time) * (1 + np.sin(2 * np.pi * 0.4 * time))
        left = tone + 0.02 * random.standard_normal(len(time))
        soundfile.write(folder / name, 0.5 * np.stack([left, 0.5 * left], axis=1), 44100)
    return folder


@pytest.fixture(scope="module")
def server(space: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    options = ("-m", str(space / "model"), "--precision", "fp32")  # as elsewhere, also on a GPU
    with Serving(tmp_path_factory.mktemp("server"), *options, measured=True) as serving:
        yield serving
        assert serving.process.poll() is None, serving.log.read_text()


@pytest.fixture(scope="module")
def bf16_server(space: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    options = ("-m", str(space / "model"), "--precision", "bf16")
    with Serving(tmp_path_factory.mktemp("bf16"), *options) as serving:
        yield serving
        assert serving.process.poll() is None, serving.log.read_text()


BF16 = 1e-2
"""How far scores in bfloat16 may lie apart: they depend on the other windows of the batch."""


@pytest.fixture(params=["fp32", "bf16"])
def precise(request: pytest.FixtureRequest) -> tuple[str, Serving, float]:
    """A precision, a server that computes in it, and how far scores of equal windows may lie apart."""
    if request.param == "fp32":
        return "fp32", request.getfixturevalue("server"), ROUNDED
    return "bf16", request.getfixturevalue("bf16_server"), BF16


def predicted(run: Any, space: Path, music: Path, *options: str) -> dict[str, list[dict]]:
    result = run("im-predict", "-m", str(space / "model"), *options, str(music))
    assert result.returncode == 0, result.stderr.decode()
    records = [json.loads(line) for line in result.stdout.splitlines()]
    return {Path(record["audio"]).name: record["predictions"] for record in records}


def test_the_numbers_are_those_of_the_command(
    run, space: Path, music: Path, precise: tuple[str, Serving, float]
) -> None:
    precision, server, apart = precise
    windows = predicted(run, space, music, "--windows", "--precision", precision)
    stretches = predicted(run, space, music, "--timeline", "--precision", precision)
    for path in sorted(music.iterdir()):
        response = server.post(path.read_bytes(), windows=True, timeline=True, name=path.name)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["file"]["name"] == path.name
        assert answer["model"] == windows[path.name][0]["model"]
        whole = {one["label"]: one for one in windows[path.name] if "start" not in one}
        scores = [one["score"] for one in answer["instruments"]]
        assert scores == sorted(scores, reverse=True)
        for one in answer["instruments"]:
            assert one["score"] == pytest.approx(whole[one["label"]]["score"], abs=apart)
            assert one["present"] == (one["score"] >= one["threshold"])
            if precision == "fp32" or abs(one["score"] - one["threshold"]) > apart:
                assert one["present"] == whole[one["label"]]["present"]
        for label, values in answer["windows"]["scores"].items():
            expected = [one for one in windows[path.name] if "start" in one and one["label"] == label]
            np.testing.assert_allclose(values, [one["score"] for one in expected], rtol=0, atol=apart)
            np.testing.assert_allclose(answer["windows"]["starts"], [one["start"] for one in expected])
        if precision == "fp32":  # else a window near its threshold may count in one batch and not in another
            expected = [one for one in stretches[path.name] if "start" in one]
            assert [(one["label"], one["start"], one["duration"]) for one in answer["timeline"]] == [
                (one["label"], one["start"], one["duration"]) for one in expected
            ]


@pytest.mark.slow(8)
def test_requests_together_are_answered_as_alone(music: Path, precise: tuple[str, Serving, float]) -> None:
    _, server, apart = precise
    alone = {path: server.post(path.read_bytes(), windows=True).json() for path in sorted(music.iterdir())}
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda path: (path, server.post(path.read_bytes(), windows=True)), [*alone] * 5)
        for path, answer in answers:
            assert answer.status_code == 200, answer.text
            expected = {one["label"]: one["score"] for one in alone[path]["instruments"]}
            found = {one["label"]: one["score"] for one in answer.json()["instruments"]}
            assert found == pytest.approx(expected, abs=apart)
    assert server.files() == []


def test_a_form_is_taken_as_well(music: Path, server: Serving) -> None:
    data = (music / "b.flac").read_bytes()
    raw = server.post(data, top=1).json()
    for name, shown in (
        ("b.flac", "b.flac"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.wav", "y.wav"),
        ("..", ".."),
    ):
        answer = server.client.post(
            "/v1/predict?top=1", files={"note": (None, b"x" * 70000), "file": (name, data)}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["file"]["name"] == shown
        assert answer.json()["instruments"] == raw["instruments"]
    assert len(raw["instruments"]) == 1
    assert "windows" not in raw
    assert "timeline" not in raw


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ('attachment; filename="a b.flac"', "a b.flac"),
        ("attachment; filename=../x.flac", "x.flac"),
        ("attachment; filename*=UTF-8'en'%C3%BC%20e.flac", "ü e.flac"),
        ("attachment; filename*=undefined''x", "upload"),
        ("attachment; filename*" + "1" * 5000 + "=x", "upload"),
        ('a;"' + ";" * 12_000, "upload"),  # what some parsers take seconds for
    ],
)
def test_names_of_uploads(header: str, shown: str, music: Path, server: Serving) -> None:
    data, headers = (music / "a.wav").read_bytes(), {"Content-Disposition": header.encode()}
    answer = server.client.post("/v1/predict?top=1", content=data, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["file"]["name"] == shown


def test_what_else_there_is(space: Path, music: Path, server: Serving) -> None:
    assert server.post((music / "a.wav").read_bytes()).status_code == 200
    model = server.client.get("/v1/model").json()
    assert model["labels"] == ["cla", "vio"]
    assert model["names"] == {"cla": "clarinet", "vio": "violin"}
    assert model["card"] == (space / "model" / "README.md").read_text()
    assert model["name"] == server.announced["model"]
    assert server.client.get("/healthz").json() == {"status": "ok"}
    metrics = server.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'imtools_requests_total{status="200"}' in metrics.text
    paths = server.client.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/v1/predict", "/v1/model", "/healthz", "/metrics"}
    for path in ("/", "/docs", "/page/app.js", "/page/draw.js", "/page/docs.js", "/page/style.css"):
        answer = server.client.get(path)
        assert answer.status_code == 200
        assert "http://" not in answer.text.replace("http://127.0.0.1:8000", "")  # nothing from elsewhere
        assert "https://" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"


def problem(answer: Any, status: int) -> dict:
    """Check that an answer has problem details, and return them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["hint"]
    return told


def test_errors_say_what_to_do(server: Serving) -> None:
    assert "empty" in problem(server.post(b""), 400)["detail"]
    noise = problem(server.post(b"RIFF" + bytes(100), name="x.wav"), 422)
    assert noise["detail"].startswith("x.wav: ")
    assert "/proc" not in noise["detail"]
    assert "install" not in noise["hint"], "who sends a file cannot install what the server lacks"
    assert "text/html" in problem(server.post(b"<p>", "text/html"), 415)["detail"]
    assert "top" in problem(server.post(b"x", top=0), 422)["detail"]
    problem(server.client.get("/nothing"), 404)
    problem(server.client.get("/healthz/"), 404)
    assert server.client.head("/healthz").status_code == server.client.head("/").status_code == 200
    problem(server.client.get("/page/../../../../etc/passwd"), 404)
    problem(server.client.get("/page/%2e%2e/app.py"), 404)
    problem(server.client.get("/v1/predict"), 405)
    form = {"Content-Type": "multipart/form-data"}
    problem(server.client.post("/v1/predict", content=b"x", headers=form), 400)
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    problem(server.client.post("/v1/predict", content=b"nonsense", headers=form), 400)
    problem(server.client.post("/v1/predict", content=b"--x--\r\n", headers=form), 400)
    cut = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    problem(server.client.post("/v1/predict", content=cut, headers=form), 400)
    parts = b"".join(b"--x\r\nA: b\r\n\r\n\r\n" for _ in range(100)) + b"--x--\r\n"
    assert "parts" in problem(server.client.post("/v1/predict", content=parts, headers=form), 400)["detail"]
    several = {"file": ("a", b"x"), "other": ("b", b"y")}
    assert "several" in problem(server.client.post("/v1/predict", files=several), 400)["detail"]
    assert server.files() == []


@pytest.mark.skipif(not ffmpeg.installed(), reason="ffmpeg is not installed")
def test_a_playlist_opens_no_other_file(music: Path, server: Serving) -> None:
    for text in (
        f"#EXTM3U\n#EXTINF:1,\n{music}/d.mp3\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {music}/d.mp3\n",
    ):
        problem(server.post(text.encode(), "application/octet-stream"), 422)


def test_only_this_machine_and_its_pages(music: Path, server: Serving) -> None:
    def asked(**headers: str) -> Any:
        return server.client.get(
            "/healthz", headers={name.replace("_", "-"): h for name, h in headers.items()}
        )

    problem(asked(host="evil.example"), 421)
    assert asked(host="localhost:1").status_code == asked(host="[::1]:80").status_code == 200
    problem(asked(origin="https://evil.example", sec_fetch_site="cross-site"), 403)
    ours = asked(origin=server.url, sec_fetch_site="same-origin")
    assert ours.status_code == 200
    assert "access-control-allow-origin" not in ours.headers


def silence(path: Path, seconds: float) -> bytes:
    """Return a small file of much silence."""
    with soundfile.SoundFile(path, "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(round(seconds / 100)):
            file.write(np.zeros(800000))
    return path.read_bytes()


@pytest.fixture(scope="module")
def strict(space: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with a token and tight limits."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "token").write_text("a-secret-of-16-letters\n")
    options = ("--token-file", str(folder / "token"), "--max-upload", "300K", "--max-duration", "20")
    more = (
        "--timeout",
        "6",
        "--queue",
        "3",
        "--uploads",
        "2",
        "--decoders",
        "1",
        "--cors",
        "https://our.example",
    )
    with Serving(folder, "-m", str(space / "model"), *options, *more, measured=True) as serving:
        serving.client.headers["Authorization"] = "Bearer a-secret-of-16-letters"
        yield serving
        assert serving.process.poll() is None, serving.log.read_text()


def test_a_token_is_asked_for(strict: Serving) -> None:
    assert strict.announced["token"] is True
    assert strict.client.get("/v1/model").status_code == 200
    for wrong in ("", "Bearer x", "Basic a-secret-of-16-letters", "Bearer ä"):
        answer = strict.client.get("/v1/model", headers={"Authorization": wrong.encode()})
        problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/", "/healthz", "/docs", "/page/app.js"):
        assert strict.client.get(path, headers={"Authorization": ""}).status_code == 200
    assert strict.client.get("/metrics", headers={"Authorization": ""}).status_code == 401
    allowed = strict.client.get(
        "/v1/model", headers={"Origin": "https://our.example", "Sec-Fetch-Site": "cross-site"}
    )
    assert allowed.headers["access-control-allow-origin"] == "https://our.example"
    question = {
        "Authorization": "",
        "Origin": "https://our.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    assert strict.client.options("/v1/predict", headers=question).status_code == 200
    question["Origin"] = "https://evil.example"
    assert strict.client.options("/v1/predict", headers=question).status_code == 401


def test_too_much_is_refused(strict: Serving, tmp_path: Path) -> None:
    problem(strict.post(bytes(400_000)), 413)
    problem(strict.post(bytes(8_000_000)), 413)  # more than fits on the way: it is read, and not kept
    problem(strict.post(iter([bytes(100_000)] * 4)), 413)  # nothing announced
    problem(strict.client.post("/v1/predict", files={"file": ("x", bytes(400_000))}), 413)
    bomb = silence(tmp_path / "bomb.flac", 3000)
    assert len(bomb) < 300_000
    assert "longer than 20 s" in problem(strict.post(bomb), 422)["detail"]
    with soundfile.SoundFile(tmp_path / "long.mp3", "w", 8000, 1, format="MP3") as file:
        file.write(np.zeros(8000 * 60))
    long = (tmp_path / "long.mp3").read_bytes()
    stretched = long[:200] + long[400:]  # what its header says does not hold any more
    assert "longer than 20 s" in problem(strict.post(long, "audio/mpeg"), 422)["detail"]
    assert strict.post(stretched, "audio/mpeg").status_code == 422
    assert strict.files() == []


def raw_connection(serving: Serving, head: str) -> socket.socket:
    host, port = serving.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    token = strict_header(serving)
    connection.sendall(f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n{token}{head}\r\n\r\n".encode())
    return connection


def strict_header(serving: Serving) -> str:
    value = serving.client.headers.get("Authorization")
    return f"Authorization: {value}\r\n" if value else ""


@pytest.mark.slow(6)
def test_slow_and_vanishing_clients_cost_nothing(strict: Serving) -> None:
    head = "Content-Type: audio/wav\r\nContent-Length: 1000"
    slow = raw_connection(strict, head)
    slow.sendall(b"R")
    for _ in range(5):  # these give up in the middle
        raw_connection(strict, head).close()
    answer = http.client.HTTPResponse(slow)
    answer.begin()
    assert answer.status == 408
    slow.close()
    deadline = time.monotonic() + 30
    while strict.files() or "imtools_requests_busy 0.0" not in strict.client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_who_has_gone_is_not_waited_for(strict: Serving, tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        file.write(np.zeros(8000 * 19))
    data = (tmp_path / "a.flac").read_bytes()
    lost = decoders_lost(strict)
    for _ in range(3):
        connection = raw_connection(strict, f"Content-Type: audio/flac\r\nContent-Length: {len(data)}")
        connection.sendall(data)
        connection.close()
    assert wait_until(lambda: strict.post(data).status_code == 200, 60)
    assert wait_until(lambda: "imtools_requests_busy 0.0" in strict.client.get("/metrics").text, 60)
    assert decoders_lost(strict) == lost
    assert strict.files() == []


def decoders_lost(serving: Serving) -> float:
    lines = serving.client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("imtools_decoders_lost ")).split()[1])


def test_a_full_server_says_when_to_come_back(strict: Serving, music: Path) -> None:
    head = "Content-Type: audio/wav\r\nContent-Length: 1000"
    deadline = time.monotonic() + 60
    while True:
        held = [raw_connection(strict, head) for _ in range(2)]
        wait_until(lambda: "imtools_uploads_busy 2.0" in strict.client.get("/metrics").text, 5)
        answer = strict.post((music / "a.wav").read_bytes(), "audio/wav")
        for one in held:
            one.close()
        if answer.status_code == 503:
            break
        assert time.monotonic() < deadline
    assert int(answer.headers["retry-after"]) >= 1
    problem(answer, 503)
    assert wait_until(lambda: strict.post((music / "a.wav").read_bytes(), "audio/wav").status_code == 200, 60)


@pytest.mark.slow(7)
def test_a_decoder_that_breaks_down_is_replaced(strict: Serving, music: Path) -> None:
    data = (music / "a.wav").read_bytes()
    for number in (signal.SIGKILL, signal.SIGSTOP):  # one that dies, one that hangs
        decoder = strict.processes()[1]
        os.kill(decoder, number)
        if number == signal.SIGSTOP:
            with ThreadPoolExecutor(3) as pool:
                answers = list(pool.map(lambda _: strict.post(data, "audio/wav"), range(3)))
            hung = [answer for answer in answers if answer.status_code == 422]
            assert hung  # the others wait for another decoder, or are told to come back
            assert "too long" in problem(hung[0], 422)["detail"]
            assert {answer.status_code for answer in answers} <= {200, 422, 503}
        else:
            time.sleep(0.2)
        assert wait_until(lambda: strict.post(data, "audio/wav").status_code == 200, 60)
        assert decoder not in strict.processes()
    assert strict.files() == []


@pytest.mark.slow(10)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
def test_nothing_is_left_behind(number: int, code: int, space: Path, music: Path, tmp_path: Path) -> None:
    serving = Serving(tmp_path, "-m", str(space / "model"), "--quiet")
    data = (music / "d.mp3").read_bytes()

    def ask() -> None:
        try:
            serving.post(data, "audio/mpeg")
        except Exception:
            return

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    assert wait_until(lambda: any("deleted" in one for one in serving.files()), 60)
    family = serving.processes()
    assert len(family) >= 2
    assert serving.stop(number) == code
    for thread in asking:
        thread.join()
    assert wait_until(lambda: not any(Path(f"/proc/{pid}/fd").exists() and _alive(pid) for pid in family), 30)
    assert list(serving.temporary.iterdir()) == []
    assert serving.log.read_bytes().strip() in (b"", b"im-serve: interrupted")


def test_in_the_background_ctrl_c_is_ignored(space: Path, tmp_path: Path) -> None:
    serving = Serving(tmp_path, "-m", str(space / "model"), "--quiet", background=True)
    serving.process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert serving.client.get("/healthz").status_code == 200
    assert serving.stop(signal.SIGTERM) == 143


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_what_cannot_be_served(run, space: Path, tmp_path: Path) -> None:
    model = ("-m", str(space / "model"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("im-serve", *model, "--port", str(taken.getsockname()[1]))
        assert result.returncode == 1
        assert b"another --port" in result.stderr
    (tmp_path / "short").write_text("abc")
    for options, words in (
        (("--token-file", str(tmp_path / "short")), b"16 characters"),
        (("--token-file", str(tmp_path / "gone")), b"gone"),
        (("--max-upload", "much"), b"'much' is not a size"),
        (("--max-upload", "0"), b"limit of 0"),
        (("--cors", "*"), b"is not an origin"),
        (("--decoder-memory", "20M"), b"give more with --decoder-memory"),
    ):
        result = run("im-serve", *model, "--dry-run", *options)
        assert result.returncode == 2
        assert words in result.stderr
    result = run("im-serve", *model, "--host", "no.such.host.invalid")
    assert result.returncode == 1
    assert b"no.such.host.invalid" in result.stderr
    result = run("im-serve", *model, "--dry-run", "--port", "0", "--host", "0.0.0.0")
    assert result.returncode == 0
    assert b"--token-file" in result.stderr  # whoever reaches the machine may ask
    assert run("im-serve", "-m", str(tmp_path)).returncode == 1
