"""Loading the sound of a record for a front end: at once if it is short, as a reader if it is long.

Waveforms are float32 of shape ``(num_samples,)``.
"""

from __future__ import annotations

from ..arrays import Float32Array
from ..audio.load import SampleFile
from ..manifest import Record
from ..sound.reader import RecordReader
from ..sound.render import load_sound
from .batches import for_front_end
from .front_ends.base import FrontEnd

MAX_WHOLE_SAMPLES = 2**19
"""Samples up to which a waveform is transformed at once (24 s at 22050 Hz)."""

ROW = 2**21
"""Values up to which its features are kept in memory by the commands (8 MiB)."""

MAX_DECODED_SAMPLES = 2**24
"""Samples up to which a longer one is decoded once and kept; it is read twice (13 minutes, 64 MiB)."""


def load_or_read(
    record: Record, front_end: FrontEnd, *, file: SampleFile | None = None
) -> Float32Array | RecordReader:
    """Load the waveform of a record for a front end, or, if it is long, return a reader of it.

    Parameters
    ----------
    record : Record
        With audio or a mix recipe.
    front_end : FrontEnd
        What is to transform it.
    file : SampleFile, optional
        Where to read the samples, instead of the record's ``audio``; see `imtools.sound.array`.

    Returns
    -------
    ndarray of float32, shape (num_samples,), or RecordReader
        Mono, at the front end's rate.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    FeatureError
        If it is too short or too long, or has no audio.
    """
    record = for_front_end(record, front_end, file=file)
    values = front_end.bins * front_end.frames(record.num_samples)
    short = record.num_samples <= MAX_WHOLE_SAMPLES and values <= ROW
    at_once = short or front_end.reach is None
    return load_sound(record, file=file) if at_once else RecordReader(record, file=file)
