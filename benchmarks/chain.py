"""From FLAC, MP3 and Ogg files to stored CQT rows, start-up included, against librosa file by file."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

from benchmarks.report import Row, milliseconds

AUDIO = Path(__file__).resolve().parent.parent / "examples" / "audio"
SEGMENTS = 2000


def program(name: str) -> str:
    """Return the path of a command of this environment."""
    return os.path.join(os.path.dirname(sys.executable), name)


def segments(folder: Path, hop: float, count: int) -> bytes:
    """Write the bundled recordings as FLAC, MP3 and Ogg, and return a manifest of one-second segments."""
    for number, path in enumerate(sorted(AUDIO.rglob("*.flac"))):
        samples, rate = soundfile.read(path, dtype="float32")
        for suffix in ("flac", "mp3", "ogg"):
            soundfile.write(folder / f"{number:02d}-{suffix}.{suffix}", samples, rate, format=suffix.upper())
    command = [program("im-segment"), "-q", "--hop", str(hop), str(folder)]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines(keepends=True)
    if len(lines) < count:
        raise RuntimeError(f"the recordings give only {len(lines)} segments")
    return b"".join(lines[:: len(lines) // count][:count])


_NAIVE = """
import sys, librosa, numpy as np
from imtools.manifest import read_manifest
for number, record in enumerate(read_manifest(sys.argv[1])):
    clip, rate = librosa.load(record.audio, sr=22050, offset=record.start, duration=record.duration)
    clip /= np.sqrt(np.mean(clip**2)) or 1
    level = librosa.amplitude_to_db(np.abs(librosa.cqt(clip, sr=rate, hop_length=256, n_bins=96)))
    np.save(f"{sys.argv[2]}/{number}.npy", level)
"""


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        audio, manifest = Path(folder, "audio"), Path(folder, "segments.jsonl")
        audio.mkdir()
        manifest.write_bytes(segments(audio, 0.15, SEGMENTS))
        command = [program("im-features"), "-q", "--force", "-o", f"{folder}/rows", str(manifest)]
        loop = [sys.executable, "-c", _NAIVE, str(manifest), folder]
        ours = milliseconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True), repeat=3)
        naive = milliseconds(lambda: subprocess.run(loop, check=True), repeat=1)
    return [Row(f"im-features, {SEGMENTS} segments of 1 s", ours, naive)]
