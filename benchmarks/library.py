"""A music library of every kind, and a run through it: all good files tagged, all bad ones listed.

    python -m benchmarks.library make DIRECTORY [--files 5000] [--hours-long 2] [--source FOLDER]
    python -m benchmarks.library check DIRECTORY --model MODEL --out OUTPUT [--kills 20]

``make`` writes recordings of six formats, 1 s to 1 h, one to six channels, 8 to 96 kHz, cut from the
recordings in each ``--source`` (the bundled ones if none is given), and damages one in twenty in ten ways;
``truth.json`` says which. M4A is left out where ffmpeg is missing. ``check`` predicts for all of it, holds
the result against the truth, then does it again, killed at random moments and resumed, and compares bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr

BUNDLED = Path(__file__).resolve().parent.parent / "examples" / "audio"
RATE = 44100
RATES = {
    "wav": (8000, 16000, 22050, 44100, 48000, 96000),
    "flac": (8000, 22050, 44100, 48000, 96000),
    "mp3": (16000, 22050, 44100, 48000),
    "ogg": (16000, 22050, 44100, 48000),
    "opus": (8000, 16000, 24000, 48000),
    "m4a": (22050, 44100, 48000),
}
CHANNELS = {"wav": 6, "flac": 6, "mp3": 2, "ogg": 6, "opus": 2, "m4a": 2}
MINUTE = 60


# --- damages: each makes a file that cannot be heard to its end ---


def _half(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(random.Random(path.name).randbytes(5000))


def _text(path: Path) -> None:
    path.write_text("404 not found\n" * 50)


def _head(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def _zeros(path: Path) -> None:
    path.write_bytes(bytes(len(path.read_bytes())))


def _gone(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere" + path.suffix)


def _not_a_number(path: Path) -> None:
    signal_, rate = soundfile.read(path, always_2d=True)
    signal_[len(signal_) // 2] = np.nan
    soundfile.write(path, signal_, rate, format="WAV", subtype="FLOAT")


def _no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 1)), RATE, format="WAV")


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, 2 * len(data) // 3):
        data[place] ^= 0x55
    path.write_bytes(bytes(data))


DAMAGES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "half of it": (_half, ("wav", "flac", "ogg", "m4a")),
    "no bytes": (_empty, tuple(RATES)),
    "random bytes": (_noise, tuple(RATES)),
    "a page of text": (_text, tuple(RATES)),
    "its first 40 bytes": (_head, ("wav", "flac", "ogg", "opus", "m4a")),
    "as many zeros": (_zeros, tuple(RATES)),
    "a link to nowhere": (_gone, tuple(RATES)),
    "samples that are no numbers": (_not_a_number, ("wav",)),
    "no samples": (_no_samples, ("wav",)),
    "flipped bits": (_flipped, ("flac",)),
}


def make(folder: Path, files: int, sources: list[Path], hours: int) -> None:
    """Write the library."""
    chance = random.Random(1)
    sound = np.concatenate([_material(source) for source in sources])
    formats = [name for name in RATES if name != "m4a" or shutil.which("ffmpeg")]
    truth: dict[str, str | None] = {}
    for number in range(files):
        kind = formats[number % len(formats)]
        seconds = _length(chance, number, hours)
        damage = None
        if number % 20 == 7 and seconds < MINUTE:
            damage = list(DAMAGES)[number // 20 % len(DAMAGES)]
            if kind not in DAMAGES[damage][1]:
                kind = DAMAGES[damage][1][0]
        name = (
            f"{number % 100:02d}/{number:05d} {chance.choice(['song', 'café, take 2', '録音', 'a+b'])}.{kind}"
        )
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rate = chance.choice(RATES[kind])
        channels = chance.choice([1, 2, 2, 2, chance.randint(1, CHANNELS[kind])])
        if seconds > MINUTE:
            rate, channels = 44100 if kind != "opus" else 48000, 2
        _write(path, kind, sound, chance.random(), seconds, rate, channels)
        if damage is not None:
            DAMAGES[damage][0](path)
        truth[name] = damage
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))


def _material(source: Path) -> np.ndarray:
    """Return some minutes of sound at 44.1 kHz, mono."""
    parts = []
    for path in sorted(source.rglob("*.flac"))[:60] + sorted(source.rglob("*.mp3"))[:60]:
        signal_, rate = soundfile.read(path, dtype="float32", always_2d=True)
        parts.append(soxr.resample(signal_.mean(axis=1), rate, RATE))
    return np.concatenate(parts)


def _length(chance: random.Random, number: int, hours: int) -> float:
    if number < hours:
        return 3600.0
    if number % 500 == 9:
        return 600.0
    if number % 50 == 8:
        return chance.uniform(60, 240)
    return 1.0 if number % 10 == 0 else chance.uniform(1, 12)


def _write(
    path: Path, kind: str, sound: np.ndarray, place: float, seconds: float, rate: int, channels: int
) -> None:
    """Write a file block by block."""
    total, begin = round(seconds * rate), round(place * len(sound))
    ratio = RATE / rate
    target = path.with_suffix(".wav") if kind == "m4a" else path
    form, subtype = {
        "wav": ("WAV", "PCM_16"), "m4a": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"),
        "mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS"),
    }[kind]  # fmt: skip
    with soundfile.SoundFile(target, "w", rate, channels, subtype, format=form) as file:
        for first in range(0, total, rate):
            last = min(total, first + rate)
            where = (begin + (np.arange(first, last) * ratio).astype(np.int64)) % len(sound)
            file.write(np.repeat(0.7 * sound[where, None], channels, axis=1))
    if kind == "m4a":
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(target), "-c:a", "aac", str(path)]
        subprocess.run(command, check=True)
        target.unlink()


def check(folder: Path, model: Path, out: Path, kills: int) -> bool:
    """Predict for the library; return whether everything came out as it should."""
    truth = json.loads((folder / "truth.json").read_text())
    bad = {name for name, damage in truth.items() if damage is not None}
    out.mkdir(parents=True, exist_ok=True)
    whole, failures = out / "whole", out / "failures.jsonl"
    start = time.perf_counter()
    command = [_program(), "-m", str(model.resolve()), "--failures", str(failures.resolve()), "--force"]
    done = subprocess.run([*command, "-o", str(whole.resolve()), "."], cwd=folder, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    predicted = [json.loads(line)["audio"] for line in (whole / "manifest.jsonl").open()]
    failed = [json.loads(line) for line in failures.open()]
    good = {name for name in truth if name not in bad}
    tagged = {str((whole / name).resolve().relative_to(folder.resolve())) for name in predicted}
    listed = {str(Path(folder / one["audio"]).absolute().relative_to(folder.absolute())) for one in failed}
    print(f"{len(truth)} files, {len(bad)} of them damaged: exit {done.returncode}, {seconds:.0f} s")
    reasons = all(one["message"] for one in failed)
    print(f"predicted {len(predicted)}, failed {len(failed)}, each with a reason: {reasons}")
    right = done.returncode == 3 and tagged == good and listed == bad
    for name in sorted((tagged ^ good) | (listed ^ bad))[:20]:
        print(f"  {name}: {truth[name]}, {'predicted' if name in tagged else 'not predicted'}")
    if kills:
        right &= _killed(folder, model, out, kills, seconds, whole)
    print("as it should be" if right else "NOT as it should be")
    return right


def _killed(folder: Path, model: Path, out: Path, kills: int, seconds: float, whole: Path) -> bool:
    """Do it again, killed at random moments; return whether the bytes are those of the unbroken run."""
    chance, broken, happened = random.Random(2), out / "broken", 0
    shutil.rmtree(broken, ignore_errors=True)
    command = [_program(), "-m", str(model.resolve()), "-q", "-o", str(broken.resolve()), "."]
    while True:
        more = ["--resume"] if broken.exists() else []
        run = subprocess.Popen([*command, *more], cwd=folder, stdout=subprocess.DEVNULL)
        try:
            wait = chance.uniform(0.5, 1.5 * seconds / (kills + 1) + 1) if happened < kills else None
            run.wait(timeout=wait)
            break
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
            happened += 1
    files = ("manifest.jsonl", "journal.jsonl")
    same = all((broken / name).read_bytes() == (whole / name).read_bytes() for name in files)
    print(f"killed {happened} times and resumed: exit {run.returncode}, same bytes: {same}")
    return same


def _program() -> str:
    return str(Path(sys.executable).with_name("im-predict"))


def main() -> int:
    """Run one of the two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=["make", "check"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--hours-long", type=int, default=2, help="files of an hour")
    parser.add_argument("--source", type=Path, action="append", help="repeatable")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    if options.task == "make":
        make(options.folder, options.files, options.source or [BUNDLED], options.hours_long)
        return 0
    return 0 if check(options.folder, options.model, options.out, options.kills) else 1


if __name__ == "__main__":
    sys.exit(main())
