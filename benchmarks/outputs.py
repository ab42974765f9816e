"""Compare the outputs of the commands of two installed versions, byte by byte, on the bundled recordings.

    python -m benchmarks.outputs OLD/.venv/bin NEW/.venv/bin [FOLDER]

Each command of `COMMANDS` runs once with each version, in a folder that begins with the same
recordings. Standard output and every file that is written have to be equal; so do the exit codes. What a
command prints on standard error is shown where it differs, without times and rates, but does not count.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

AUDIO = Path(__file__).resolve().parent.parent / "examples" / "audio"
SONG = "audio/pia/song.flac"
SMALL_NET = "--width 0.125 --epochs 2 --batch 16 --seed 1"

COMMANDS = f"""
im-index audio > index.jsonl
im-index --check --stats audio > checked.jsonl
im-segment --length 1 audio > segments.jsonl
im-segment --length 1 --hop 0.5 --tail pad --rate 11025 --normalize rms --format wav -o cut audio > cut.jsonl
im-split --folds 3 --seed 1 segments.jsonl > folds.jsonl
im-split --holdout 0.2 --seed 2 segments.jsonl > holdout.jsonl
im-mix --limit 12 --seed 1 folds.jsonl > mixes.jsonl
im-mix --sync tempo --sync key --pairs cla+vio,flu+sax folds.jsonl > synced.jsonl
im-mix --sync pitch --f0 pyin --pairs cla+vio,flu+sax --limit 2 --seed 3 folds.jsonl > unisons.jsonl
im-mix --polyphony 0-3 --per-level 4 folds.jsonl > levels.jsonl
im-mix --voices 3 --snr -3:3 --offset 0:0.2 --limit 2 -o mixed folds.jsonl > mixed.jsonl
im-augment --copies 2 --gain -6:6 --noise 20:40 --noise-color pink --polarity 0.5 folds.jsonl > copies.jsonl
im-augment --pitch -2,2 --stretcher signalsmith --limit 4 -o changed folds.jsonl > changed.jsonl
im-features --preset kratimenos2020 -o features folds.jsonl mixes.jsonl > features.jsonl
im-features --preset han2017 --dtype float16 -o mel folds.jsonl > mel.jsonl
im-features --kind chroma --n-chroma 36 -o chroma folds.jsonl > chroma.jsonl
im-features --kind descriptors -o descriptors folds.jsonl > descriptors.jsonl
im-train --model kratimenos2020 {SMALL_NET} -o model features > validation.jsonl
im-train --model chen2024 --negatives 1 {SMALL_NET} -o families mel > families.jsonl
im-train --strategy svm --model bosch2012 --seed 1 -o machines descriptors > machines.jsonl
im-train --init model {SMALL_NET} -o tuned features > tuned.jsonl
im-train --list-models > models.txt
im-predict audio > bundled.jsonl
im-predict --timeline --top 3 audio > timeline.jsonl
im-predict --windows --hop 0.5 --stereo --excerpt 2@start audio > windows.jsonl
im-predict --embeddings audio > embeddings.jsonl
im-predict --format csv audio > bundled.csv
im-predict --format table audio > bundled.txt
im-predict -m model --held-out folds.jsonl > predictions.jsonl
im-predict -m model --members folds.jsonl > members.jsonl
im-predict -m model -m tuned --keep folds.jsonl > several.jsonl
im-predict -m families folds.jsonl > family-predictions.jsonl
im-predict -m model mixes.jsonl > mix-predictions.jsonl
im-predict --model-card > card.md
im-calibrate -m model --unlisted absent -o calibrated predictions.jsonl > calibration.jsonl
im-threshold --unlisted absent predictions.jsonl > thresholds.json
im-threshold --apply thresholds.json predictions.jsonl > decided.jsonl
im-fuse --rule mean predictions.jsonl family-predictions.jsonl > fused.jsonl
im-predict -m tuned --members folds.jsonl > tuned-members.jsonl
im-fuse --by-fold --name combined members.jsonl tuned-members.jsonl > by-fold.jsonl
im-score predictions.jsonl > scores.txt
im-score --format jsonl --unlisted absent predictions.jsonl > scores.jsonl
im-score --format csv --aggregate s2 windows.jsonl > scores.csv
im-score --format jsonl --baseline predictions.jsonl fused.jsonl > comparison.jsonl
im-plot spectrogram -o tones.svg --where labels=vio --where fold=1 folds.jsonl
im-plot waveform -o waves.svg --where labels=vio --where fold=1 folds.jsonl
im-plot training -o losses.svg model
head -n 1 windows.jsonl | im-plot activity -o activity.svg
im-plot confusion -o confusion.svg --level all scores.jsonl
im-plot threshold -o threshold.svg --unlisted absent predictions.jsonl
im-plot reliability -o reliability.svg --unlisted absent predictions.jsonl
im-report kratimenos2020 -o report.html mono=scores.jsonl > report.json
im-export csv predictions.jsonl > predictions.csv
im-export jams -o jams timeline.jsonl > jams.jsonl
im-export audacity -o marks timeline.jsonl > marks.jsonl
im-export audiofolder -o dataset folds.jsonl > dataset.jsonl
im-export lhotse -o cuts folds.jsonl > cuts.jsonl
im-export onnx -m model -o onnx > onnx.jsonl
"""

_NUMBERS = re.compile(r"\d[\d.e+-]*")


def run(line: str, commands: Path, folder: Path) -> tuple[int, str]:
    """Run one line of shell in a folder with the commands of a version; return exit code and messages."""
    env = os.environ | {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",  # sums in one order
        "XDG_CACHE_HOME": str(folder / ".cache"),
    }
    done = subprocess.run(line, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder, but for caches."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        name: path.read_bytes()
        for path in files
        if not (name := str(path.relative_to(folder))).startswith((".cache", "audio/"))
        and path.suffix != ".analysis"  # a data base of what was measured, by the times of files
    }


def run_all(commands: Path, here: Path) -> list[tuple[str, int, str]]:
    """Run all commands of a version in a folder; return each line with its exit code and messages."""
    shutil.copytree(AUDIO, here / "audio")
    return [(line, *run(line, commands, here)) for line in COMMANDS.strip().splitlines()]


def compare(old: Path, new: Path, work: Path) -> int:
    """Run all commands with both versions, one after the other; return how many outputs differ."""
    here = work / "here"
    results = {}
    for name, commands in (("old", old), ("new", new)):
        results[name] = run_all(commands, here)
        here.rename(work / name)
    differing = 0
    for (line, old_code, old_text), (_, new_code, new_text) in zip(*results.values(), strict=True):
        if old_code != new_code:
            print(f"EXIT {old_code} -> {new_code}: {line}\n  {new_text.strip()}")
            differing += 1
        elif old_code:
            print(f"exit {old_code} with both: {line}\n  {new_text.strip()}")
        if _NUMBERS.sub("N", old_text) != _NUMBERS.sub("N", new_text):
            print(f"messages of {line}\n  - {old_text.strip()}\n  + {new_text.strip()}")
    trees = {name: contents(work / name) for name in results}
    for name in sorted(trees["old"].keys() | trees["new"].keys()):
        if trees["old"].get(name) != trees["new"].get(name):
            print(f"DIFFERS {name}")
            differing += 1
    print(f"{len(results['old'])} commands, {len(trees['old'])} files, {differing} differences")
    return differing


def main() -> None:
    """Compare two versions, in a folder that is kept if it is named."""
    old, new, *rest = (Path(one).resolve() for one in sys.argv[1:])
    if rest:
        sys.exit(bool(compare(old, new, rest[0])))
    with tempfile.TemporaryDirectory() as work:
        sys.exit(bool(compare(old, new, Path(work))))


if __name__ == "__main__":
    main()
