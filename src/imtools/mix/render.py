"""Rendering: from the recipe of a mix to its sound."""

from __future__ import annotations

import numpy as np

from ..audio.levels import Samples, normalize, rms
from ..audio.load import load
from ..errors import AudioError
from ..manifest import Record
from ..units import amplitude_to_db, samples_to_seconds, seconds_to_samples
from .overlay import overlay, overlay_pydub
from .recipe import MixTrack, Recipe

_SLACK = 2
"""Samples that resampled lengths and starts, each rounded, may lack at the end of a mix."""


def load_any(record: Record, *, mono: bool = True) -> Samples:
    """Return the sound of a record, be it in a file or a mix that is only a recipe.

    Parameters and errors are those of `render` for a recipe, and of `imtools.audio.load.load` for all
    else. A rendered mix has a file and a recipe: its file is read.

    Returns
    -------
    ndarray of float32, shape (num_samples,) if mono, else (channels, num_samples)
    """
    if record.audio is None and record.mix:
        return render(record, mono=mono)
    return load(record, mono=mono)


def render(record: Record, *, mono: bool = True) -> Samples:
    """Render the stretch of a mix that a record stands for.

    The mix is made at the record's sampling rate: each track is loaded at that rate, and changed as its
    recipe says. Then `start` and `num_samples` cut the stretch out, and `padding` and `normalize` apply as
    they do to a file. The same record gives the same samples each time.

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
        If a track's file cannot be decoded or changed, the tracks do not fit together, or the record asks
        for channels or samples that the mix has not.
    ManifestError
        If the recipe is wrong.
    UsageError
        If the recipe asks for a stretcher that is not installed.
    """
    recipe = Recipe.from_json(record.mix, f"record {record.id}")
    rate, channels = record.sampling_rate, record.channels
    early = mono and channels is None  # averaging first is the same, and less work
    begin = seconds_to_samples(record.start, rate)
    wanted = record.num_samples - seconds_to_samples(record.padding, rate)
    whole = _mixed(recipe, rate, early) if recipe.tracks else _silence(begin + wanted, early)
    if channels is not None:
        if max(channels, default=-1) >= len(whole):
            raise AudioError(
                f"record {record.id}: channels {channels} of a mix with {len(whole)}",
                "make the mixes again with im-mix",
            )
        whole = whole[channels]
    if mono and not early:
        whole = whole.mean(axis=0, dtype=np.float32)

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


def _silence(num_samples: int, mono: bool) -> Samples:
    return np.zeros(num_samples if mono else (1, num_samples), np.float32)


def _mixed(recipe: Recipe, rate: int, mono: bool) -> Samples:
    """Return the whole mix at a rate."""
    sounds = [track_sound(track, rate, mono=mono, stretcher=recipe.stretcher) for track in recipe.tracks]
    lay = overlay_pydub if recipe.renderer == "pydub" else overlay
    return lay(
        sounds,
        offsets=[seconds_to_samples(track.offset, rate) for track in recipe.tracks],
        gains_db=[
            track.gain_db + _level_db(track, sound, sounds[0])
            for track, sound in zip(recipe.tracks, sounds, strict=True)
        ],
        gain_db=recipe.gain_db,
    )


def track_sound(track: MixTrack, rate: int, *, mono: bool, stretcher: str | None = None) -> Samples:
    """Return a track as it goes into the mix, but for its level and its place.

    Parameters
    ----------
    track : MixTrack
        What to load, and what to do to it.
    rate : int
        Hz; the track is loaded at that rate.
    mono : bool
        Whether to average the channels, before anything else.
    stretcher : str, optional
        The engine that stretches and shifts; the best that is installed by default.

    Returns
    -------
    ndarray of float32, shape (n,) if mono, else (channels, n)

    Raises
    ------
    AudioError
        If the file cannot be decoded or the sound not be changed.
    UsageError
        If the stretcher is not installed.
    """
    samples = load_any(track.record.at_rate(rate), mono=mono)
    if track.stretch != 1 or track.shift:
        from ..effects.stretch import resolve_stretcher, stretch

        engine = resolve_stretcher(stretcher or "auto")
        samples = stretch(samples, rate, engine, factor=track.stretch, shift=track.shift_at(rate))
    for effect in track.effects:
        samples = effect.apply(samples, rate)
    return _repeated(samples, track.num_samples(rate))


def _repeated(samples: Samples, length: int) -> Samples:
    """Return samples cut to a length, or with their beginning repeated after their end up to it."""
    own = samples.shape[-1]
    if own >= length or own == 0:
        return samples[..., :length]
    return np.tile(samples, -(-length // own))[..., :length]


def _level_db(track: MixTrack, sound: Samples, first: Samples) -> float:
    """Return the gain that brings a track to its distance from the first; 0 where either is silent."""
    if track.snr_db is None:
        return 0.0
    own, reference = rms(sound), rms(first)
    return amplitude_to_db(reference / own) - track.snr_db if own > 0 and reference > 0 else 0.0
