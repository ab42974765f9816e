"""Start im-serve, and see what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from shell import BIN, environment, interruptible, without_coverage

ROUNDED = 1.001e-6
"""How far two scores of six decimals may differ whose unrounded values agree."""


class Serving:
    """A server in a process of its own; a context manager.

    Parameters
    ----------
    folder : Path
        Holds its temporary files (``folder / "tmp"``) and its log.
    *options : str
        Options of ``im-serve``.
    measured : bool
        Whether coverage includes the code that it runs.
    background : bool
        Whether it is started as a shell starts a job in the background: ignoring Ctrl-C.

    Attributes
    ----------
    announced : dict
        What it printed when it was ready.
    """

    def __init__(self, folder: Path, *options: str, measured: bool = False, background: bool = False) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        more: dict[str, str | None] = {"TMPDIR": str(self.temporary)}
        if not measured:
            more |= without_coverage()
        self.log = folder / "log"
        command = [BIN / "im-serve", "--port", "0", *options]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command]
                if background
                else interruptible(*command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(**more),
            )
        assert self.process.stdout is not None
        watch = threading.Timer(120, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        assert line, self.log.read_text()
        self.announced: dict[str, Any] = json.loads(line)
        self.url: str = self.announced["url"]
        self.client = httpx.Client(base_url=self.url, timeout=120, trust_env=False)

    def __enter__(self) -> Serving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal, wait for its end and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.client.close()  # not before: threads that wait for an answer would wait on

    def post(self, data: Any, kind: str = "audio/flac", **query: Any) -> httpx.Response:
        """Request a prediction."""
        return self.client.post("/v1/predict", content=data, headers={"Content-Type": kind}, params=query)

    def processes(self) -> list[int]:
        """Return the ids of its process, of the decoders and of what they have started."""
        found = [self.process.pid]
        for parent in found:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(pid) for pid in task.read_text().split()]
        return found

    def memory(self) -> int:
        """Return the private memory of all its processes, in bytes."""
        total = 0
        for pid in self.processes():
            for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
                if line.startswith(("Private_Dirty", "Private_Clean")):
                    total += int(line.split()[1]) * 1024
        return total

    def files(self) -> list[str]:
        """Return its temporary files: those in the folder, and those that it has open (deleted or not)."""
        opened = []
        for pid in self.processes():
            for link in Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    opened.append(os.readlink(link))
                except OSError:
                    continue
        return [
            *map(str, self.temporary.iterdir()),
            *(path for path in opened if str(self.temporary) in path),
        ]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # it has ended
        return ""
