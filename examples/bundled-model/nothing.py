"""Sounds without any instrument, for a net that is to say so: noise of all colours, hum, clicks, silence.

    python examples/bundled-model/nothing.py DIRECTORY

writes 300 recordings of 3 seconds and a manifest.jsonl with an empty, complete list of labels for each. They
are the same on every machine, but for rounding.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 22050
LENGTH = 3 * RATE
SEED = 1
COUNT = 300

Random = np.random.Generator
Floats = NDArray[np.float64]


def noise(random: Random) -> Floats:
    """Return noise of any colour, in a band of frequencies or in all, steady or swelling."""
    frequencies = np.fft.rfftfreq(LENGTH, 1 / RATE)
    spectrum = random.standard_normal(len(frequencies)) + 1j * random.standard_normal(len(frequencies))
    spectrum *= np.maximum(frequencies, 20) ** random.uniform(-1.2, 0.4)
    if random.random() < 0.4:
        low, high = sorted(RATE / 2 * 2.0 ** random.uniform(-6, 0, 2))
        spectrum /= np.hypot(1, (np.minimum(frequencies - low, 0) / 50)) ** 2
        spectrum /= np.hypot(1, (np.maximum(frequencies - high, 0) / 50)) ** 2
    wave = np.fft.irfft(spectrum, LENGTH)
    if random.random() < 0.3:
        times = np.arange(LENGTH) / RATE
        wave *= 1 + random.uniform(0.2, 1) * np.sin(2 * np.pi * random.uniform(0.3, 8) * times)
    return wave / np.abs(wave).max()


def hum(random: Random) -> Floats:
    """Return the hum of the mains, with overtones, in noise."""
    times = np.arange(LENGTH) / RATE
    mains = random.choice([50.0, 60.0])
    tones = [
        random.uniform(0, 1) / number**1.5 * np.sin(2 * np.pi * number * mains * times + random.uniform(0, 6))
        for number in range(1, 12)
    ]
    return np.sum(tones, axis=0) + random.uniform(0.01, 1) * noise(random)


def clicks(random: Random) -> Floats:
    """Return clicks, regular or not, in weak noise."""
    wave = 10 ** random.uniform(-4, -2) * noise(random)
    count = random.integers(2, 40)
    places = random.integers(0, LENGTH - 200, count)
    if random.random() < 0.5:
        places = np.linspace(0, LENGTH - 200, count).astype(int)
    shape = random.standard_normal(200) * np.exp(-np.arange(200) / random.uniform(2, 60))
    for place in places:
        wave[place : place + 200] += random.uniform(0.3, 1) * shape
    return wave


def silence(random: Random) -> Floats:
    """Return nothing, or the least noise that 16 bits hold."""
    return np.zeros(LENGTH) if random.random() < 0.3 else random.integers(-1, 2, LENGTH) / 2**15 * 1.5


def main(folder: Path) -> None:
    """Write the recordings and their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    with open(folder / "manifest.jsonl", "w", encoding="utf-8") as manifest:
        for number in range(COUNT):
            kind = (noise, noise, noise, hum, clicks, silence)[number % 6]
            wave = kind(random)
            if kind is not silence:
                wave *= 10 ** (random.uniform(-60, -3) / 20) / np.abs(wave).max()
            name = f"{number:03d}.wav"
            soundfile.write(folder / name, wave, RATE, subtype="PCM_16")
            line = {
                "path": name,
                "labels": [],
                "labels_complete": True,
                "source": "nothing",
                "group": f"nothing/{number:03d}",
            }
            manifest.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
