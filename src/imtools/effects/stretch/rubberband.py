"""The Rubber Band program (its R3 engine), run once for a signal.

A single shift runs offline, which is exact. A pitch curve needs the program's realtime mode, whose timing
is not exact: measured with version 3.1.2, half a window passes before a frame is stretched, and half a window
of the stretched sound before it is resampled to its pitch. So each step is sent later by that amount, and
since the second delay depends on the pitch, the result is cut and joined again where it changes.
"""

from __future__ import annotations

import io
import itertools
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ...arrays import Float32Array
from ...errors import AudioError
from .curve import ConstantRun
from .joining import Piece, join

_MIN_RATE = 40000
"""Hz. At lower rates the engine blurs time (8 kHz) and loses up to 0.9 dB where its bands meet (22 kHz)."""

_PADDING = 0.1
"""Seconds of silence at the end: without it the program returns nothing for very short signals."""

_TOLERANCE = 0.004
"""Seconds by which the delay may change before the result is cut."""

_MAX_SEMITONES = 30.0
"""The program's maximum shift. At 40 semitones down and more it returns NaN, and other values each time."""

_HINT = "pass `stretcher=signalsmith`"


def stretch(
    samples: Float32Array, sampling_rate: int, factor: float, runs: list[ConstantRun], length: int
) -> Float32Array:
    """Return samples, stretched and shifted.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, n)
        Within full scale.
    sampling_rate : int
        Hz.
    factor : float
        New duration / old duration.
    runs : list of ConstantRun
        The pitch shifts; they cover the input.
    length : int
        Samples of the result.

    Returns
    -------
    ndarray of float32, shape (channels, length)

    Raises
    ------
    AudioError
        If the program fails.
    """
    times = math.ceil(_MIN_RATE / sampling_rate)
    if times > 1:
        faster = _resampled(samples, sampling_rate, times * sampling_rate, times * samples.shape[1])
        runs = [ConstantRun(times * run.start, times * run.stop, run.semitones) for run in runs]
        result = stretch(faster, times * sampling_rate, factor, runs, times * length)
        return _resampled(result, times * sampling_rate, sampling_rate, length)
    if max(abs(run.semitones) for run in runs) > _MAX_SEMITONES:
        halves = [ConstantRun(run.start, run.stop, run.semitones / 2) for run in runs]
        rest = [ConstantRun(round(r.start * factor), round(r.stop * factor), r.semitones) for r in halves]
        return stretch(
            stretch(samples, sampling_rate, factor, halves, length), sampling_rate, 1.0, rest, length
        )
    silence = _PADDING / min(1.0, factor)
    if len(runs) == 1:
        return _run(samples, sampling_rate, factor, runs[0].semitones, silence)[:, :length]
    half = half_window(sampling_rate)
    first = runs[0]
    keys: list[tuple[int, float]] = [(0, 0.0)]
    for before, run in itertools.pairwise(runs):
        frame = run.start + half + round(half / (before.ratio * factor))
        keys.append((max(frame, keys[-1][0] + 1), run.semitones - first.semitones))
    slowest = min(run.ratio for run in runs)
    silence += half * (2 + (1 + 1 / factor) / slowest) / sampling_rate  # what the delays hold back
    pitch_map = "".join(f"{frame} {semitones!r}\n" for frame, semitones in keys)
    made = _run(samples, sampling_rate, factor, first.semitones, silence, pitch_map)
    pieces = _pieces(made, factor, runs, length, half, round(_TOLERANCE * sampling_rate))
    return join(pieces, len(samples), length, sampling_rate)


def _pieces(
    made: Float32Array, factor: float, runs: list[ConstantRun], length: int, half: int, tolerance: int
) -> Iterator[Piece]:
    """Cut the program's output where its delay has changed by more than a tolerance in samples."""
    start = delay = 0
    for before, run in itertools.pairwise(runs):
        now = round(half / run.ratio - half / runs[0].ratio)
        # what was in the resampler when the pitch changed is played faster or slower: cut in its middle
        cut = round(run.start * factor + min(half / before.ratio, (run.stop - run.start) * factor) / 2)
        if abs(now - delay) > tolerance:
            yield Piece(made, -delay, start, cut)
            start, delay = cut, now
    yield Piece(made, -delay, start, length)


