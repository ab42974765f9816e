"""Starting im-serve, and looking at what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from shell import BIN, environment, interruptible, unmeasured

ROUNDED = 1.001e-6
"""How far scores with six digits lie apart that were nearly the same before they were rounded."""


class Serving:
    """A server in a process of its own; a context manager.

    Parameters
    ----------
    folder : Path
        Where it may put temporary files: ``folder / "tmp"``.
    *options : str
        Of ``im-serve``.
    measured : bool
        Whether coverage is to know what it runs.
    background : bool
        Whether it is started as a shell starts a job in the background: ignoring Ctrl-C.
    """

    def __init__(self, folder: Path, *options: str, measured: bool = False, background: bool = False) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        more: dict[str, str | None] = {"TMPDIR": str(self.temporary)}
        if not measured:
            more |= unmeasured()
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
        self.told: dict[str, Any] = json.loads(line)
        self.url: str = self.told["url"]
        self.client = httpx.Client(base_url=self.url, timeout=120, trust_env=False)

    def __enter__(self) -> Serving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.client.close()  # not before: threads that wait for an answer would wait on

    def post(self, data: Any, kind: str = "audio/flac", **query: Any) -> httpx.Response:
        """Ask for a prediction."""
        return self.client.post("/v1/predict", content=data, headers={"Content-Type": kind}, params=query)

    def family(self) -> list[int]:
        """Return the processes: its own, the decoders, and what these have started."""
        found = [self.process.pid]
        for parent in found:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(pid) for pid in task.read_text().split()]
        return found

    def memory(self) -> int:
        """Return the bytes that all of them have to themselves."""
        total = 0
        for pid in self.family():
            for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
                if line.startswith(("Private_Dirty", "Private_Clean")):
                    total += int(line.split()[1]) * 1024
        return total

    def files(self) -> list[str]:
        """Return what lies in the folder for temporary files, and what it has open there."""
        held = []
        for pid in self.family():
            for link in Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    held.append(os.readlink(link))
                except OSError:
                    continue
        return [*map(str, self.temporary.iterdir()), *(one for one in held if str(self.temporary) in one)]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # it has ended
        return ""


def until(condition: Callable[[], Any], seconds: float) -> bool:
    """Wait for a condition; tell whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
