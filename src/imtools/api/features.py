"""Features of one source in memory."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32Array
from ..errors import UsageError
from ..features.batches import transformed
from ..features.front_ends.base import FrontEnd
from ..features.loading import MAX_DECODED_SAMPLES, load_or_read
from ..features.presets import DEFAULT_PRESET, KINDS, PRESETS
from ..features.presets import front_end as build_front_end
from ..features.streaming import stream
from .sources import Source, open_source


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
        Lowest frequency first. Frame ``f`` is centred at ``f * hop_length / sampling_rate`` seconds; the
        unit of the values (decibels, magnitudes, ...) depends on the front end's ``config``.

    Raises
    ------
    UsageError
        If there is no such front end, the source is none of these, or ``sampling_rate`` is given for a front
        end that is already built.
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
    if waveform.num_samples <= MAX_DECODED_SAMPLES:
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
