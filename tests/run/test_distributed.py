"""Work spread over a dask cluster gives what one process gives, whatever happens to the cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imtools.audio.encode import write
from imtools.errors import AudioError
from imtools.layouts import Entry
from imtools.manifest import Record
from imtools.run import Blueprint, Item
from imtools.run.failures import ReportedError, failure_record
from imtools.run.remote import Paths
from shell import BIN, environment, interruptible, without_coverage
from waiting import wait_until
from workspace import RATE, write_note

distributed = pytest.importorskip("distributed")

PATIENCE = 60


def surroundings(**more: str) -> dict[str, str]:
    return environment(**without_coverage(), **more)


class TestCluster:
    """A scheduler and workers on the loopback, each a process of its own."""

    __test__ = False

    def __init__(self, folder: Path, *scheduler: str, **env: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._processes, self._env = folder, [], env
        self.address = str(folder / "scheduler.json")
        self._start("scheduler", "--port", "0", "--scheduler-file", self.address, *scheduler)
        assert wait_until(lambda: os.path.exists(self.address) and os.path.getsize(self.address)), (
            "no scheduler"
        )

    @property
    def options(self) -> tuple[str, ...]:
        return ("--engine", "dask", "--scheduler", self.address)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [BIN / "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
        with open(self._folder / f"{len(self._processes)}.log", "wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=surroundings(**self._env),
            )
        self._processes.append(process)
        return process

    def add_workers(self, count: int, *arguments: str) -> None:
        """Start workers of one thread each, and wait for them."""
        for _ in range(count):
            common = ("--scheduler-file", self.address, "--no-nanny", "--nthreads", "1")
            self._start("worker", *common, "--local-directory", str(self._folder), *arguments)
        with self.client() as client:
            client.wait_for_workers(count, timeout=PATIENCE)

    def client(self) -> Any:
        return distributed.Client(scheduler_file=self.address, set_as_default=False, timeout=PATIENCE)

    def kill_scheduler(self) -> None:
        self._processes[0].kill()
        self._processes[0].wait()

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    made = TestCluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.add_workers(2)
        yield made
    finally:
        made.stop()


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[TestCluster]:
    """A cluster that a test may break; it has no workers yet."""
    made = TestCluster(tmp_path / "cluster")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def long_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with six blocks of records that take a while: ``list.jsonl`` over four files."""
    folder = tmp_path_factory.mktemp("long")
    lines = []
    for number in range(4):
        write_note(folder / "lib" / f"{number}.wav", "cla", number, seconds=8.2)
    samples = round(8.2 * RATE)
    for number in range(96):
        record = Record(
            f"n{number:02d}", f"lib/{number % 4}.wav", 0.0, samples / RATE, RATE, samples
        ).to_json()
        lines.append(json.dumps(record) + "\n")
    (folder / "list.jsonl").write_text("".join(lines))
    return folder


SEGMENTS = ("--length", "0.5", "--rate", "44100")


def assert_same_tree(one: Path, other: Path) -> None:
    """All files have the same bytes; run.json, which holds the arguments, but for the directory's name."""

    def content(folder: Path) -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(folder)): path.read_bytes().replace(os.fsencode(folder), b"DIR")
            if path.name == "run.json"
            else path.read_bytes()
            for path in files
        }

    left, right = content(one), content(other)
    assert left.keys() == right.keys()
    assert [name for name in left if left[name] != right[name]] == []


def processes_at_work(client: Any) -> list[int]:
    """Return the process ids of the workers that hold tasks."""
    pids = client.run(os.getpid)
    return [pids[address] for address, keys in client.processing().items() if keys and address in pids]


CALLS = {
    "segments": ("im-segment", "--rate", "11025", "lib"),
    "pointers": ("im-segment", "--rate", "11025", "index.jsonl"),
    "features": ("im-features", "segments.jsonl"),
    "predictions": ("im-predict", "-m", "model", "--windows", "lib"),
    "held-out": ("im-predict", "-m", "model", "--held-out", "features"),
    "mixes": ("im-mix", "--limit", "20", "folds.jsonl"),
    "rendered": ("im-mix", "--render", "mixes.jsonl"),
    "copies": ("im-augment", "--gain", "-6:6", "--crop", "0.4", "segments.jsonl"),
    "some-copies": ("im-augment", "--polarity", "0.5", "--copies", "2", "--limit", "9", "segments.jsonl"),
}


