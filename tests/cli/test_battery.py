"""What every command must stand, the same for all of them."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from imtools import __version__
from imtools.cli import COMMANDS
from shared import made_once
from shell import BIN, environment, interruptible, run_script, run_to_end, without_coverage
from workspace import CASES, NEEDS_OUTPUT, RATE, Case, write_note

pytestmark = pytest.mark.slow(1)  # every command under every condition


def each(cases: list[Case]) -> pytest.MarkDecorator:
    """Test all these cases; a training is slow."""
    marks = {"im-train": [pytest.mark.slow(3)]}
    parameters = [pytest.param(case, id=case.title, marks=marks.get(case.name, [])) for case in cases]
    return pytest.mark.parametrize("case", parameters)


EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
READERS = each([case for case in CASES if case.source is not None])
WRITERS = each([case for case in CASES if case.writes])
PER_ITEM = pytest.mark.parametrize("case", [c for c in CASES if c.per_item], ids=lambda case: case.title)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@dataclass(frozen=True)
class Run:
    """What an unbroken run of a command has written to its output directory and to standard output."""

    folder: Path
    output: bytes

    def copy(self, name: str) -> Path:
        """Copy the output directory to one beside it (its paths are relative), for a test to change."""
        return Path(shutil.copytree(self.folder, self.folder.with_name(name)))

    def assert_repeated(self, folder: Path, output: bytes) -> None:
        """Compare standard output, which may name the output directory, with that of a run into another."""
        assert output.replace(str(folder).encode(), str(self.folder).encode()) == self.output


@pytest.fixture
def whole(case: Case, run, space: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An unbroken run of a case, made once for all tests that compare others with it."""

    def make(folder: Path) -> None:
        (folder / "stdout").write_bytes(_run_whole(case, run, space, folder / "out"))

    folder = made_once(tmp_path_factory, f"whole-{case.title.replace(' ', '-')}", make)
    return Run(folder / "out", (folder / "stdout").read_bytes())


def _call(case: Case, space: Path, out: Path) -> list[str]:
    """The options of a case, with an output directory only where the command insists on one."""
    return case.call(space, out if case.name in NEEDS_OUTPUT else None)


def _lines(data: bytes) -> list[dict]:
    if data.startswith(b"{\n"):  # one object for people to read
        return [json.loads(data.decode("ascii"), parse_constant=pytest.fail)]
    return [json.loads(line, parse_constant=pytest.fail) for line in data.decode("ascii").splitlines()]


def _no_trace(result) -> None:
    assert b"Traceback" not in result.stderr
    assert b"Exception ignored" not in result.stderr


def _source_lines(case: Case, space: Path) -> bytes:
    name = "index.jsonl" if case.source == "lib" else case.source
    return (space / name).read_bytes()


