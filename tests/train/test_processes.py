"""Training by several processes at once, as torchrun starts them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from imtools.errors import UsageError
from imtools.manifest import write_manifest
from imtools.models.bundle import load, read_description, read_states
from imtools.train.examples.data import Examples
from imtools.train.examples.folds import plan_folds
from imtools.train.examples.rows import stored_rows
from imtools.train.loop.engine import Trainer
from imtools.train.loop.processes import Processes
from nets import CLASSES, make_records, make_sounds, quick_config, tone

TOGETHER = [
    "--width", "0.1", "--epochs", "10", "--batch", "16", "--learning-rate", "0.01", "--schedule", "onecycle",
    "--device", "cpu", "--precision", "fp32", "--folds", "0",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    arguments: list[str], size: int, *, code: str | None = None, cwd: Path | None = None
) -> list[subprocess.Popen[str]]:
    """Start processes as torchrun would: with the environment that it gives them."""
    shared = os.environ | {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(size),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    return [
        subprocess.Popen(
            [sys.executable, *(("-m", "imtools.cli.train") if code is None else ("-c", code)), *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    results = [process.communicate(timeout=240) for process in processes]
    return [(process.returncode, *result) for process, result in zip(processes, results, strict=True)]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "records.jsonl"
    write_manifest(path, make_records(tmp_path / "features", 36))
    return path


@pytest.mark.slow(12)
@pytest.mark.parametrize("strategy", ["multi-label", "one-vs-all"])
def test_two_processes_train_one_model(manifest: Path, tmp_path: Path, strategy: str) -> None:
    folder = tmp_path / "model"
    options = [*TOGETHER, "--strategy", strategy, "-o", str(folder)]
    if strategy == "one-vs-all":
        options += ["--negatives", "1"]
    (code, out, err), (other, silent, _) = finish(launch([*options, str(manifest)], 2))
    assert (code, other) == (0, 0), err
    assert silent == ""  # one of them speaks
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["fold"] for line in lines} == {0}
    description = read_description(folder)
    assert description.training["processes"] == 2
    assert not (folder / "checkpoints").exists()
    figures = [one["lrap"] for one in description.training["validation"]]
    assert min(figures) > 0.9
    model = load(folder)
    waveforms = torch.from_numpy(np.stack([tone(label, 100 + i) for i, label in enumerate(CLASSES)]))
    scores = model.predict_proba(description.build_front_end()(waveforms))
    assert scores.argmax(dim=1).tolist() == [0, 1, 2]


@pytest.mark.slow(17)
def test_two_processes_take_the_steps_of_one(manifest: Path, tmp_path: Path) -> None:
    """Of a net without batch normalisation and dropout, where each example counts for itself."""
    options = [
        "--model", "vaznonis2022-fft", "--width", "0.002", "--batch", "16", "--epochs", "3", "--folds", "0",
        "--device", "cpu", "--precision", "fp32",
    ]  # fmt: skip
    for size in (1, 2):
        results = finish(launch([*options, "-o", str(tmp_path / str(size)), str(manifest)], size))
        assert [code for code, *_ in results] == [0] * size, results
    one, two = (
        read_states(tmp_path / str(size), read_description(tmp_path / str(size)))[0] for size in (1, 2)
    )
    assert one.keys() == two.keys()
    for key, tensor in one.items():
        assert torch.allclose(tensor, two[key], rtol=1e-4, atol=1e-6), key


@pytest.mark.slow(35)
def test_killed_and_resumed_by_two(manifest: Path, tmp_path: Path) -> None:
    whole = [*TOGETHER, "--mask", "0.1", "--ema", "0.5", "-o", str(tmp_path / "whole"), str(manifest)]
    assert [code for code, *_ in finish(launch(whole, 2))] == [0, 0]
    folder = tmp_path / "broken"
    broken = [*TOGETHER, "--mask", "0.1", "--ema", "0.5", "-o", str(folder), str(manifest)]
    processes = launch(broken, 2)
    checkpoint = folder / "checkpoints" / "fold0.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and all(process.poll() is None for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for process in processes:
        process.kill()
    finish(processes)
    results = finish(launch([*broken, "--resume"], 2))
    assert [code for code, *_ in results] == [0, 0], results
    for name in ("model.safetensors", "history.jsonl"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_too_few_examples_for_so_many(tmp_path: Path) -> None:
    records = make_records(tmp_path, 24)
    examples = Examples(stored_rows(records, "mel"), records, CLASSES, "unknown")
    fold = plan_folds(records, (0,), seed=0)[0]  # 12 train
    cpu = torch.device("cpu")
    config = quick_config(batch_size=2)
    six, seven = (
        Trainer(examples, fold, config, CLASSES, cpu, torch.float32, processes=Processes(0, size))
        for size in (6, 7)
    )
    assert [len(batch) for batch in six._batches(0, None)] == [12]  # two for each of them
    with pytest.raises(UsageError, match="12 examples for 7 processes; start fewer processes"):
        seven._batches(0, None)


def sounds(folder: Path, count: int = 24) -> Path:
    """A manifest of recordings, of which the sixth is no sound."""
    records = make_sounds(folder, count)
    Path(records[5].audio or "").write_bytes(b"no sound")
    write_manifest(folder / "records.jsonl", records)
    return folder / "records.jsonl"


@pytest.mark.slow(9)
def test_a_bad_file_is_one_failure_of_one_process(tmp_path: Path) -> None:
    options = [
        *TOGETHER,
        "--epochs",
        "1",
        "--model",
        "gururani2018",
        "--failures",
        str(tmp_path / "failures"),
    ]
    results = finish(launch([*options, "-o", str(tmp_path / "m"), str(sounds(tmp_path / "audio"))], 2))
    assert [code for code, *_ in results] == [3, 0], results  # what exits with an error ends the others
    assert len((tmp_path / "failures").read_text().splitlines()) == 1
    assert results[1][1:] == ("", "")
    assert read_description(tmp_path / "m").training["processes"] == 2


@pytest.mark.slow(8)
def test_processes_with_different_records_say_so(tmp_path: Path) -> None:
    first = make_records(tmp_path / "features", 24)
    for rank, records in enumerate((first, first[:-3])):
        write_manifest(tmp_path / f"{rank}.jsonl", records)
    script = (
        "import os, sys; from imtools.cli.train import main;"
        "sys.argv.append(os.environ['RANK'] + '.jsonl'); main()"
    )
    results = finish(launch([*TOGETHER, "-o", "m"], 2, code=script, cwd=tmp_path))
    assert [code for code, *_ in results] == [2, 2], results
    assert "the 2 processes do not have the same records or settings" in results[0][2]


@pytest.mark.slow(7)
def test_standard_input_cannot_be_shared(tmp_path: Path) -> None:
    results = finish(launch([*TOGETHER, "-o", str(tmp_path / "m"), "-"], 2))
    assert [code for code, *_ in results] == [2, 2]
    assert "cannot share one standard input" in results[0][2]


def test_shares_are_of_nearly_equal_size() -> None:
    parts = [Processes(rank, 3).share(np.arange(11)) for rank in range(3)]
    assert [len(part) for part in parts] == [4, 4, 3]
    assert np.concatenate(parts).tolist() == list(range(11))


def test_alone_nothing_is_exchanged() -> None:
    tensor = torch.ones(2)
    alone = Processes()
    alone.sum(tensor)
    alone.wait()
    assert alone.leads
    assert tensor.tolist() == [1.0, 1.0]


def test_more_processes_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    from imtools.train.loop.processes import joined

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "99")
    with (
        pytest.raises(UsageError, match="process 99 of this machine has no GPU"),
        joined(torch.device("cuda")),
    ):
        pass