@pytest.mark.slow(4)
@pytest.mark.parametrize("call", CALLS)
def test_a_cluster_gives_the_same_bytes(
    call: str, run, space: Path, cluster: TestCluster, tmp_path: Path
) -> None:
    results = {}
    for engine, options in (("here", ()), ("there", cluster.options)):
        result = run(*CALLS[call], "-o", str(tmp_path / engine), *options, cwd=space)
        assert result.returncode == 0, result.stderr.decode()
        results[engine] = result.stdout.replace(os.fsencode(tmp_path / engine), b"DIR")
    assert results["there"] == results["here"]
    assert results["here"].count(b"\n") >= 8
    assert_same_tree(tmp_path / "here", tmp_path / "there")


@pytest.mark.slow(2)
def test_relative_names_stay_relative(run, cluster: TestCluster, tmp_path: Path) -> None:
    work = tmp_path / "work"
    write_note(tmp_path / "up" / "a.wav", "cla", 1)
    write_note(work / "lib" / "two words.wav", "cla", 2)
    write_note(work / "lib" / "caf\udce9.wav", "cla", 3)  # not UTF-8
    (work / "lib" / "bad.wav").write_bytes(b"no audio")
    inputs = ("../up/a.wav", "lib", str(work / "lib" / "gone.wav"), "lib/gone.flac")
    for name, options in (("here", ()), ("there", cluster.options)):
        folder = tmp_path / name
        work.rename(folder)  # so that nothing but the name of the working directory tells them apart
        arguments = [one.replace(str(work), str(folder)) for one in inputs]
        result = run("im-segment", "-o", "out", "--failures", "f.jsonl", *options, *arguments, cwd=folder)
        assert result.returncode == 3, result.stderr.decode()
        (folder / "stdout").write_bytes(result.stdout.replace(os.fsencode(folder), b"WORK"))
        for file in ("stdout", "f.jsonl", "out/manifest.jsonl", "out/journal.jsonl"):
            text = (folder / file).read_bytes().replace(os.fsencode(folder), b"WORK")
            (tmp_path / f"{name}-{Path(file).name}").write_bytes(text)
        folder.rename(work)
        subprocess.run(["rm", "-r", work / "out", work / "stdout", work / "f.jsonl"], check=True)
    for file in ("stdout", "f.jsonl", "manifest.jsonl"):
        assert (tmp_path / f"there-{file}").read_bytes() == (tmp_path / f"here-{file}").read_bytes()
    failures = [json.loads(line) for line in (tmp_path / "there-f.jsonl").read_text().splitlines()]
    assert [failure["audio"] for failure in failures] == ["lib/bad.wav", "WORK/lib/gone.wav", "lib/gone.flac"]
    assert all(failure["message"].startswith(failure["audio"] + ":") for failure in failures)
    assert {failure["error"] for failure in failures} == {"AudioError"}


