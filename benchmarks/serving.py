"""im-serve with 64 clients at once, against servers that answer one request after the other.

All have the bundled model. One is a script as people write it around a model, with librosa to decode, to
resample and for mel spectrograms; the other has im-serve's own code to decode and to compute, to tell what
serving many at once is worth by itself. Answers are held against those of im-predict.
"""

from __future__ import annotations

import http.client
import io
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.chain import program
from benchmarks.report import Row

RATE = 44100
CLIENTS = 64
ROUNDED = 1.001e-6  # scores have six digits


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

    def __init__(self, clips: list[Path], truth: dict[str, dict[str, float]]) -> None:
        self._truth = truth
        self._clips = [(clip.name, clip.read_bytes()) for clip in clips]
        self.statuses: Counter[int] = Counter()
        self.worst = 0.0
        self._lock = threading.Lock()

    def run(self, port: int, clients: int, seconds: float) -> float:
        """Return answers a second."""
        end = time.perf_counter() + seconds
        before = self.statuses[200]
        threads = [
            threading.Thread(target=self._client, args=(port, number, end)) for number in range(clients)
        ]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (self.statuses[200] - before) / (time.perf_counter() - begin)

    def _client(self, port: int, number: int, end: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
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
    """Return the time an answer takes with each server, and what the memory does meanwhile."""
    ours = [program("im-serve"), "--port", "0", "--queue", str(2 * CLIENTS), "--uploads", str(2 * CLIENTS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = write_clips(folder, CLIENTS, 5.0)
        truth = expected(folder)
        pace = {}
        for which, command, tolerance in (
            ("im-serve", ours, ROUNDED),
            ("script", [sys.executable, "-m", "benchmarks.serving", "script"], 1e-3),
            ("own code", [sys.executable, "-m", "benchmarks.serving", "own code"], ROUNDED),
        ):
            load = Load(clips, truth)
            pace[which], held = measured(command, load, seconds)
            if set(load.statuses) - {200, 503} or load.worst > tolerance:
                raise AssertionError(f"{which}: {load.statuses}, {load.worst:g} from im-predict")
            megabytes = " ".join(f"{amount / 2**20:.0f}" for amount in held)
            print(
                f"  {which}: {dict(load.statuses)}, at most {load.worst:.1g} from im-predict; "
                f"memory over time, in MB: {megabytes}"
            )
    return [
        Row(f"{CLIENTS} clients, 5-s clips, an answer; naive: {what}", pace["im-serve"], pace[which])
        for which, what in (("script", "a script with librosa"), ("own code", "our code, one by one"))
    ]


def measured(command: list[str | Path], load: Load, seconds: float) -> tuple[float, list[int]]:
    """Return the milliseconds that an answer takes, and the memory held at twelve times meanwhile."""
    process, port = started(command)
    try:
        load.run(port, CLIENTS, min(seconds, 5.0))  # warm
        done = threading.Event()
        held = [memory(process.pid)]

        def watch() -> None:
            while not done.wait(seconds / 11):
                held.append(memory(process.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        rate = load.run(port, CLIENTS, seconds)
        done.set()
        watching.join()
        return 1000 / rate, [*held, memory(process.pid)]
    finally:
        process.terminate()
        process.wait()


class Answerer(BaseHTTPRequestHandler):
    """Answers one request after the other; `scores` says how."""

    labels: Sequence[str]

    def scores(self, data: bytes) -> Iterable[float]:
        """Return the scores of an upload."""
        raise NotImplementedError

    def do_POST(self) -> None:
        """Answer."""
        scores = self.scores(self.rfile.read(int(self.headers["Content-Length"])))
        told = [
            {"label": label, "score": round(float(score), 6)}
            for label, score in zip(self.labels, scores, strict=True)
        ]
        data = json.dumps({"instruments": told}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def script() -> type[Answerer]:
    """Return what answers as a script around the model does."""
    import librosa
    import torch

    from imtools.models.bundle import load
    from imtools.models.locate import locate

    model = load(locate("bundled"))
    window, hop = model.description.window_samples, model.description.hop_samples
    bins, _ = model.description.shape

    class Script(Answerer):
        labels = model.labels

        def scores(self, data: bytes) -> Iterable[float]:
            samples, rate = librosa.load(io.BytesIO(data), sr=model.description.sampling_rate)
            rows = []
            for start in range(0, max(1, len(samples) - window + 1), hop):
                part = librosa.util.fix_length(samples[start : start + window], size=window)
                mel = librosa.power_to_db(librosa.feature.melspectrogram(y=part, sr=rate), ref=np.max)
                rows.append(model.predict_proba(torch.from_numpy(mel[None, :bins]))[0].numpy())
            return np.max(rows, axis=0)  # the highest quarter of two

    return Script


def own_code() -> type[Answerer]:
    """Return what answers with the code of im-serve."""
    from imtools.device import resolve_device, resolve_precision, wait_passively
    from imtools.layouts.base import Entry, complete
    from imtools.models.bundle import load
    from imtools.models.locate import locate
    from imtools.predict.predictor import Predictor

    wait_passively()
    device = resolve_device("auto")
    predictor = Predictor(load(locate("bundled"), device, resolve_precision("auto", device)))

    class OwnCode(Answerer):
        labels = predictor.model.labels

        def scores(self, data: bytes) -> Iterable[float]:
            with tempfile.NamedTemporaryFile(suffix=".flac") as file:
                file.write(data)
                file.flush()
                record = complete(Entry("upload", file.name))
                (scores,) = predictor.score([predictor.prepare(record)])
            if isinstance(scores, Exception):
                raise scores
            return scores.mean

    return OwnCode


def serve(answerer: type[Answerer]) -> None:
    """Serve until killed."""
    server = HTTPServer(("127.0.0.1", 0), answerer)
    server.socket.listen(2 * CLIENTS)
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] in (["script"], ["own code"]):
        serve({"script": script, "own code": own_code}[sys.argv[1]]())
    else:
        from benchmarks.report import table

        print(table(run(*map(float, sys.argv[1:]))))
