"""The finer points of the harness: what a run leaves untouched, and what it notices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from imtools.errors import UsageError
from imtools.manifest import Record, parse_line
from imtools.parallel import ordered_map
from imtools.run import Item
from imtools.run.groups import Good, Ready, blocks, cut
from imtools.run.items import parse_conditions
from imtools.run.shard import Shard
from shell import run_script, run_to_end
from workspace import write_note


def _lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def _library(folder: Path, names: range) -> None:
    for number in names:
        write_note(folder / f"{number:02d}.wav", "cla", number, seconds=1.1)


def test_a_resumed_run_whose_first_group_now_fails_repeats_no_record(run, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    _library(lib, range(16))  # one group of the journal
    assert run("im-segment", "-o", "out", "lib", cwd=tmp_path).returncode == 0
    for path in lib.iterdir():
        path.write_bytes(b"no longer audio")
    _library(lib, range(16, 40))
    assert run("im-segment", "-o", "out", "--resume", "lib", cwd=tmp_path).returncode == 3
    write_note(lib / "20.wav", "vio", 3, seconds=1.1)  # in the second group
    assert run("im-segment", "-o", "out", "--resume", "lib", cwd=tmp_path).returncode == 3
    ids = [record["id"] for record in _lines((tmp_path / "out" / "manifest.jsonl").read_bytes())]
    assert len(ids) == len(set(ids)) == 24


@pytest.mark.parametrize(
    "options",
    [
        ["--resume", "--length", "0.5"],
        ["--force", "--normalize", "rms"],
        ["--force", "--where", "nonsense"],
        ["--length", "2"],
    ],
)
def test_a_refused_run_leaves_the_earlier_output_alone(
    options: list[str], run, space: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    assert run("im-segment", "-o", out, "lib", cwd=space).returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert run("im-segment", "-o", out, *options, "lib", cwd=space).returncode == 2
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_mistyped_first_run_leaves_nothing_behind(run, space: Path, tmp_path: Path) -> None:
    for name, *options in (
        ("im-segment", "--where", "nonsense"),
        ("im-train", "--epochs", "0"),
        ("im-features", "--n-bins", "0"),
        ("im-mix", "--pairs", "cel"),
    ):
        failures = ["--failures", str(tmp_path / "failures.jsonl")]
        result = run(name, "-o", str(tmp_path / "out"), *failures, *options, "folds.jsonl", cwd=space)
        assert result.returncode == 2, result.stderr.decode()
        assert not os.listdir(tmp_path)


def test_a_dry_run_keeps_an_earlier_failures_file(run, space: Path, tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text("earlier")
    assert run("im-segment", "-n", "--failures", str(tmp_path / "f.jsonl"), "lib", cwd=space).returncode == 0
    assert (tmp_path / "f.jsonl").read_text() == "earlier"
    assert run("im-segment", "--failures", str(tmp_path / "f.jsonl"), "lib", cwd=space).returncode == 0
    assert (tmp_path / "f.jsonl").read_text() == ""


def test_output_and_input_must_differ(run, space: Path, tmp_path: Path) -> None:
    assert run("im-segment", "-o", str(tmp_path / "out"), "lib", cwd=space).returncode == 0
    for name in ("out", "out/manifest.jsonl"):
        result = run("im-segment", "--force", "-o", "out", name, cwd=tmp_path)
        assert result.returncode == 2
        assert b"input and output" in result.stderr
    assert (tmp_path / "out" / "manifest.jsonl").stat().st_size > 0


@pytest.mark.parametrize("name", ["im-index", "im-segment"])
def test_an_unfinished_output_is_no_data_set(name: str, run, space: Path, tmp_path: Path) -> None:
    assert run("im-segment", "-o", str(tmp_path / "out"), "lib", cwd=space).returncode == 0
    (tmp_path / "out" / "manifest.jsonl").rename(tmp_path / "out" / "manifest.jsonl.part")
    result = run(name, str(tmp_path / "out"))
    assert result.returncode == 1
    assert b"unfinished" in result.stderr


@pytest.mark.slow(8)
def test_options_that_are_lists_are_replayed(run, space: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    assert run("im-features", "--crop", "0:90", "-o", str(out), "folds.jsonl", cwd=space).returncode == 0
    assert run("im-features", "--config", str(out / "run.json"), "-o", str(again), cwd=space).returncode == 0
    assert np.load(again / "cqt-00000.npy").shape[1] == 90
    net = ["--model", "gururani2018", "--width", "0.05", "--epochs", "1", "--batch", "8"]
    chosen = ["--folds", "1", "--classes", "vio,cla"]
    model, other = tmp_path / "model", tmp_path / "other"
    assert run("im-train", *net, *chosen, "-o", str(model), "features", cwd=space).returncode == 0
    assert run("im-train", "--config", str(model / "run.json"), "-o", str(other), cwd=space).returncode == 0
    assert (other / "model.json").read_bytes() == (model / "model.json").read_bytes()
    assert json.loads((model / "model.json").read_text())["labels"] == ["vio", "cla"]


def test_every_option_has_the_variable_of_its_name() -> None:
    from imtools.cli import COMMANDS, command
    from imtools.cli.features import _PARAMETERS

    for name in COMMANDS:
        for param in command(name).params:
            long = next((option for option in param.opts if option.startswith("--")), None)
            if long not in (None, "--version", "--config"):
                variable = long[2:].replace("-", "_").upper()
                of_the_front_end = name == "features" and any(long == flag for flag, *_ in _PARAMETERS)
                assert param.envvar == f"IMTOOLS_{'FEATURES_' * of_the_front_end}{variable}"


def test_what_comes_before_a_fatal_line_does_not_depend_on_jobs(run, space: Path, tmp_path: Path) -> None:
    lines = (space / "index.jsonl").read_bytes().splitlines(keepends=True)
    data = (
        b"".join(line.replace(b'"id":"', b'"id":"%d/' % k) for k in range(4) for line in lines) + b"{bad}\n"
    )
    results = [run("im-segment", "-j", jobs, stdin=data, cwd=space) for jobs in ("1", "4")]
    assert [result.returncode for result in results] == [1, 1]
    assert results[0].stdout == results[1].stdout
    assert len(_lines(results[0].stdout)) == 64


def test_ordered_map_gives_what_it_has_before_it_raises() -> None:
    def source():
        yield from range(5)
        raise ValueError("the end")

    for jobs in (1, 3):
        results = ordered_map(lambda x: x * x, source(), jobs, ahead=10)
        assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
        with pytest.raises(ValueError, match="the end"):
            next(results)


def test_neighbours_from_one_place_share_a_thread() -> None:
    def which(number: int) -> tuple[int, int]:
        return number, threading.get_ident()

    results = list(ordered_map(which, range(64), 4, ahead=16, place=lambda number: number // 4))
    assert [number for number, _ in results] == list(range(64))
    for first in range(0, 64, 4):
        assert len({thread for _, thread in results[first : first + 4]}) == 1


def test_a_long_run_from_one_place_is_still_shared_out() -> None:
    barrier = threading.Barrier(2, timeout=20)  # broken unless two threads meet

    def meet(number: int) -> int:
        if number in (0, 8):
            barrier.wait()
        return number

    assert list(ordered_map(meet, range(16), 2, ahead=16, place=lambda number: "one file")) == list(range(16))


def test_no_more_is_prepared_ahead_than_was_asked_for() -> None:
    taken = []

    def source():
        for number in range(1000):
            taken.append(number)
            yield number

    results = ordered_map(lambda number: number, source(), 2, ahead=32, place=lambda number: number // 100)
    assert [next(results) for _ in range(40)] == list(range(40))
    assert len(taken) <= 40 + 32 + 2 * 8


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_no_json_names_its_line(value: str, run, space: Path) -> None:
    lines = (space / "index.jsonl").read_bytes().splitlines()
    key = b"start" if value == "1e999" else b"mood"
    lines[1] = lines[1][:-1] + b',"' + key + b'":' + value.encode() + b"}"
    result = run("im-segment", stdin=b"\n".join(lines) + b"\n", cwd=space)
    assert result.returncode == 1
    assert b"standard input:2" in result.stderr


@pytest.mark.parametrize("name", ["/tmp/escaped", "a//b", "a/", "../x", "a/../b"])
def test_ids_cannot_leave_the_output_directory(name: str, run, space: Path) -> None:
    record = _lines((space / "index.jsonl").read_bytes())[0] | {"id": name}
    result = run("im-segment", stdin=json.dumps(record).encode() + b"\n", cwd=space)
    assert result.returncode == 1
    assert b"'id'" in result.stderr


def test_features_that_have_changed_are_noticed(space: Path, tmp_path: Path) -> None:
    shutil.copytree(space / "features", tmp_path / "features")
    line = (tmp_path / "features" / "manifest.jsonl").read_text().splitlines()[0]
    record = parse_line(line, "x:1")
    record.features["cqt"].path = str(tmp_path / "features" / "cqt-00000.npy")
    item = Item(record.id, record, None)
    before = item.digest()
    assert item.digest() == before
    os.utime(tmp_path / "features" / "cqt-00000.npy", (1, 1))
    assert item.digest() != before


def test_a_file_given_twice_fails_once_and_two_of_one_name_do_not(run, space: Path) -> None:
    result = run("im-index", "lib/cla/0.wav", "lib/vio/0.wav", "lib/cla/0.wav", "lib/vio/0.wav", cwd=space)
    ids = [record["id"] for record in _lines(result.stdout)]
    assert len(ids) == len(set(ids)) >= 2
    assert result.returncode == 3
    assert b"given more than once" in result.stderr


def test_conditions_need_an_equals_sign_and_reach_into_arrays(space: Path) -> None:
    assert parse_conditions(["a.b=c=d"]) == [("a.b", "c=d")]
    with pytest.raises(UsageError, match="nonsense"):
        parse_conditions(["nonsense"])
    record = Record.from_json(_lines((space / "index.jsonl").read_bytes())[0])
    assert record.get("labels.label") == ["cla"]


def test_quiet_from_the_environment_is_quiet(run, space: Path) -> None:
    result = run("im-split", "--folds", "5", "-qj1", "segments.jsonl", cwd=space)
    assert result.returncode == 0
    assert result.stderr == b""
    loud = run("im-split", "--folds", "5", "segments.jsonl", cwd=space)
    assert b"warning" in loud.stderr
    assert run("im-segment", "lib", cwd=space, env={"IMTOOLS_QUIET": "1"}).stderr == b""


def test_a_run_like_another_model_is_not_resumed(run, space: Path, tmp_path: Path) -> None:
    shutil.copytree(space / "model", tmp_path / "model")
    like = ("im-features", "-o", "out", "--like", "model")
    segments = str(space / "segments.jsonl")
    assert run(*like, segments, cwd=tmp_path).returncode == 0
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    description["name"] = "another"
    (tmp_path / "model" / "model.json").write_text(json.dumps(description))
    assert run(*like, "--resume", segments, cwd=tmp_path).returncode == 2


def test_variables_of_other_commands_leave_features_alone(run, space: Path, tmp_path: Path) -> None:
    env = {"IMTOOLS_THRESHOLD": "0.3", "IMTOOLS_RATE": "8000", "IMTOOLS_NORMALIZE": "none"}
    for name, variables in (("plain", {}), ("others", env)):
        done = run("im-features", "-o", str(tmp_path / name), "segments.jsonl", cwd=space, env=variables)
        assert done.returncode == 0, done.stderr
    plain, others = ((tmp_path / name / "cqt-00000.npy").read_bytes() for name in ("plain", "others"))
    assert plain == others
    own = run("im-features", "-o", str(tmp_path / "own"), "segments.jsonl", cwd=space,
              env={"IMTOOLS_FEATURES_KIND": "mel", "IMTOOLS_FEATURES_HOP_LENGTH": "1000"})  # fmt: skip
    assert own.returncode == 0
    assert json.loads((tmp_path / "own" / "cqt.json").read_text())["config"]["hop_length"] == 1000


def test_closed_standard_error_is_no_failure(space: Path, tmp_path: Path) -> None:
    command = f"im-features -q -o '{tmp_path}/out' segments.jsonl > /dev/null 2>&-"
    assert run_script(command, space).returncode == 0


def test_groups_are_the_blocks_cut_again_where_the_audio_is_long() -> None:
    def groups(seconds: list[float], first: int = 0) -> list[int]:
        ready = (
            Ready(Item(str(n), None), "", Good(Record(str(n), None, 0, length, 1, round(length)), None))
            for n, length in enumerate(seconds)
        )
        return [len(group) for group in cut(ready, 4, first)]

    assert groups([1500.0] * 7) == [3, 1, 3]
    assert groups([1.0] * 10) == [4, 4, 2]
    assert groups([1.0] * 6, first=6) == [2, 4]
    assert groups([4000.0, 4000.0, 1.0, 1.0, 1.0]) == [1, 1, 2, 1]
    assert groups([]) == []
    # Whatever was done before, what is left is cut at the same places.
    long = [1500.0, 10.0, 3000.0, 5.0, 20.0, 3600.0, 1.0, 2.0, 3.0, 7200.0]
    whole = groups(long)
    for kept in range(len(whole)):
        first = sum(whole[:kept])
        assert groups(long[first:], first) == whole[kept:]


def test_blocks_are_counted_from_the_start_of_the_input() -> None:
    assert [len(block) for block in blocks(range(10), 4, 0)] == [4, 4, 2]
    assert [len(block) for block in blocks(range(10), 4, 7)] == [1, 4, 4, 1]
    assert list(blocks([], 4, 3)) == []


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1.0/2", "\u0661/2"])
def test_shards_that_make_no_sense_are_refused(text: str, run, space: Path) -> None:
    with pytest.raises(UsageError, match="`shard`"):
        Shard.parse(text)
    result = run("im-segment", "--shard", text, "lib", cwd=space)
    assert result.returncode == 2
    assert b"I/N" in result.stderr


def test_a_shard_is_every_nth_thing_and_counts_once() -> None:
    things = list(range(11))
    shares = [list(Shard.parse(f"{number}/3").take(things)) for number in (1, 2, 3)]
    assert shares == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]]
    for number, share in enumerate(shares, 1):
        assert [n for n in things if Shard(number, 3).holds(n)] == share
    assert list(Shard.parse(None).take(things)) == things


SHARDED = {
    "im-index": ("lib",),
    "im-segment": ("--rate", "11025", "index.jsonl"),
    "im-mix": ("--limit", "5", "folds.jsonl"),
    "im-augment": ("--gain", "-6:6", "segments.jsonl"),
    "im-predict": ("-m", "model", "--where", "fold=1", "folds.jsonl"),
}


@pytest.mark.parametrize("name", SHARDED)
def test_shards_make_together_what_one_run_makes(name: str, run, space: Path) -> None:
    whole = run(name, *SHARDED[name], cwd=space)
    assert whole.returncode == 0, whole.stderr.decode()
    shards = [run(name, "--shard", f"{n}/3", *SHARDED[name], cwd=space) for n in (1, 2, 3)]
    assert [shard.returncode for shard in shards] == [0, 0, 0]
    counts = [len(shard.stdout.splitlines()) for shard in shards]
    assert min(counts) > 0
    assert b"".join(sorted(whole.stdout.splitlines(True))) == b"".join(
        sorted(line for shard in shards for line in shard.stdout.splitlines(True))
    )


def test_shards_of_copies_and_of_features(run, space: Path, tmp_path: Path) -> None:
    copies = ("im-augment", "--pitch", "-2,2", "--limit", "7", "segments.jsonl")
    whole = _lines(run(*copies, cwd=space).stdout)
    parts = [_lines(run(*copies, "--shard", f"{n}/2", cwd=space).stdout) for n in (1, 2)]
    assert sorted(map(json.dumps, whole)) == sorted(json.dumps(one) for part in parts for one in part)
    for out, *share in (("whole",), ("one", "--shard", "1/2"), ("two", "--shard", "2/2")):
        result = run("im-features", "-o", str(tmp_path / out), *share, "segments.jsonl", cwd=space)
        assert result.returncode == 0, result.stderr.decode()
    rows, one, two = (np.load(tmp_path / out / "cqt-00000.npy") for out in ("whole", "one", "two"))
    np.testing.assert_allclose(one, rows[0::2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two, rows[1::2], rtol=1e-4, atol=1e-5)


def test_a_shard_counts_what_it_takes_and_is_not_resumed_by_another(run, space: Path, tmp_path: Path) -> None:
    dry = run("im-segment", "--shard", "2/3", "-n", "index.jsonl", cwd=space)
    assert b"3 items of shard 2/3" in dry.stderr  # of eight
    out = ("-o", str(tmp_path / "out"))
    assert run("im-segment", *out, "--shard", "1/3", "lib", cwd=space).returncode == 0
    for options in (("--shard", "2/3"), ("--shard", "1/2"), ()):
        refused = run("im-segment", *out, *options, "--resume", "lib", cwd=space)
        assert refused.returncode == 2
        assert b"other options" in refused.stderr
    assert run("im-segment", *out, "--shard", "1/3", "--resume", "lib", cwd=space).returncode == 0


def test_a_fault_of_the_whole_is_reported_by_one_shard(run, space: Path, tmp_path: Path) -> None:
    shutil.copytree(space / "lib", tmp_path / "lib")
    (tmp_path / "lib" / "vio" / "2.wav").write_bytes(b"no longer audio")
    failed = [run("im-mix", "--shard", f"{n}/2", "lib", cwd=tmp_path).returncode for n in (1, 2)]
    assert sorted(failed) == [0, 3]


INTERRUPTING = """
import io, os, signal, sys
import numpy as np
import soundfile as sf
from imtools.run import Passing, execute
from imtools.run.context import Options, Run