@pytest.mark.slow(2)
def test_long_records_and_bad_ones_among_features(run, cluster: TestCluster, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for name, seconds in (("a", 1.0), ("b", 30.0), ("c", 1.0), ("d", 26.0), ("e", 30.0)):
        write(tmp_path / "lib" / f"{name}.wav", random.uniform(-0.5, 0.5, round(seconds * RATE)), RATE, "wav")
    bad = np.zeros(round(28 * RATE), np.float32)
    write(tmp_path / "lib" / "d.wav", bad, RATE, "wav")
    damaged = bytearray((tmp_path / "lib" / "d.wav").read_bytes())
    damaged[-400:-396] = np.float32("nan").tobytes()
    (tmp_path / "lib" / "d.wav").write_bytes(damaged)
    for name, options in (("here", ()), ("there", cluster.options)):
        arguments = ("-o", str(tmp_path / name), "--failures", str(tmp_path / f"{name}.jsonl"), "lib")
        result = run("im-features", "--hop-length", "2048", *options, *arguments, cwd=tmp_path)
        assert result.returncode == 3, result.stderr.decode()
    assert_same_tree(tmp_path / "here", tmp_path / "there")
    assert (tmp_path / "here.jsonl").read_bytes() == (tmp_path / "there.jsonl").read_bytes()
    (failure,) = [json.loads(line) for line in (tmp_path / "there.jsonl").read_text().splitlines()]
    assert failure["audio"] == "lib/d.wav"
    assert not (tmp_path / "there" / ".long").exists()


@pytest.mark.slow(25)
def test_a_killed_worker_loses_nothing(run, long_list: Path, lone: TestCluster, tmp_path: Path) -> None:
    lone.add_workers(2)
    here = run("im-segment", *SEGMENTS, "-o", str(tmp_path / "here"), "list.jsonl", cwd=long_list)
    command = [BIN / "im-segment", *SEGMENTS, "-o", tmp_path / "there", *lone.options, "list.jsonl"]
    process = subprocess.Popen(
        command, cwd=long_list, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings()
    )
    with lone.client() as client:
        busy = wait_until(lambda: processes_at_work(client))
        assert busy, "no worker has anything to do"
        os.kill(busy[0], signal.SIGKILL)
    assert process.poll() is None
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors.decode()
    assert output.replace(b"/there/", b"/here/") == here.stdout
    assert_same_tree(tmp_path / "here", tmp_path / "there")
    with lone.client() as client:
        assert len(client.nthreads()) == 1


@pytest.mark.slow(16)
@pytest.mark.parametrize("broken_there", [True, False])
def test_what_one_engine_began_the_other_ends(
    broken_there: bool, run, long_list: Path, cluster: TestCluster, tmp_path: Path
) -> None:
    lines = (long_list / "list.jsonl").read_bytes()
    call = ("im-segment", *SEGMENTS)
    whole = run(*call, "-o", str(tmp_path / "whole"), stdin=lines, cwd=long_list)
    assert whole.returncode == 0
    engines = (cluster.options, ()) if broken_there else ((), cluster.options)
    out = tmp_path / "broken"
    process = subprocess.Popen(
        interruptible(BIN / call[0], *call[1:], "-o", out, "-j", "1", *engines[0]),
        cwd=long_list,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=surroundings(),
    )
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.flush()  # and the pipe stays open
    journal = out / "journal.jsonl"
    assert wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 3), (
        "nothing is committed"
    )
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=PATIENCE) == 130  # although its input has not ended
    assert process.stderr is not None
    errors = process.stderr.read()
    assert b"interrupted" in errors
    assert b"Traceback" not in errors
    assert not (out / "manifest.jsonl").exists()
    process.stdin.close()
    again = run(*call, "-o", str(out), "--resume", *engines[1], stdin=lines, cwd=long_list)
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout.replace(b"/broken/", b"/whole/") == whole.stdout
    run_json = [json.loads((folder / "run.json").read_text()) for folder in (tmp_path / "whole", out)]
    assert run_json[0]["params"] == run_json[1]["params"]
    for folder in (tmp_path / "whole", out):
        (folder / "run.json").unlink()  # one holds the number of jobs
    assert_same_tree(tmp_path / "whole", out)


@pytest.mark.slow(12)
def test_a_run_waits_for_workers(run, space: Path, lone: TestCluster) -> None:
    process = subprocess.Popen(
        [BIN / "im-segment", *lone.options, "lib"],
        cwd=space,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=surroundings(),
    )
    assert process.stderr is not None
    assert b"no workers" in process.stderr.readline()
    lone.add_workers(1)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors.decode()
    assert output == run("im-segment", "lib", cwd=space).stdout


