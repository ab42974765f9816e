"""Rendering recipes to audio files."""

from __future__ import annotations

import math
from pathlib import Path

from ..audio.encode import write
from ..audio.levels import peak
from ..choices import AudioFormat
from ..manifest import Record
from ..sound.render import render
from ..units import amplitude_to_db


def write_rendered(record: Record, folder: Path, fmt: AudioFormat, *, headroom: bool = True) -> Record:
    """Render a recipe to a file, and return the record that points at it.

    Parameters
    ----------
    record : Record
        A mix, or an augmented copy.
    folder : Path
        The file becomes ``folder/audio/<id>.<fmt>``.
    fmt : {"flac", "wav"}
        Audio format.
    headroom : bool
        Whether a sound with peaks above full scale is attenuated until FLAC can hold it; its recipe then
        holds by how much.

    Returns
    -------
    Record
        With its recipe, which still renders to the file's samples.

    Raises
    ------
    AudioError
        If it cannot be rendered or written.
    """
    samples = render(record, mono=False)
    excess = amplitude_to_db(peak(samples)) if fmt == "flac" and headroom else 0.0
    if excess > 0 and record.normalize is None:
        gain = record.mix.get("gain_db", 0.0) - math.ceil(100 * excess) / 100
        record = record.replace(mix=record.mix | {"gain_db": gain})
        samples = render(record, mono=False)
    path = folder / "audio" / f"{record.id}.{fmt}"
    write(path, samples, record.sampling_rate, fmt)
    return record.replace(audio=str(path), start=0.0, padding=0.0, normalize=None, channels=None)
