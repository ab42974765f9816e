"""im-serve with 64 clients at once, against answering one request after the other.

Both have the bundled model and the same code to decode and to compute; the other way is a server that takes
a request when it is done with the one before, as a script around a model does. Every answer is held against
that of im-predict.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.chain import program
from benchmarks.report import Row

RATE = 44100
CLIENTS = 64
TOLERANCE = 1.001e-6  # of scores that are rounded to six digits


def write_clips(folder: Path, count: int, seconds: float) -> list[Path]:
    """Write clips of tones in noise, in FLAC."""
    made = []
    for number in range(count):
        random = np.random.default_rng(number)
        places = np.arange(round(seconds * RATE)) / RATE
        tone = sum(np.sin(2 * np.pi * k * (110 + 10 * number) * places) / k for k in (1, 2, 3, 4))
        made.append(folder / f"{number:02d}.flac")
        soundfile.write(made[-1], 0.1 * tone + 0.01 * random.standard_normal(len(places)), RATE)
    return made


def expected(folder: Path) -> dict[str, dict[str, float]]:
    """Return the scores of im-predict, by file and class."""
    lines = subprocess.check_output([program("im-predict"), "-q", folder], text=True).splitlines()
    records = [json.loads(line) for line in lines]
    return {
        Path(record["audio"]).name: {one["label"]: one["score"] for one in record["predictions"]}
        for record in records
    }


class Load:
    """Clients that each send one clip after the other to a server, for so many seconds."""

    def __init__(self, port: int, clips: list[Path], truth: dict[str, dict[str, float]]) -> None:
        self._port, self._truth = port, truth
        self._clips = [(clip.name, clip.read_bytes()) for clip in clips]
        self.statuses: Counter[int] = Counter()
        self.worst = 0.0
        self._lock = threading.Lock()

    def run(self, clients: int, seconds: float) -> float:
        """Return answers a second."""
        end = time.perf_counter() + seconds
        before = self.statuses[200]
        threads = [threading.Thread(target=self._client, args=(number, end)) for number in range(clients)]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (self.statuses[200] - before) / (time.perf_counter() - begin)

    def _client(self, number: int, end: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)
        turn = number
        while time.perf_counter() < end:
            name, data = self._clips[turn % len(self._clips)]
            turn += 1
            connection.request("POST", "/v1/predict", data, {"Content-Type": "audio/flac"})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            worst = 0.0
            if answer.status == 200:
                worst = max(
                    abs(one["score"] - self._truth[name][one["label"]]) for one in told["instruments"]
                )
            with self._lock:
                self.statuses[answer.status] += 1
                self.worst = max(self.worst, worst)
            if answer.status == 503:
                time.sleep(float(answer.headers["Retry-After"]))
        connection.close()


def memory(process: int) -> int:
    """Return the bytes that a process and its children have to themselves."""
    family, total = [process], 0
    for parent in family:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            family += [int(child) for child in task.read_text().split()]
        for line in Path(f"/proc/{parent}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean", "Private_Dirty")):
                total += int(line.split()[1]) * 1024
    return total


def started(command: list[str | Path]) -> tuple[subprocess.Popen[str], int]:
    """Start a server that prints its URL as JSON; return it and its port."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    return process, int(json.loads(process.stdout.readline())["url"].rsplit(":", 1)[1])


def run(seconds: float = 20.0) -> list[Row]:
    """Return answers a second, and what the memory does meanwhile."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = write_clips(folder, CLIENTS, 5.0)
        truth = expected(folder)
        rates: dict[str, float] = {}
        held: list[int] = []
        ours = [
            program("im-serve"),
            "--port",
            "0",
            "--queue",
            str(2 * CLIENTS),
            "--uploads",
            str(2 * CLIENTS),
        ]
        for which, command in (
            ("ours", ours),
            ("plain", [sys.executable, "-m", "benchmarks.serving", "plain"]),
        ):
            process, port = started(command)
            try:
                load = Load(port, clips, truth)
                load.run(CLIENTS, min(seconds, 5.0))  # warm
                held.append(memory(process.pid))
                rates[which] = load.run(CLIENTS, seconds)
                held.append(memory(process.pid))
                if set(load.statuses) - {200, 503} or load.worst > TOLERANCE:
                    raise AssertionError(f"{which}: {load.statuses}, {load.worst:g} from im-predict")
                print(f"{which}: {dict(load.statuses)}, at most {load.worst:.1g} from im-predict")
            finally:
                process.terminate()
                process.wait()
        note = f"memory {held[0] / 2**20:.0f} MB, at the end {held[1] / 2**20:.0f} MB"
        what = f"answers to 5-s clips for {CLIENTS} clients, each ({note})"
        rows.append(Row(what, 1000 / rates["ours"], 1000 / rates["plain"]))
    return rows


def plain() -> None:
    """Serve in the plain way."""
    from imtools.device import resolve_device, resolve_precision, wait_passively
    from imtools.layouts.base import Entry, complete
    from imtools.models.bundle import load
    from imtools.models.locate import locate
    from imtools.predict.predictor import Predictor

    wait_passively()
    device = resolve_device("auto")
    predictor = Predictor(load(locate("bundled"), device, resolve_precision("auto", device)))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with tempfile.NamedTemporaryFile(suffix=".flac") as file:
                file.write(self.rfile.read(int(self.headers["Content-Length"])))
                file.flush()
                record = complete(Entry("upload", file.name))
                (scores,) = predictor.score([predictor.prepare(record)])
            if isinstance(scores, Exception):
                raise scores
            told = [
                {"label": label, "score": round(float(score), 6)}
                for label, score in zip(predictor.model.labels, scores.mean, strict=True)
            ]
            data = json.dumps({"instruments": told}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket.listen(2 * CLIENTS)
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["plain"]:
        plain()
    else:
        os.environ.setdefault("PYTHONHASHSEED", "0")
        from benchmarks.report import table

        print(table(run(*map(float, sys.argv[1:]))))
