"""Writing audio files, whole or not at all."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

from ..arrays import Float32Array
from ..atomic import replacing
from ..choices import AUDIO_FORMATS
from ..errors import AudioError, UsageError
from ..units import amplitude_to_db
from .levels import check_finite, peak


def write(
    path: str | os.PathLike[str],
    samples: npt.NDArray[np.floating[Any]],
    sampling_rate: int,
    fmt: str = "flac",
) -> None:
    """Write an audio file atomically; its folder is created if needed.

    Parameters
    ----------
    path : path
        The file to make or replace.
    samples : ndarray of float, shape (n,) or (channels, n)
        Full scale is 1.
    sampling_rate : int
        Hz.
    fmt : {"flac", "wav"}
        FLAC with 24-bit integers (full scale is 1), or WAV with 32-bit floats (no limit). Equal samples give
        equal bytes.

    Raises
    ------
    UsageError
        If ``fmt`` is none of these.
    AudioError
        If there are no samples, some are NaN or infinite, some exceed full scale in FLAC, or the format
        does not support the rate or the channels.
    OSError
        If the disk is full, or the file cannot be written for another such reason.
    """
    name = os.fspath(path)
    if fmt not in AUDIO_FORMATS:
        raise UsageError(f"audio format {fmt!r} cannot be written", f"choose {' or '.join(AUDIO_FORMATS)}")
    frames = np.atleast_2d(samples).T.astype(np.float32)
    if not frames.size:
        raise AudioError(f"{name}: there are no samples to write", "leave the record out")
    check_finite(frames, name, sampling_rate)
    data = _flac(name, frames, sampling_rate) if fmt == "flac" else _wav(frames, sampling_rate)
    # Encoded in memory, written by Python: libsndfile reports a full disk late or not at all.
    try:
        with replacing(name) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        if error.filename is None:  # the error of a failed write does not name the file
            error.filename = name
        raise


def _flac(name: str, frames: Float32Array, sampling_rate: int) -> bytes:
    level = peak(frames)
    if level > 1:
        what = f"peak {level:.3f} exceeds full scale by {amplitude_to_db(level):.2f} dB"
        raise AudioError(f"{name}: {what}", "lower the level, or write 32-bit floats with `fmt=wav`")
    buffer = io.BytesIO()
    try:
        sf.write(buffer, frames, sampling_rate, format="FLAC", subtype="PCM_24")
    except (sf.LibsndfileError, ValueError) as error:
        what = f"FLAC cannot hold {frames.shape[1]} channels at {sampling_rate} Hz ({error})"
        raise AudioError(f"{name}: {what}", "pass `fmt=wav`") from None
    return buffer.getvalue()


def _wav(frames: Float32Array, sampling_rate: int) -> bytes:
    # Not libsndfile, which stamps float WAV files with the time of day.
    from scipy.io import wavfile

    buffer = io.BytesIO()
    wavfile.write(buffer, sampling_rate, frames)
    return buffer.getvalue()