signals, swallowed, out, *resume = sys.argv[1:]

def send(number):
    os.kill(os.getpid(), number)

class Disk(io.BytesIO):
    number = 0
    def write(self, data):  # what is raised in here is dropped by what calls it
        if self.number:
            number, self.number = self.number, 0
            send(number)
        return super().write(data)

class Stage(Passing):
    group_size = 2
    def process(self, records, prepared):
        if records[0].id == "cla/2":  # in the second group of four
            for name in signals.split():
                number = getattr(signal, name)
                if swallowed == "True":
                    disk = Disk()
                    disk.number = number
                    sf.write(disk, np.zeros(9), 8000, format="FLAC")
                else:
                    send(number)
        return super().process(records, prepared)

def terminate(*_):
    raise SystemExit(143)

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, terminate)
try:
    with Run("im-segment", "1", Options(inputs=["lib"], output=out, resume=bool(resume), jobs=2), {}) as run:
        execute(run, Stage(), run.items())
except KeyboardInterrupt:
    sys.exit(130)
"""
"""A command that is interrupted while it works on its second group."""


@pytest.mark.parametrize("swallowed", [False, True])
@pytest.mark.parametrize(
    ("signals", "code", "kept"), [("SIGINT", 130, 2), ("SIGINT SIGINT", 130, 1), ("SIGTERM", 143, 1)]
)
def test_the_first_interruption_waits_for_the_group_at_work(
    signals: str, swallowed: bool, code: int, kept: int, space: Path, tmp_path: Path
) -> None:
    def begin(signals: str, out: str, *resume: str) -> subprocess.CompletedProcess[bytes]:
        arguments = [signals, str(swallowed), str(tmp_path / out), *resume]
        return run_to_end([sys.executable, "-c", INTERRUPTING, *arguments], cwd=space)

    assert begin("", "whole").returncode == 0
    broken = begin(signals, "broken")
    assert broken.returncode == code, broken.stderr.decode()
    assert (b"finishing the current items" in broken.stderr) == ("SIGINT" in signals)
    journal = (tmp_path / "broken" / "journal.jsonl").read_text().splitlines()
    assert len(journal) == 1 + kept  # the first line says what run it is
    assert begin("", "broken", "resume").returncode == 0
    assert (tmp_path / "broken" / "manifest.jsonl").read_bytes() == (
        tmp_path / "whole" / "manifest.jsonl"
    ).read_bytes()
