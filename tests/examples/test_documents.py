"""Everything that the documents tell readers to type is run here."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imtools.cli import COMMANDS, command
from paths import ROOT
from shell import run_script

PART = 20
"""One in so many of the shared recordings is enough to see that a script works."""


def _examples() -> Iterator[Any]:
    """The examples in the help of every command, which are those of the man pages."""
    for name in COMMANDS:
        epilog = command(name).epilog or ""
        for line in epilog.partition("Examples:")[2].splitlines():
            if line.strip():
                trains = line.strip().startswith("im-train -")
                yield pytest.param(line.strip(), marks=[pytest.mark.slow(6)] if trains else [])


def _readme_blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.slow(2)
@pytest.mark.parametrize("line", [*_examples()])
def test_every_example_of_the_help_works(line: str, shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    if target := re.search(r"-o (\S+)", line):
        shutil.rmtree(folder / target[1], ignore_errors=True)  # an output must be new
    if line.startswith("im-train") and "--epochs" not in line:
        line += " --epochs 1"  # the whole net for as long as it takes is no test
    if line.startswith("im-serve"):
        line += " --dry-run"  # it would not end
    result = run_script(line, folder)
    assert result.returncode == 0, result.stderr.decode()
    assert "--list" in line or "--dry-run" in line or b" 0 failed" in result.stderr


@pytest.mark.slow(3)
@pytest.mark.parametrize("number", range(len(_readme_blocks())))
def test_the_readme_works(number: int, shop: Path, tmp_path: Path) -> None:
    if "curl" in _readme_blocks()[number] and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    result = run_script(_readme_blocks()[number], folder)
    assert result.returncode == 0, result.stderr.decode()


def test_the_readme_names_every_command_and_only_targets_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"`im-{name}`" in text for name in COMMANDS)
    for target in re.findall(r"make (\w+)", text):
        assert f"\n{target}:" in makefile


def test_the_man_pages_agree_with_the_commands() -> None:
    subprocess.run([sys.executable, str(ROOT / "man" / "make.py"), "--check"], check=True)


@pytest.mark.slow(20)
def test_the_quickstart_ends_with_scores(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    result = run_script("EPOCHS=3 sh examples/quickstart.sh out", tmp_path, timeout=600)
    assert result.returncode == 0, result.stderr.decode()
    assert b"LRAP" in result.stdout
    assert b"112 scored" in result.stdout
    card = (tmp_path / "out" / "model" / "README.md").read_text()
    assert "CC BY 4.0" in card


def test_the_bundled_recordings_are_listed_licensed_and_small() -> None:
    folder = ROOT / "examples" / "audio"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.flac")}
    attribution = (folder / "ATTRIBUTION.md").read_text()
    records = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert {record["audio"] for record in records} == files
    assert all(f"`{name}`" in attribution for name in files)
    assert all(record["source"]["license"] in ("CC0", "CC BY 4.0") for record in records)
    assert sum(path.stat().st_size for path in folder.rglob("*.flac")) < 6_000_000
    recordings = {(record["labels"][0]["label"], record["groups"][0]) for record in records}
    assert len({label for label, _ in recordings}) >= 8
    assert all(sum(label == other for other, _ in recordings) >= 2 for label, _ in recordings)


@pytest.mark.slow(60)
@pytest.mark.parametrize(
    "script",
    ["solo-recordings.sh", "irmas-mel.sh", "irmas-models.sh", "waveforms.sh", "bundled-model/make.sh"],
)
def test_the_scripts_for_shared_data_work(script: str, shared_dir: Path, tmp_path: Path) -> None:
    """On a twentieth of the data and for one epoch: that the commands compose, not what they reach."""
    data = []
    if script.startswith(("irmas", "bundled")):
        data.append(_part_of_the_archive(shared_dir / "irmas-mel" / "train.npz", tmp_path / "train.npz"))
    if not script.startswith("irmas"):
        data.append(_part_of_the_clips(shared_dir / "audio", tmp_path / "audio"))
    few = {
        "irmas-models.sh": "FOLDS=2 MODELS='kratimenos2020:0.05 chen2024:0.05'",
        "bundled-model/make.sh": "EPOCHS=2",  # its rate rises for one
        "waveforms.sh": "LIMIT=1 HOP=4 MODELS='avramidis2021-fcn:0.1:1:64'",
    }
    names = shlex.join(map(str, data))
    line = f"EPOCHS=1 WIDTH=0.05 {few.get(script, '')} sh {ROOT}/examples/{script} {names} out"
    result = run_script(line, tmp_path, timeout=600)
    assert result.returncode == 0, result.stderr.decode()
    # A table; two; a heading and two nets, with and without mixing; one net, five times; one for five sets.
    expected = {
        "irmas-mel.sh": 1, "solo-recordings.sh": 2, "irmas-models.sh": 5, "waveforms.sh": 5,
        "bundled-model/make.sh": 1,
    }  # fmt: skip
    # Levels of polyphony have a column of that name, too.
    assert result.stdout.count(b"LRAP") - result.stdout.count(b"items   LRAP") == expected[script]


@pytest.mark.slow(60)
def test_the_study_of_mixing_works(shared_dir: Path, tmp_path: Path) -> None:
    """On all phrases, which it needs to mix, and a part of the notes."""
    audio = tmp_path / "audio"
    audio.mkdir()
    rows = [json.loads(line) for line in (shared_dir / "audio" / "manifest.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["kind"] == "phrases"] + rows[::PART]
    rows = list({row["path"]: row for row in rows}.values())
    for row in rows:
        row["path"] = os.path.join(shared_dir, "audio", row["path"])
    (audio / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    few = "SEEDS=1 SCALE=0.03 EPOCHS=1 LIMIT=1 SETS='mono random' OLDER=mono TRAINING='--folds 2 --keep last'"
    result = run_script(f"{few} sh {ROOT}/examples/mixing-study.sh audio out", tmp_path, timeout=600)
    assert result.returncode == 0, result.stderr.decode()
    told = json.loads(result.stdout.splitlines()[-1])
    assert {"mono", "random", "gururani-mono"}.isdisjoint(told["missing"])
    assert {"tempo", "pitch", "control"} <= set(told["missing"])
    assert " to 0." in (tmp_path / "out" / "report.html").read_text()  # intervals


def _part_of_the_archive(source: Path, target: Path) -> Path:
    import numpy as np

    if not source.exists():
        pytest.skip(f"no archive at {source}")
    data = np.load(source, allow_pickle=False)
    np.savez(target, **{key: data[key][::PART] for key in data.files})
    return target


def _part_of_the_clips(source: Path, target: Path) -> Path:
    target.mkdir()
    lines = (source / "manifest.jsonl").read_text().splitlines()[::PART]
    rows = [json.loads(line) for line in lines]
    for row in rows:
        row["path"] = os.path.join(source, row["path"])
    (target / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return target


@pytest.mark.slow(3)
def test_the_representations_of_all_papers_come_out_of_one_pipe(tmp_path: Path) -> None:
    clips = sorted((ROOT / "examples" / "audio").rglob("*.flac"))[::20]
    for number, clip in enumerate(clips):
        (tmp_path / "audio").mkdir(exist_ok=True)
        shutil.copy(clip, tmp_path / "audio" / f"{number}.flac")
    result = run_script(f"sh {ROOT}/examples/representations.sh audio out", tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    lines = {line.strip() for line in result.stdout.decode().splitlines()}
    assert {"cqt: 96 x 87", "mel: 128 x 100", "modgd: 128 x 100", "chroma: 36 x 100"} <= lines
    assert {"stft: 1025 x 32", "waveform: 1 x 22050", "fft: 442000 x 1"} <= lines


@pytest.mark.slow(8)
@pytest.mark.parametrize(("script", "sets"), [("mixing.sh", 8), ("augment.sh", 3)])
def test_the_scripts_that_make_material(script: str, sets: int, tmp_path: Path) -> None:
    result = run_script(
        f"LIMIT=1 F0=crepe-tiny sh {ROOT}/examples/{script} {ROOT}/examples/audio out", tmp_path, timeout=600
    )
    assert result.returncode == 0, result.stderr.decode()
    counts = [int(line.split()[0]) for line in result.stdout.decode().splitlines()]
    assert len(counts) == sets
    assert all(counts)


@pytest.mark.slow(40)
def test_the_gallery_shows_what_its_script_draws(tmp_path: Path) -> None:
    result = run_script(
        f"EPOCHS=1 LIMIT=1 PER_LEVEL=12 sh {ROOT}/examples/gallery.sh out", tmp_path, timeout=600
    )
    assert result.returncode == 0, result.stderr.decode()
    drawn = {path.name for path in (tmp_path / "out" / "pictures").iterdir()}
    text = (ROOT / "docs" / "gallery.md").read_text()
    assert set(re.findall(r"\(gallery/(\S+?)\)", text)) == drawn
    assert {path.name for path in (ROOT / "docs" / "gallery").iterdir()} == drawn
    script = (
        (ROOT / "examples" / "gallery.sh")
        .read_text()
        .replace(" --force --dpi 200", "")
        .replace("pictures/", "")
    )
    for line in re.findall(r"^im-plot .*$", text, re.MULTILINE):
        assert line in script


@pytest.mark.slow(4)
def test_the_gpu_benchmark_says_when_there_is_no_gpu() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.features_gpu",
        "--device",
        "cpu",
        "--batch",
        "1",
        "--seconds",
        "0.2",
        "--repeat",
        "1",
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    assert "there is no GPU" in result.stdout
    assert result.stdout.count("GB/s") == 2 * 18