@pytest.mark.slow(6)
def test_a_worker_of_another_version_is_refused(run, space: Path, lone: TestCluster, tmp_path: Path) -> None:
    (tmp_path / "older.py").write_text("import imtools\nimtools.__version__ = '0.0.1'\n")
    lone.add_workers(1, "--preload", str(tmp_path / "older.py"))
    result = run("im-segment", "-o", str(tmp_path / "out"), *lone.options, "lib", cwd=space)
    assert result.returncode == 1
    assert b"has imtools 0.0.1" in result.stderr
    assert b"install the same version" in result.stderr
    assert b"Traceback" not in result.stderr
    assert run("im-segment", "-o", str(tmp_path / "out"), "--resume", "lib", cwd=space).returncode == 0


@pytest.mark.slow(6)
@pytest.mark.parametrize("without", ["scheduler", "worker"])
def test_workers_need_imtools_and_the_scheduler_does_not(
    without: str, run, space: Path, tmp_path: Path
) -> None:
    preload = tmp_path / "lacking.py"
    preload.write_text("import sys\nsys.modules['imtools'] = None\n")
    lacking = {without: ("--preload", str(preload))}
    made = TestCluster(tmp_path / "cluster", *lacking.get("scheduler", ()))
    try:
        made.add_workers(1, *lacking.get("worker", ()))
        result = run("im-segment", *made.options, "lib", cwd=space)
    finally:
        made.stop()
    if without == "scheduler":  # it only passes on what it does not understand
        assert result.returncode == 0, result.stderr.decode()
        return
    assert result.returncode == 1
    assert b"install imtools==" in result.stderr
    assert result.stderr.count(b"\n") == 1


