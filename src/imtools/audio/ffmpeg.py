"""Decoding through an ffmpeg pipe: m4a, aac, wma and other formats that libsndfile does not read."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import weakref
from typing import IO

import numpy as np

from ..arrays import Float32Array
from ..errors import AudioError

_CONTAINERS = (
    "3g2,3gp,aac,ac3,adx,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,gsm,iff,loas,m4a,"
    "matroska,mj2,mlp,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,qcp,rm,shn,sox,swf,tak,truehd,tta,voc,"
    "w64,wav,webm,wv,xwma"
)
"""The formats that ffmpeg may recognise: no playlists, which would make it open other files."""


def installed() -> bool:
    """Return whether there is an ffmpeg program to run."""
    return shutil.which("ffmpeg") is not None


class FfmpegDecoder:
    """Decoder that reads the first audio stream of a file from an ffmpeg process, forward only.

    The process writes 32-bit float samples in Sun AU format, whose header gives the rate and the channels,
    so that no second program is needed. Attributes are those of ``SndfileDecoder``.

    Raises
    ------
    AudioError
        If ffmpeg cannot decode the file; with its message.
    """

    num_samples: int | None = None
    counted = False
    format = "ffmpeg"
    seekable = False

    def __init__(self, path: str) -> None:
        self.path = path
        self._start()

    def _start(self) -> None:
        command: list[str | bytes] = ["ffmpeg", "-nostdin", "-v", "error", "-xerror"]
        # A playlist must not reach other machines, and "file:" keeps "-x.m4a" and "a:b.m4a" file names.
        command += ["-protocol_whitelist", "file", "-format_whitelist", _CONTAINERS]
        command += ["-i", b"file:" + os.fsencode(self.path)]
        command += ["-map", "0:a:0", "-f", "au", "-c:a", "pcm_f32be", "pipe:1"]
        # A file, not a pipe, takes the messages: a full pipe that nobody reads would stop ffmpeg.
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._messages
        )
        assert self._process.stdout is not None
        self._pipe: IO[bytes] = self._process.stdout
        self._end = weakref.finalize(self, _end, self._process, self._messages)
        header = self._pipe.read(24)
        if len(header) < 24:
            self._check_exit()
            self.close()
            raise AudioError(f"{self.path}: ffmpeg finds no audio in it", "check that it is an audio file")
        _, offset, _, _, self.sampling_rate, self.channels = struct.unpack(">4s5I", header)
        self._pipe.read(offset - 24)

    def read(self, frames: int) -> Float32Array:
        """Return the next ``(frames, channels)`` float32 samples, fewer at the end of the file."""
        data = self._pipe.read(frames * self.channels * 4)
        if len(data) < frames * self.channels * 4:
            self._check_exit()
        count = len(data) // (4 * self.channels)
        samples = np.frombuffer(data, dtype=">f4", count=count * self.channels)
        return samples.astype(np.float32).reshape(count, self.channels)

    def _check_exit(self) -> None:
        if self._process.wait() == 0:
            return
        self._messages.seek(0)
        lines = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        self.close()
        reason = lines[-1].strip() if lines else f"exit status {self._process.returncode}"
        raise AudioError(f"{self.path}: ffmpeg cannot decode it ({reason})", "check that it is complete")

    def seek(self, frame: int) -> None:
        """Not possible in a pipe: ``seekable`` is false."""
        raise ValueError("an ffmpeg pipe cannot seek")

    def rewind(self) -> None:
        """Start again at the first frame, with a new process."""
        self.close()
        self._start()

    def check_complete(self) -> None:
        """Do nothing: ffmpeg fails when it reaches data that end too early, and only then."""

    def close(self) -> None:
        """End the process and wait for it."""
        self._end()


def _end(process: subprocess.Popen[bytes], messages: IO[bytes]) -> None:
    process.kill()
    if process.stdout is not None:
        process.stdout.close()
    process.wait()
    messages.close()
