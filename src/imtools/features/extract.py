"""Features of one source in memory: a record, a file or an array.

Waveforms are float32 of shape ``(num_samples,)``, features float32 of shape ``(bins, frames)``.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float32Array
from ..audio.load import SampleFile
from ..errors import UsageError
from ..manifest import Record
from ..sound.reader import RecordReader
from ..sound.render import load_sound
from ..sound.source import Source, open_source
from .batches import for_front_end, transformed
from .front_ends.base import FrontEnd
from .presets import DEFAULT_PRESET, KINDS, PRESETS
from .presets import front_end as build_front_end
from .streaming import stream

SHORT = 2**19
"""Samples up to which a waveform is transformed at once (24 s at 22050 Hz)."""

ROW = 2**21
"""Values up to which its features are kept in memory by the commands (8 MiB)."""

HELD = 2**24
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
        Where to read the samples, instead of the record's ``audio``; see `imtools.sound.source`.

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
    short = record.num_samples <= SHORT and values <= ROW
    at_once = short or front_end.reach is None
    return load_sound(record, file=file) if at_once else RecordReader(record, file=file)


def extract_features(
    source: Source, front_end: str | FrontEnd = DEFAULT_PRESET, *, sampling_rate: int | None = None
) -> Float32Array:
    """Compute a time-frequency representation of a record, a file or an array.

    The numbers are those that im-features stores for the same audio.

    Parameters
    ----------
    source : Record, path, or tuple of (array_like, int)
        A record with audio or a recipe; the path of an audio file; or samples of shape ``(num_samples,)`` or
        ``(channels, num_samples)``, full scale 1, with their sampling rate in Hz. It is averaged to mono and
        resampled to the front end's rate.
    front_end : str or FrontEnd
        The name of a preset (`imtools.features.PRESETS`) or of a kind with its defaults
        (`imtools.features.KINDS`); or a front end from `imtools.features.front_end`, on the device where it
        is to compute.
    sampling_rate : int, optional
        Hz at which the features are computed, instead of that of the preset or kind.

    Returns
    -------
    ndarray of float32, shape (bins, frames)
        Lowest frequency first. Frame ``f`` is centred at ``f * hop_length / sampling_rate`` seconds; what the
        values mean (decibels, magnitudes, ...) is up to the front end's ``config``.

    Raises
    ------
    UsageError
        If there is no such front end, the source is none of these, or ``sampling_rate`` is given for a front
        end that is built already.
    AudioError
        If the audio cannot be decoded.
    FeatureError
        If it is too short or too long for the front end.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 / 22050 * np.arange(22050))
    >>> extract_features((tone, 22050), "kratimenos2020").shape
    (96, 87)
    >>> stereo = np.stack([tone, tone])
    >>> extract_features((stereo, 22050), "mel").shape
    (128, 44)
    """
    model = _resolved(front_end, sampling_rate)
    record, file = open_source(source)
    waveform = load_or_read(record, model, file=file)
    if isinstance(waveform, np.ndarray):
        return transformed(model, {0: waveform})[0]
    if waveform.num_samples <= HELD:
        waveform.hold()
    return np.concatenate(list(stream(model, waveform.num_samples, waveform.read)), axis=1)


def _resolved(front_end: str | FrontEnd, sampling_rate: int | None) -> FrontEnd:
    if isinstance(front_end, FrontEnd):
        if sampling_rate not in (None, front_end.sampling_rate):
            what = f"the front end takes waveforms at {front_end.sampling_rate} Hz, not {sampling_rate} Hz"
            raise UsageError(what, "pass the name of a preset or kind, or leave out `sampling_rate`")
        return front_end
    changes = {} if sampling_rate is None else {"sampling_rate": sampling_rate}
    if front_end in KINDS:
        return build_front_end(kind=front_end, **changes)
    if front_end in PRESETS:
        return build_front_end(front_end, **changes)
    hint = f"choose from {', '.join([*PRESETS, *KINDS])}"
    raise UsageError(f"there is no preset or kind of front end {front_end!r}", hint)