@pytest.mark.slow(6)
def test_items_that_kill_every_worker_are_named(run, space: Path, tmp_path: Path) -> None:
    preload = tmp_path / "deadly.py"
    preload.write_text(
        "import os\nfrom imtools.stages.segment import SegmentStage\n"
        "SegmentStage.prepare = lambda self, record: os._exit(1)\n"
    )
    made = TestCluster(tmp_path / "cluster", DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    try:
        made.add_workers(1, "--preload", str(preload))
        result = run("im-segment", "-o", str(tmp_path / "out"), *made.options, "lib", cwd=space)
    finally:
        made.stop()
    assert result.returncode == 1
    assert b"cla/0 to vio/3" in result.stderr
    assert b"Traceback" not in result.stderr
    assert run("im-segment", "-o", str(tmp_path / "out"), "--resume", "lib", cwd=space).returncode == 0


@pytest.mark.slow(11)
def test_a_lost_scheduler_is_an_error_that_can_be_resumed(
    run, long_list: Path, lone: TestCluster, tmp_path: Path
) -> None:
    lone.add_workers(1)
    call = ("im-segment", *SEGMENTS, "-o", str(tmp_path / "out"))
    process = subprocess.Popen(
        [BIN / call[0], *call[1:], *lone.options, "list.jsonl"],
        cwd=long_list,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=surroundings(),
    )
    with lone.client() as client:
        assert wait_until(lambda: processes_at_work(client)), "no worker has anything to do"
    lone.kill_scheduler()
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert b"gone away" in errors
    assert b"--resume" in errors
    assert b"Traceback" not in errors
    assert run(*call, "--resume", "list.jsonl", cwd=long_list).returncode == 0


@pytest.mark.slow(18)
def test_an_engine_needs_a_scheduler_that_answers(run, space: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def refused(*options: str) -> tuple[int, bytes]:
        result = run("im-segment", "-o", str(out), *options, "lib", cwd=space)
        assert b"Traceback" not in result.stderr
        assert result.stderr.count(b"\n") == 1
        assert not out.exists()
        return result.returncode, result.stderr

    assert refused("--engine", "dask")[0] == 2
    code, message = refused("--scheduler", "tcp://127.0.0.1:1")
    assert (code, b"--engine dask" in message) == (2, True)
    for address in ("nonsense://x", "tcp://127.0.0.1", "127.0.0.1", ""):
        code, message = refused("--engine", "dask", "--scheduler", address)
        assert (code, b"address" in message or not address) == (2, True)
    code, message = refused("--engine", "dask", "--scheduler", "gone.json")
    assert (code, b"gone.json" in message) == (2, True)
    code, message = refused("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1")
    assert (code, b"dask scheduler" in message) == (1, True)
    from_env = run("im-segment", "lib", cwd=space, env={"IMTOOLS_SCHEDULER": "tcp://127.0.0.1:1"})
    assert from_env.returncode == 0


def test_without_the_extra_the_message_says_what_to_install(space: Path) -> None:
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from imtools.cli.app import start; from imtools.cli.segment import command\n"
        "start(command, ['--engine', 'dask', '--scheduler', 'tcp://127.0.0.1:1', 'lib'])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=space, capture_output=True, check=False)
    assert result.returncode == 1
    assert b"pip install 'imtools[dask]'" in result.stderr


def test_help_loads_no_dask() -> None:
    code = (
        "import sys; from imtools.cli import COMMANDS, command\n"
        "for name in COMMANDS: command(name)\n"
        "print([name for name in ('dask', 'distributed', 'tornado') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


@pytest.mark.parametrize("folder", ["/", "/home/me/my music"])
def test_paths_come_back_as_they_went(folder: str) -> None:
    paths = Paths(folder)
    for path in ("a.wav", "../b/c.wav", "/abs/d.wav", "caf\udce9.wav", f"{folder}/e.wav"):
        there = paths.portable(path)
        assert os.path.isabs(there)
        assert paths.local(there) == path
        assert paths.local(f"{there}: cannot be read") == f"{path}: cannot be read"
        assert paths.local(str(Path(there))) == str(Path(path))


def test_paths_lead_where_they_did(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("here")
    assert Path(Paths(str(tmp_path)).portable("a")).read_text() == "here"
    assert Path(Paths("/").portable(str(tmp_path / "a")[1:])).read_text() == "here"


def test_items_are_sent_with_paths_that_lead_home(tmp_path: Path) -> None:
    import pickle

    paths = Paths(str(tmp_path))
    tracks = {"tracks": [{"audio": "t.wav", "mix": {"tracks": [{"audio": "/u.wav"}]}}]}
    record = Record("r", "a.wav", 0.0, 1.0, 8, 8, mix=tracks, source={"audio": "orig.wav"})
    items = [Item("r", record, "a.wav"), Item("e", Entry("e", "e.wav"), "e.wav")]
    sent = pickle.loads(paths.block([*items, Item("f", AudioError("f: bad", "mend it"))]))
    assert sent[0].value.audio == f"/{tmp_path}/a.wav"
    assert sent[0].value.mix["tracks"][0]["audio"] == f"/{tmp_path}/t.wav"
    assert sent[0].value.mix["tracks"][0]["mix"]["tracks"][0]["audio"] == "/u.wav"
    assert sent[0].value.source == {"audio": "orig.wav"}
    assert sent[1].value.audio == f"/{tmp_path}/e.wav"
    assert (sent[2].value.message, sent[2].value.hint) == ("f: bad", "mend it")
    assert items[0].value.audio == "a.wav"


def test_errors_tell_elsewhere_what_they_tell_here() -> None:
    import pickle

    for error in (AudioError("x.wav: is bad", "mend it"), AudioError("x"), ValueError("x"), KeyError("k")):
        told = pickle.loads(pickle.dumps(ReportedError.from_error(error)))
        assert failure_record("im-x", "i", None, "read", told) == failure_record(
            "im-x", "i", None, "read", error
        )
    changed = ReportedError("E", "//w/a", "look at //w/b").with_texts(lambda text: text.replace("//w/", ""))
    assert (changed.kind, changed.message, changed.hint) == ("E", "a", "look at b")


def test_a_blueprint_takes_its_paths_along(tmp_path: Path) -> None:
    import pickle

    arguments = ([(Path("model"), "digest")], Path("/abs"), "model", None)
    sent = pickle.loads(
        Paths(str(tmp_path)).blueprint(Blueprint(dict, arguments, {"deep": {"at": Path("x")}}))
    )
    assert sent.arguments == ([(Path(f"/{tmp_path}/model"), "digest")], Path("/abs"), "model", None)
    assert sent.keywords == {"deep": {"at": Path(f"/{tmp_path}/x")}}
