"""Audio in and out: exact lengths, sample-exact segments, bounded memory, errors that name the file.

Files are read as float32 of shape ``(frames, channels)``; `load` and `stream` return ``(num_samples,)`` or
``(channels, num_samples)``. Full scale is 1.
"""

from .blocks import stream
from .decode import AudioFile, AudioInfo, open_audio, probe
from .encode import write
from .levels import check_finite, normalize, peak, rms
from .load import close_files, load

__all__ = [
    "AudioFile",
    "AudioInfo",
    "check_finite",
    "close_files",
    "load",
    "normalize",
    "open_audio",
    "peak",
    "probe",
    "rms",
    "stream",
    "write",
]
