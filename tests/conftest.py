"""What all tests share: the order in which they run, folders, tones, and running a command as a user does."""

from __future__ import annotations

import os

# Before torch and NumPy, which read these once. The workers of pytest share the processors: threads that wait
# for each other by spinning take them from other workers, and a training of a thousand small steps, which is
# seconds of work, may then take an hour.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as imtools sets it where it computes

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from paths import EXAMPLES, ROOT
from shared import contents, made_once
from shell import preforked, run_to_end
from workspace import build_shop, build_workspace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow tests first, the slowest modules and their slowest tests before the others.

    Otherwise one worker may be left with a long test at the end, while the others have nothing to do.
    """
    weights = {item: weight(item) for item in items}
    modules: dict[Path, float] = {}
    for item in items:
        modules[item.path] = max(weights[item], modules.get(item.path, 0.0))
    slow = [item for item in items if weights[item]]
    slow.sort(key=lambda item: (-modules[item.path], str(item.path), -weights[item]))
    items[:] = [*slow, *(item for item in items if not weights[item])]


def weight(item: pytest.Item) -> float:
    """Return the seconds that a test's ``slow`` marker gives, or 0 for a test without one."""
    marker = item.get_closest_marker("slow")
    return 0.0 if marker is None else float(*(marker.args or (5,)))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real recordings beside the project; tests that need it are skipped without it."""
    folder = Path(os.environ.get("IMTOOLS_SHARED", ROOT.parent / "shared"))
    if not (folder / "audio" / "manifest.jsonl").exists():
        pytest.skip(f"no shared recordings at {folder} (set IMTOOLS_SHARED to their folder)")
    return folder


@pytest.fixture(scope="session")
def examples_audio() -> Path:
    """The bundled recordings."""
    return EXAMPLES


Command = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="session")
def run() -> Command:
    """Run a command in a process of its own: ``run("im-segment", "a.wav", stdin=b"...", cwd=...)``."""

    def run_command(
        name: str,
        *arguments: str | bytes | Path,
        stdin: bytes | None = None,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        return run_to_end([preforked() / name, *arguments], stdin=stdin, cwd=cwd, env=env)

    return run_command


@pytest.fixture(scope="session")
def space(run: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The workspace of the commands' tests (see `build_workspace`); do not write to it."""
    folder = made_once(tmp_path_factory, "workspace", lambda folder: build_workspace(run, folder))
    before = contents(folder)
    yield folder
    assert contents(folder) == before, "a test has written to the workspace that all tests share"


@pytest.fixture(scope="session")
def shop(run: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files that the examples of the documents mention; copy it to run them."""
    return made_once(tmp_path_factory, "shop", lambda folder: build_shop(run, folder))


@pytest.fixture
def make_tone(tmp_path: Path) -> Callable[..., Path]:
    """Write a tone: ``make_tone("a.wav", seconds=2, frequency=440, rate=22050)``."""

    def make(
        name: str,
        seconds: float = 2.0,
        frequency: float = 440.0,
        rate: int = 22050,
        folder: Path | None = None,
    ) -> Path:
        path = (folder or tmp_path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(round(seconds * rate)) / rate
        soundfile.write(
            os.fsencode(path), 0.5 * np.sin(2 * np.pi * frequency * time), rate, format="WAV", subtype="FLOAT"
        )
        return path

    return make
