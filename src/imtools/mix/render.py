"""Rendering: from the recipe of a mix to its sound."""

from __future__ import annotations

import numpy as np

from ..audio.levels import Samples, normalize
from ..audio.load import load
from ..errors import AudioError
from ..manifest import Record
from ..units import samples_to_seconds, seconds_to_samples
from .overlay import overlay
from .recipe import Recipe

_SLACK = 2
"""Samples that resampled lengths and starts, each rounded, may lack at the end of a mix."""


def load_any(record: Record, *, mono: bool = True) -> Samples:
    """Return the sound of a record, be it in a file or a mix that is only a recipe.

    Parameters
    ----------
    record : Record
        Anything with an audio file or a recipe. A rendered mix has both: its file is read.
    mono : bool
        Whether to average the channels.

    Returns
    -------
    ndarray of float32, shape (num_samples,) if mono, else (channels, num_samples)

    Raises
    ------
    AudioError
        If a file cannot be decoded, tracks do not fit together, or the record asks for more than the
        mix has.
    ManifestError
        If the recipe is wrong.
    """
    if record.audio is None and record.mix:
        return render(record, mono=mono)
    return load(record, mono=mono)


def render(record: Record, *, mono: bool = True) -> Samples:
    """Render the stretch of a mix that a record stands for.

    The mix is made at the record's sampling rate: each track is loaded at that rate. Then `start` and
    `num_samples` cut the stretch out, and `padding` and `normalize` apply as they do to a file. The same
    record gives the same samples each time.

    Parameters
    ----------
    record : Record
        A record with a recipe; its `audio` is not looked at.
    mono : bool
        Whether to average the channels.

    Returns
    -------
    ndarray of float32, shape (num_samples,) if mono, else (channels, num_samples)

    Raises
    ------
    AudioError
        If a track's file cannot be decoded, the tracks do not fit together, or the record asks for
        channels or samples that the mix has not.
    ManifestError
        If the recipe is wrong.
    """
    recipe = Recipe.from_json(record.mix, f"record {record.id}: mix")
    rate, channels = record.sampling_rate, record.channels
    early = mono and channels is None  # averaging first is the same, and less work
    whole = overlay(
        [load_any(track.record.at_rate(rate), mono=early) for track in recipe.tracks],
        offsets=[seconds_to_samples(track.offset, rate) for track in recipe.tracks],
        gains_db=[track.gain_db for track in recipe.tracks],
        gain_db=recipe.gain_db,
    )
    if channels is not None:
        if max(channels, default=-1) >= len(whole):
            raise AudioError(f"record {record.id}: channels {channels} of a mix with {len(whole)}")
        whole = whole[channels]
    if mono and not early:
        whole = whole.mean(axis=0, dtype=np.float32)

    begin = seconds_to_samples(record.start, rate)
    wanted = record.num_samples - seconds_to_samples(record.padding, rate)
    samples = whole[..., begin : begin + wanted]
    if samples.shape[-1] < wanted - _SLACK:
        end, there = (samples_to_seconds(n, rate) for n in (begin + wanted, whole.shape[-1]))
        raise AudioError(
            f"record {record.id}: ends at {end:g} s of a mix of {there:g} s",
            "make the mixes again with im-mix",
        )
    missing = record.num_samples - samples.shape[-1]
    samples = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, missing)])
    return normalize(samples, record.normalize)