def half_window(sampling_rate: int) -> int:
    """Return half the length of the R3 engine's window, in samples, at a rate from 32 kHz on."""
    return int(2 ** math.ceil(math.log2(sampling_rate / 16))) // 2


def _fitted(samples: Float32Array, length: int) -> Float32Array:
    """Return the first samples of each channel, followed by silence if there are too few."""
    samples = samples[:, :length]
    return np.pad(samples, ((0, 0), (0, length - samples.shape[1])))


def _resampled(samples: Float32Array, from_rate: int, to_rate: int, length: int) -> Float32Array:
    made = soxr.resample(np.ascontiguousarray(samples.T), from_rate, to_rate)
    return _fitted(np.ascontiguousarray(made.T, dtype=np.float32), length)


def _run(
    samples: Float32Array,
    sampling_rate: int,
    factor: float,
    semitones: float,
    silence: float,
    pitch_map: str = "",
) -> Float32Array:
    """Send samples, followed by seconds of silence, through the program, and return its output."""
    padded = np.pad(samples, ((0, 0), (0, round(silence * sampling_rate))))
    stream = io.BytesIO()
    soundfile.write(stream, padded.T, sampling_rate, format="WAV", subtype="FLOAT")
    files = {"in.wav": stream.getvalue(), "out.wav": b"", "map": pitch_map.encode()}
    command = ["rubberband", "-q", "-3", f"-t{factor!r}", f"-p{semitones!r}"]
    timeout = 60 + 60 * max(1.0, factor) * padded.shape[1] / sampling_rate  # 100 times the usual
    made = (_run_in_memory if sys.platform == "linux" else _run_in_folder)(command, files, timeout)
    try:
        frames, _ = soundfile.read(io.BytesIO(made), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"rubberband wrote no audio ({error})", _HINT) from None
    expected = round(samples.shape[1] * factor)
    if len(frames) < expected:
        raise AudioError(f"rubberband wrote {len(frames)} samples instead of {expected}", _HINT)
    if not np.isfinite(frames).all():
        raise AudioError("rubberband wrote values that are not finite", _HINT)
    return np.ascontiguousarray(frames.T)


def _run_in_memory(command: list[str], files: dict[str, bytes], timeout: float) -> bytes:
    """Run the program on unlinked files: none is left behind, however this process ends."""
    descriptors: dict[str, int] = {}
    try:
        for name, content in files.items():
            descriptors[name] = os.memfd_create(f"imtools-{name}")
            with open(descriptors[name], "wb", closefd=False) as file:
                file.write(content)
            os.lseek(descriptors[name], 0, os.SEEK_SET)
        paths = {name: f"/proc/self/fd/{number}" for name, number in descriptors.items()}
        _call(command, paths, files, timeout, tuple(descriptors.values()))
        with open(descriptors["out.wav"], "rb", closefd=False) as file:
            file.seek(0)
            return file.read()
    finally:
        for number in descriptors.values():
            os.close(number)


def _run_in_folder(command: list[str], files: dict[str, bytes], timeout: float) -> bytes:
    with tempfile.TemporaryDirectory(prefix="imtools-") as folder:
        paths = {name: os.path.join(folder, name) for name in files}
        for name, path in paths.items():
            Path(path).write_bytes(files[name])
        _call(command, paths, files, timeout, ())
        return Path(paths["out.wav"]).read_bytes()


def _call(
    command: list[str],
    paths: dict[str, str],
    files: dict[str, bytes],
    timeout: float,
    descriptors: tuple[int, ...],
) -> None:
    pitch_map = ["--pitchmap", paths["map"]] if files["map"] else []
    try:
        done = subprocess.run(
            [*command, *pitch_map, paths["in.wav"], paths["out.wav"]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            pass_fds=descriptors,
            check=False,
        )
    except OSError as error:
        raise AudioError(f"rubberband cannot be run ({error.strerror})", _HINT) from None
    except subprocess.TimeoutExpired:
        raise AudioError(f"rubberband has not finished within {timeout:.0f} s", _HINT) from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1].strip() if lines else f"exit status {done.returncode}"
        raise AudioError(f"rubberband fails ({reason})", _HINT)
