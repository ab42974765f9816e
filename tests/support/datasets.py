"""Data sets as they lie on disk, with their real names and numbers but the same tiny sound in every file."""

from __future__ import annotations

import json
import os
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile

IRMAS_TRAIN = {
    "cel": 388, "cla": 505, "flu": 451, "gac": 637, "gel": 760, "org": 682, "pia": 721, "sax": 626,
    "tru": 577, "vio": 580, "voi": 778,
}  # fmt: skip
IRMAS_GENRES = {"pop_roc": 2476, "jaz_blu": 2030, "cla": 1675, "cou_fol": 482, "lat_sou": 42}
IRMAS_TEST = {
    "voi": 1044, "pia": 995, "gel": 942, "gac": 535, "org": 361, "sax": 326, "vio": 211, "tru": 167,
    "flu": 163, "cel": 111, "cla": 62,
}  # fmt: skip
IRMAS_TEST_LABELS = {1: 1236, 2: 1278, 3: 318, 4: 39, 5: 3}
"""How many files have so many labels."""
FAMILIES = (
    "bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead",
    "vocal",
)  # fmt: skip
SOURCES = ("acoustic", "electronic", "synthetic")


def fake_irmas_train(root: Path) -> Path:
    """6705 clips in folders by class: named by instrument and genre, some with a number and drums before."""
    sound = _sound(root / "sound.wav", 3.0)
    folder = root / "IRMAS-TrainingData"
    genres = cycle(_spread(IRMAS_GENRES))
    number = 0
    for label, count in IRMAS_TRAIN.items():
        (folder / label).mkdir(parents=True)
        for k in range(count):
            recording, take, genre = number // 3, k % 3 + 1, next(genres)
            if number % 1000 < 717:
                name = f"[{label}][{genre}]{recording:04d}__{take}"
            else:
                drums = "---" if number % 560 == 1 else ("dru", "nod")[number % 2]
                name = f"{number % 400:03d}__[{label}][{drums}][{genre}]{recording:04d}__{take}"
            os.link(sound, folder / label / f"{name}.wav")
            number += 1
    return folder


def fake_irmas_test(root: Path) -> Path:
    """2874 tracks in three parts, each with its labels, one a line, before a tab."""
    sound = _sound(root / "track.wav", 5.0)
    folder = root / "IRMAS-TestingData"
    names = ("Part1", "IRTestingData-Part2", "Part3")
    parts = [folder / f"IRMAS-TestingData-Part{number}" / name for number, name in enumerate(names, 1)]
    for part in parts:
        part.mkdir(parents=True)
    (parts[1] / ".DS_Store").write_bytes(b"\0")
    left = dict(IRMAS_TEST)
    sizes = [size for size, count in sorted(IRMAS_TEST_LABELS.items(), reverse=True) for _ in range(count)]
    for number, size in enumerate(sizes):
        labels = sorted(left, key=lambda label: -left[label])[
            :size
        ]  # the commonest that are left: it comes out
        for label in labels:
            left[label] -= 1
        title = ("Café, noir", "Mr. Blue vs. Green", "Song")[number % 3]
        stem = parts[number % 3] / f"(02) {title} {number // 14:03d}-{number % 14 + 1}"
        os.link(sound, f"{stem}.wav")
        Path(f"{stem}.txt").write_text("".join(f"{label}\t\n" for label in labels), encoding="utf-8")
    assert not any(left.values())
    return folder


def fake_nsynth(root: Path, count: int = 10_000) -> Path:
    """Notes of all families and sources in the three parts of NSynth, with their tables."""
    sound = _sound(root / "note.wav", 4.0, 16000)
    folder = root / "nsynth"
    for part, share in (("train", 0.9), ("valid", 0.06), ("test", 0.04)):
        audio = folder / f"nsynth-{part}" / "audio"
        audio.mkdir(parents=True)
        notes = {}
        for number in range(round(share * count)):
            family = FAMILIES[number % len(FAMILIES)]
            source = SOURCES[0] if family != "synth_lead" and number % 3 else SOURCES[1 + number % 2]
            instrument = f"{family}_{source}_{part}{number // 99:03d}"
            name = f"{instrument}-{21 + number % 88:03d}-{(25, 50, 75, 100, 127)[number % 5]:03d}"
            name = name.replace(instrument, f"{family}_{source}_{number:04d}")
            notes[name] = {
                "note": number,
                "note_str": name,
                "instrument": number // 99,
                "instrument_str": instrument,
                "pitch": 21 + number % 88,
                "velocity": 100,
                "sample_rate": 16000,
                "qualities": [0] * 10,
                "qualities_str": [],
                "instrument_family": FAMILIES.index(family),
                "instrument_family_str": family,
                "instrument_source": SOURCES.index(source),
                "instrument_source_str": source,
            }
            os.link(sound, audio / f"{name}.wav")
        (audio.parent / "examples.json").write_text(json.dumps(notes))
    return folder


def _spread(counts: dict[str, int]) -> list[str]:
    """Names as often as they come, evenly mixed and in the same order always."""
    names = [name for name, count in counts.items() for _ in range(count)]
    return [names[place] for place in np.random.default_rng(1).permutation(len(names))]


def _sound(path: Path, seconds: float, rate: int = 8000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.1 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
    soundfile.write(path, wave, rate, subtype="PCM_U8")
    return path