@pytest.fixture(autouse=True)
def _commands_go_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests measure what is covered; with hundreds of commands it would take half as long again."""
    for name in without_coverage():
        monkeypatch.delenv(name)


def _failures(path: Path) -> list[dict]:
    return _lines(path.read_bytes())


# ---------------------------------------------------------------------------------------- help and version


def test_the_cases_cover_every_command() -> None:
    assert list(dict.fromkeys(case.name for case in CASES)) == [f"im-{name}" for name in COMMANDS]


@EACH
def test_help_and_version(case: Case, run) -> None:
    for flag in ("-h", "--help"):
        result = run(case.name, flag)
        assert result.returncode == 0
        assert result.stdout.startswith(b"Usage: " + case.name.encode())
        assert result.stderr == b""
    assert run(case.name, "--version").stdout == f"{case.name} {__version__}\n".encode()
    umbrella = run("im", case.name.removeprefix("im-"), "--help")
    assert umbrella.stdout == result.stdout


@EACH
def test_help_loads_nothing_heavy(case: Case) -> None:
    heavy = ("torch", "numpy", "librosa", "scipy", "sklearn", "soundfile", "rich")
    code = (
        "import sys; from imtools.cli import command;"
        f"command({case.name.removeprefix('im-')!r});"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


def test_the_umbrella_shows_the_pipeline_in_order(run) -> None:
    text = run("im", "--help").stdout.decode()
    places = [text.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert run("im", "nonsense").returncode == 2


@EACH
def test_unknown_options_are_usage_errors(case: Case, run) -> None:
    result = run(case.name, "--nonsense")
    assert result.returncode == 2
    assert b"--nonsense" in result.stderr


# ------------------------------------------------------------------------------------------------- streams


@READERS
def test_a_manifest_on_standard_input(case: Case, run, space: Path, out: Path) -> None:
    data = b"".join(
        json.dumps(_absolute(record, space / case.source)).encode() + b"\n"
        for record in _lines(_source_lines(case, space))
    )
    for k, arguments in enumerate(((), ("-",))):
        target = out / str(k)
        result = run(case.name, *_call(case, space, target), *arguments, stdin=data, cwd=space)
        assert result.returncode == 0, result.stderr.decode()
        assert _lines(result.stdout)
        assert b" failed" in result.stderr.splitlines()[-1]


def _absolute(record: dict, manifest: Path) -> dict:
    folder = manifest.parent
    if record.get("audio"):
        record["audio"] = str(folder / record["audio"])
    for feature in record.get("features", {}).values():
        feature["path"] = str(folder / feature["path"])
    for track in record.get("mix", {}).get("tracks", []):
        track["audio"] = str(folder / track["audio"])
    return record


@READERS
def test_empty_input(case: Case, run, space: Path, out: Path) -> None:
    result = run(case.name, *_call(case, space, out), "-", stdin=b"", cwd=space)
    _no_trace(result)
    assert result.stdout == b""
    if case.per_item:
        assert result.returncode == 0
    else:  # nothing can be split, mixed, trained on or scored: that is an error, and a clear one
        assert result.returncode in (1, 2)
        assert b"no record" in result.stderr


@READERS
@pytest.mark.parametrize(
    "bad", [b"{broken\n", b"[1,2]\n", b'{"schema":"imtools/segment/1","id":"x"}\n', b"\xff\xfe\n"]
)
def test_bad_json_names_file_and_line(
    case: Case, bad: bytes, run, space: Path, tmp_path: Path, out: Path
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\n" + bad + b'{"more": 1}\n')
    inputs = ["-"] if case.name == "im-index" else [str(path)]
    result = run(case.name, *_call(case, space, out), *inputs, stdin=path.read_bytes(), cwd=space)
    assert result.returncode == 1
    assert (b"standard input:2" if inputs == ["-"] else b"bad.jsonl:2") in result.stderr
    _no_trace(result)


@READERS
def test_a_torn_last_line_fails_alone(case: Case, run, space: Path, out: Path, tmp_path: Path) -> None:
    data = b"".join(
        json.dumps(_absolute(record, space / case.source)).encode() + b"\n"
        for record in _lines(_source_lines(case, space))
    )
    failures = tmp_path / "failures.jsonl"
    arguments = [*_call(case, space, out), "--failures", str(failures), "-"]
    result = run(case.name, *arguments, stdin=data + data[:50], cwd=space)
    assert result.returncode == 3, result.stderr.decode()
    assert _lines(result.stdout)
    (failure,) = _failures(failures)
    assert "torn" in failure["message"]
    assert failure["schema"] == "imtools/failure/1"


@READERS
def test_a_missing_file_is_named(case: Case, run, space: Path, out: Path) -> None:
    result = run(case.name, *_call(case, space, out), "gone.jsonl", cwd=space)
    assert result.returncode == 1
    assert b"gone.jsonl" in result.stderr
    _no_trace(result)


@pytest.mark.slow(2)
@EACH
def test_a_closed_pipe_is_no_drama(case: Case, run, space: Path, out: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    result = run_to_end([BIN / case.name, *_call(case, space, out), *case.inputs], stdout=write, cwd=space)
    os.close(write)
    assert result.returncode == 141
    _no_trace(result)


@EACH
def test_a_dry_run_writes_nothing(case: Case, run, space: Path, out: Path) -> None:
    result = run(case.name, *case.call(space, out), "--dry-run", *case.inputs, cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout == b""
    assert b"dry run" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize("case", [c for c in CASES if c.ends], ids=lambda case: case.title)
def test_quiet_is_quiet(case: Case, run, space: Path, out: Path) -> None:
    result = run(case.name, *_call(case, space, out), "--quiet", *case.inputs, cwd=space)
    assert result.returncode == 0
    assert result.stderr == b""
    assert _lines(result.stdout)


@READERS
def test_the_order_of_output_does_not_depend_on_jobs(case: Case, run, space: Path, out: Path) -> None:
    results = [
        run(
            case.name, *_call(case, space, out / jobs), "--jobs", jobs, *case.inputs, cwd=space
        ).stdout.replace(str(out / jobs).encode(), b"OUT")
        for jobs in ("1", "3")
    ]
    assert results[0] == results[1]
    assert results[0]


# ------------------------------------------------------------------------------------------------ bad audio


def _bad_audio(folder: Path) -> list[str]:
    """Write one file of each kind of damage; return their names."""
    folder.mkdir(parents=True)
    good = folder / "good.wav"
    write_note(good, "cla", 3)
    (folder / "corrupt.wav").write_bytes(np.random.default_rng(0).bytes(20_000))
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "nothing.wav", np.zeros(0), RATE)
    samples = np.sin(np.arange(3 * RATE) / 20)
    samples[RATE] = np.nan
    soundfile.write(folder / "nan.wav", samples, RATE, subtype="FLOAT")
    soundfile.write(folder / "truncated.flac", np.random.default_rng(1).standard_normal(3 * RATE) / 5, RATE)
    whole = (folder / "truncated.flac").read_bytes()
    (folder / "truncated.flac").write_bytes(whole[: len(whole) // 2])
    return ["corrupt", "empty", "nothing", "nan", "truncated"]


def _audio_calls(case: Case, space: Path, out: Path) -> list[str]:
    """The options that make a command read the samples of each file."""
    extra = {"im-index": ["--check"], "im-segment": ["-o", str(out)], "im-augment": ["-o", str(out)]}
    return [*_call(case, space, out), *extra.get(case.name, [])]


@pytest.mark.parametrize("case", [c for c in CASES if c.per_item and c.decodes], ids=lambda case: case.title)
def test_bad_audio_fails_alone(case: Case, run, space: Path, out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    names = _bad_audio(folder)
    inputs = [str(folder / name) for name in sorted(os.listdir(folder))]
    failures = tmp_path / "failures.jsonl"
    arguments = [
        *_audio_calls(case, space, out),
        "--failures",
        str(failures),
        *inputs,
        str(folder / "missing.wav"),
    ]
    result = run(case.name, *arguments, cwd=space)
    _no_trace(result)
    assert result.returncode == 3, result.stderr.decode()
    assert {record["id"].split("-0")[0].split("/")[0] for record in _lines(result.stdout)} == {"good"}
    failed = _failures(failures)
    assert sorted(os.path.basename(f["audio"]).split(".")[0] for f in failed) == sorted([*names, "missing"])
    for failure in failed:
        assert os.path.basename(failure["audio"]) in failure["message"]
        assert failure["tool"] == case.title
    assert f"1 item ok, {len(failed)} failed".encode() in result.stderr


def test_bad_audio_in_a_mix_fails_alone(run, space: Path, out: Path, tmp_path: Path) -> None:
    shutil.copytree(space / "lib", tmp_path / "lib")
    shutil.copy(space / "folds.jsonl", tmp_path / "folds.jsonl")
    (tmp_path / "lib" / "vio" / "2.wav").write_bytes(b"no longer audio")
    failures = tmp_path / "failures.jsonl"
    result = run("im-mix", "-o", str(out), "--failures", str(failures), "folds.jsonl", cwd=tmp_path)
    assert result.returncode == 3
    failed = _failures(failures)
    assert failed
    assert all("vio/2.wav" in failure["message"] for failure in failed)
    assert len(_lines(result.stdout)) + len(failed) == len(_lines((space / "mixes.jsonl").read_bytes()))


@PER_ITEM
def test_strict_stops_at_the_first_failure(case: Case, run, space: Path, out: Path, tmp_path: Path) -> None:
    bad = tmp_path / "a.wav"
    bad.write_bytes(b"")
    result = run(
        case.name, *_call(case, space, out), "--strict", str(bad), str(space / "lib/vio/0.wav"), cwd=space
    )
    assert result.returncode == 1
    assert b"a.wav" in result.stderr


ODD = [
    b"two words.wav",
    b"a,b.wav",
    b'it\'s "q".wav',
    b"line\nbreak.wav",
    b"caf\xe9 latin1.wav",
    "größe.wav".encode(),
    b"-o.wav",
]


@PER_ITEM
def test_odd_names(case: Case, run, space: Path, out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    for number, name in enumerate(ODD):
        write_note(folder / os.fsdecode(name), "vio", number)
    paths = [os.fsencode(folder) + b"/" + name for name in ODD]
    result = run(case.name, *_call(case, space, out), *paths, cwd=space)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    records = _lines(result.stdout)
    assert len({record["audio"] or record["mix"]["tracks"][0]["audio"] for record in records}) == len(ODD)
    assert len({record["id"] for record in records}) == len(records)
    listed = run(
        case.name, *_call(case, space, out / "nul"), "--null", stdin=b"\0".join(paths) + b"\0", cwd=space
    )
    assert [r["id"] for r in _lines(listed.stdout)] == [r["id"] for r in records]


# ------------------------------------------------------------------------------- output directories, resume


@WRITERS
def test_an_output_that_exists_is_not_overwritten(case: Case, run, space: Path, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    result = run(case.name, *case.call(space, out), *case.inputs, cwd=space)
    assert result.returncode == 2
    assert b"--resume" in result.stderr
    assert os.listdir(out) == ["mine.txt"]
    forced = run(case.name, *case.call(space, out), "--force", *case.inputs, cwd=space)
    assert forced.returncode == 0, forced.stderr.decode()
    assert (out / "mine.txt").read_text() == "keep"


def _run_whole(case: Case, run, space: Path, out: Path, *more: str) -> bytes:
    result = run(case.name, *case.call(space, out), *more, *case.inputs, cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


def _assert_same_tree(one: Path, other: Path) -> None:
    names = sorted(str(p.relative_to(one)) for p in one.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(other)) for p in other.rglob("*") if p.is_file())
    _, different, faulty = filecmp.cmpfiles(one, other, [n for n in names if n != "run.json"], shallow=False)
    assert not different
    assert not faulty
    # run.json holds the arguments, so the name of the output directory too
    assert (one / "run.json").read_text().replace(str(one), "") == (other / "run.json").read_text().replace(
        str(other), ""
    )


@WRITERS
@pytest.mark.slow(4)
def test_killed_and_resumed_ends_with_the_same_bytes(case: Case, run, space: Path, whole: Run) -> None:
    broken = whole.folder.with_name("killed")  # beside the other, as paths in it are relative
    program = os.path.join(os.path.dirname(sys.executable), case.name)
    for delay in (0.0, 0.02, 0.1, 0.3):
        arguments = [
            program,
            *case.call(space, broken),
            *(["--resume"] if broken.exists() else []),
            *case.inputs,
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(arguments, **quiet, cwd=space, env=environment())
        deadline = time.monotonic() + 60
        while not broken.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)  # kill it while it writes, not while Python starts
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    whole.assert_repeated(broken, _run_whole(case, run, space, broken, "--resume"))
    _assert_same_tree(whole.folder, broken)


@WRITERS
def test_resuming_a_finished_run_repeats_its_output(case: Case, run, space: Path, whole: Run) -> None:
    out = whole.copy("finished")
    whole.assert_repeated(out, _run_whole(case, run, space, out, "--resume"))


OWN_OUTPUT = ("im-train", "im-calibrate", "im-export onnx")
"""Commands whose output directory has no journal."""

JOURNALLED = pytest.mark.parametrize(
    "case", [c for c in CASES if c.writes and c.title not in OWN_OUTPUT], ids=lambda case: case.title
)


@JOURNALLED
@pytest.mark.slow(2)
def test_every_torn_state_of_the_journal_resumes(case: Case, run, space: Path, whole: Run) -> None:
    """What a kill leaves behind, made by hand: a cut journal, and a manifest that is ahead of it."""
    journal = (whole.folder / "journal.jsonl").read_bytes()
    for cut in {0, 10, journal.index(b"\n") + 1, len(journal) // 2, len(journal) - 1}:
        broken = whole.copy(f"cut{cut}")
        (broken / "journal.jsonl").write_bytes(journal[:cut])
        (broken / "manifest.jsonl").rename(broken / "manifest.jsonl.part")
        with open(broken / "manifest.jsonl.part", "ab") as stream:
            stream.write(b'{"torn')
        whole.assert_repeated(broken, _run_whole(case, run, space, broken, "--resume"))
        _assert_same_tree(whole.folder, broken)


@JOURNALLED
def test_resume_with_other_options_is_refused(case: Case, run, space: Path, whole: Run) -> None:
    other = {
        "im-index": ("--layout", "folders"), "im-segment": ("--length", "0.5"), "im-split": ("--seed", "3"),
        "im-mix": ("--seed", "3"), "im-augment": ("--seed", "3"),
        "im-features": ("--hop-length", "512"), "im-predict": ("--hop", "0.5"),
        "im-fuse": ("--rule", "max"), "im-export": ("--from", "labels"),
    }  # fmt: skip
    out = whole.copy("other-options")
    result = run(case.name, *case.call(space, out), "--resume", *other[case.name], *case.inputs, cwd=space)
    assert result.returncode == 2
    assert b"other options" in result.stderr


def test_a_file_that_changed_meanwhile_is_done_again(run, space: Path, out: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    shutil.copytree(space / "lib", lib)
    (lib / "cla" / "2.wav").write_bytes(b"broken")
    first = run("im-segment", "-o", str(out), str(lib))
    assert first.returncode == 3
    write_note(lib / "cla" / "2.wav", "cla", 2)
    second = run("im-segment", "-o", str(out), "--resume", str(lib))
    assert second.returncode == 0, second.stderr.decode()
    assert b"has changed" in second.stderr
    assert len(_lines(second.stdout)) == len(_lines(first.stdout)) + 2


@WRITERS
@pytest.mark.slow(4)
def test_a_full_disk_is_an_error_that_can_be_resumed(case: Case, run, space: Path, whole: Run) -> None:
    full = whole.folder.with_name("full")
    # No file may grow beyond a limit: to the program that writes, the disk is full.
    largest = max(p.stat().st_size for p in whole.folder.rglob("*") if p.is_file())
    command = (BIN / case.name, *case.call(space, full), *case.inputs)
    limited = interruptible(*command, largest_file=largest * 2 // 3)
    result = run_to_end(limited, cwd=space)
    assert result.returncode == 1, result.stderr.decode()
    assert b"too large" in result.stderr
    assert str(full).encode() in result.stderr
    _no_trace(result)
    whole.assert_repeated(full, _run_whole(case, run, space, full, "--resume"))
    _assert_same_tree(whole.folder, full)


@WRITERS
def test_run_json_replays(case: Case, run, space: Path, whole: Run, out: Path) -> None:
    config = str(whole.folder / "run.json")
    again = run(case.name, *case.kind, "--config", config, "-o", str(out), cwd=space)
    assert again.returncode == 0, again.stderr.decode()
    whole.assert_repeated(out, again.stdout)


@WRITERS
def test_config_of_another_tool_is_refused(case: Case, run, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"tool": "other", "arguments": {}}')
    (tmp_path / "junk.json").write_text("junk")
    for name in ("run.json", "junk.json", "gone.json"):
        result = run(case.name, *case.kind, "--config", str(tmp_path / name))
        assert result.returncode == 2
        assert name.encode() in result.stderr


# --------------------------------------------------------------------------------------- signals, settings


def test_interrupted_by_the_keyboard(run, space: Path, tmp_path: Path) -> None:
    read, write = os.pipe()  # a standard input that never ends
    process = subprocess.Popen(
        interruptible(BIN / "im-segment", "-"), stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.write(write, (space / "index.jsonl").read_bytes().splitlines(keepends=True)[0])
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    os.close(read)
    os.close(write)
    assert process.returncode == 130
    assert b"interrupted" in errors
    assert b"Traceback" not in errors


def test_the_environment_sets_defaults_and_flags_win(run, space: Path) -> None:
    env = {"IMTOOLS_LENGTH": "0.5"}
    from_env = _lines(run("im-segment", "index.jsonl", cwd=space, env=env).stdout)
    assert {record["duration"] for record in from_env} == {0.5}
    flagged = _lines(run("im", "segment", "--length", "2", "index.jsonl", cwd=space, env=env).stdout)
    assert {record["duration"] for record in flagged} == {2.0}


def test_where_chooses_records(run, space: Path) -> None:
    records = _lines((space / "folds.jsonl").read_bytes())
    chosen = _lines(
        run(
            "im-segment",
            "--length",
            "1",
            "--where",
            "fold=1",
            "--where",
            "labels=vio",
            "folds.jsonl",
            cwd=space,
        ).stdout
    )
    wanted = [r["id"] for r in records if r["fold"] == 1 and r["labels"][0]["label"] == "vio"]
    assert len(chosen) == len(wanted) > 0
    assert run("im-segment", "--where", "nonsense", "folds.jsonl", cwd=space).returncode == 2


def test_one_pipe_from_files_to_scores(space: Path, tmp_path: Path) -> None:
    command = (
        f"im-segment lib/ | tee {tmp_path}/1 | im-features -o {tmp_path}/f --kind cqt | tee {tmp_path}/2 "
        f"| im-predict -m model | tee {tmp_path}/3 | im-score --format jsonl"
    )
    result = run_script(command, space)
    assert result.returncode == 0, result.stderr.decode()
    counts = [len(_lines((tmp_path / str(k)).read_bytes())) for k in (1, 2, 3)]
    assert counts == [16, 16, 16]
    assert _lines(result.stdout)[0]["num_items"] == 16
