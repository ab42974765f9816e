"""The scripts of the papers: all of each in miniature, and what they plan for the real data sets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from collections import Counter
from pathlib import Path

import pytest

from datasets import IRMAS_TEST, IRMAS_TRAIN, fake_irmas_test, fake_irmas_train, fake_nsynth
from paths import ROOT
from shared import made_once
from shell import run_script

pytestmark = pytest.mark.slow(10)

EXAMPLES = ROOT / "examples"
SCRIPTS = [
    pytest.param("kratimenos2020", marks=pytest.mark.slow(60)),
    pytest.param("lumen2023", marks=pytest.mark.slow(50)),
    *(
        pytest.param(name, marks=pytest.mark.slow(20))
        for name in ("avramidis2021", "chen2024", "vaznonis2022")
    ),
]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an installed wheel; the packages that it needs are those of this environment."""
    return made_once(tmp_path_factory, "wheel", install_wheel) / "env" / "bin"


def install_wheel(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--no-input"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)], check=True
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    site = subprocess.check_output(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], text=True
    ).strip()
    # A path in a .pth file is searched after the wheel's own folder, and its .pth files are not read in turn:
    # an editable installation is not found, and one that is not editable comes second.
    needs = [path for path in sys.path if Path(path).name == "site-packages"]
    Path(site, "needs.pth").write_text("\n".join(needs) + "\n")
    install = ["install", "--no-deps", "--no-index", "--ignore-installed", str(wheel)]
    subprocess.run([*pip, "--python", str(python), *install], check=True)
    found = subprocess.check_output([str(python), "-c", "import imtools; print(imtools.__file__)"], text=True)
    assert found.startswith(site)


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_runs_in_miniature_and_reports(script: str, installed: Path, tmp_path: Path) -> None:
    line = f"sh {EXAMPLES}/{script}.sh --mini out"
    result = run_script(line, tmp_path, timeout=900, commands=installed)
    assert result.returncode == 0, result.stderr.decode()
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["missing"] == MISSING.get(script, [])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The bundled recordings and tiny nets" in page
    assert len(re.findall(r"<td>0\.\d{3}", page)) >= 8
    if script == "chen2024":  # what is there is not done again
        again = run_script(line, tmp_path, timeout=900, commands=installed)
        assert again.returncode == 0, again.stderr.decode()
        assert json.loads(again.stdout.splitlines()[-1])["sha256"] == report["sha256"]
        assert b"im-train" not in again.stderr


MISSING = {
    "kratimenos2020": ["genre", "gururani-combined", "key", "trios"],
    "avramidis2021": ["bigru-128", "bigru-256", "bigru-128-64", "dcnn", "crnn2", "crnn4", "crnn5"],
}
"""Rows that a script leaves out in miniature."""


@pytest.fixture(scope="session")
def irmas(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders with as many files as those of IRMAS, training and testing."""
    train = made_once(tmp_path_factory, "irmas-train", fake_irmas_train)
    test = made_once(tmp_path_factory, "irmas-test", fake_irmas_test)
    return train / "IRMAS-TrainingData", test / "IRMAS-TestingData"


@pytest.mark.slow(23)
def test_the_mixes_of_the_whole_of_irmas(irmas: tuple[Path, Path], tmp_path: Path) -> None:
    train, test = irmas
    line = f"LIMIT=9 sh {EXAMPLES}/kratimenos2020.sh --plan '{train}' '{test}' out"
    result = run_script(line, tmp_path, timeout=900)
    assert result.returncode == 0, result.stderr.decode()
    counts = {name: int(count) for count, name in map(str.split, result.stdout.decode().splitlines())}
    assert (counts["clips"], counts["test"], counts["mono"]) == (6705, 2874, 3 * 6705)
    assert counts["random"] == counts["control"] == 55 * 9
    out = tmp_path / "out"
    clips = records(out / "clips.jsonl")
    assert Counter(clip["labels"][0]["label"] for clip in clips) == IRMAS_TRAIN
    tracks = records(out / "test.jsonl")
    assert Counter(label["label"] for track in tracks for label in track["labels"]) == IRMAS_TEST
    mixes = records(out / "random.jsonl")
    pairs = {tuple(sorted(one["label"] for one in mix["labels"])) for mix in mixes}
    assert len(pairs) == 55
    folds = {group: clip["fold"] for clip in clips for group in clip["groups"]}
    for record in (*clips, *mixes):  # no recording stands on both sides
        assert {folds[group] for group in record["groups"]} == {record["fold"]}


@pytest.mark.parametrize(
    ("script", "counts"),
    [
        ("lumen2023", {"train": 3 * 6705, "test": 2874}),
        ("avramidis2021", {"train": 3 * 6705, "test": 2874}),
        ("vaznonis2022", {"train": 6705, "test": 2874}),
    ],
)
def test_the_clips_of_the_whole_of_irmas(
    script: str, counts: dict[str, int], irmas: tuple[Path, Path], tmp_path: Path
) -> None:
    result = run_script(
        f"sh {EXAMPLES}/{script}.sh --plan '{irmas[0]}' '{irmas[1]}' out", tmp_path, timeout=900
    )
    assert result.returncode == 0, result.stderr.decode()
    assert {name: int(count) for count, name in map(str.split, result.stdout.decode().splitlines())} == counts


def test_the_polyphony_of_nsynth(tmp_path: Path) -> None:
    nsynth = fake_nsynth(tmp_path / "data")
    result = run_script(f"sh {EXAMPLES}/chen2024.sh --plan '{nsynth}' out", tmp_path, timeout=900)
    assert result.returncode == 0, result.stderr.decode()
    counts = {name: int(count) for count, name in map(str.split, result.stdout.decode().splitlines())}
    mixes = records(tmp_path / "out" / "polyphony.jsonl")
    assert counts["polyphony"] == len(mixes) == 1100
    assert Counter(len(mix["labels"]) for mix in mixes) == dict.fromkeys(range(11), 100)
    notes = records(tmp_path / "out" / "notes.jsonl")
    assert {note["instrument_source"] for note in notes} == {"acoustic"}
    families = {label["label"] for note in notes for label in note["labels"]}
    assert len(families) == 10
    assert "synth_lead" not in families
    trained = {group for note in notes if note["split"] != "test" for group in note["groups"]}
    assert not trained & {group for mix in mixes for group in mix.get("groups", [])}
