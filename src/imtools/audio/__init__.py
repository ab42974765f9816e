"""Audio in and out: exact lengths, sample-exact segments, bounded memory, errors that name the file."""

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
