"""Rendering: from the recipe of a mix to its samples.

Samples are float32 of shape ``(num_samples,)`` if mono, else ``(channels, num_samples)``.
"""

from __future__ import annotations

import json
import math
import threading

import numpy as np

from ..arrays import Float32Array
from ..audio.levels import normalize, rms
from ..audio.load import SampleFile, load
from ..errors import AudioError
from ..manifest import Record
from ..units import amplitude_to_db, samples_to_seconds, seconds_to_samples
from .cache import load_cached
from .overlay import overlay, overlay_pydub
from .recipe import MixTrack, Recipe

_MAX_TRACK_SAMPLES = 2**31
"""Maximum length of a rendered track in samples (8 GiB): a longer one is a mistake in a recipe."""

_CONTEXT = 0.5
"""Seconds that are stretched and shifted beyond the part of a long track that is used."""

_MAX_CACHED_SAMPLES = 2**25
"""Maximum length of a mix that is cached for its next segment, in samples (128 MiB)."""


def load_sound(record: Record, *, mono: bool = True, file: SampleFile | None = None) -> Float32Array:
    """Return the samples of a record: from its file, or rendered from its recipe.

    A rendered mix has a file and a recipe: its file is read.

    Parameters
    ----------
    record : Record
        With an audio file or a recipe.
    mono : bool
        Whether to average the channels.
    file : SampleFile, optional
        Source of the samples, instead of the record's ``audio``; see `imtools.sound.array`.

    Returns
    -------
    ndarray of float32, shape (num_samples,) if mono, else (channels, num_samples)

    Raises
    ------
    ImtoolsError
        As `render` does for a recipe, and `imtools.audio.load.load` otherwise.
    """
    if file is None and record.audio is None and record.mix:
        return render(record, mono=mono)
    return load(record, mono=mono, file=file)


def render(record: Record, *, mono: bool = True) -> Float32Array:
    """Render the part of a mix that a record stands for.

    The mix is made at the record's sampling rate: each track is loaded at that rate, and changed as its
    recipe states; where their numbers of channels do not fit together, all are averaged. Then `start` and
    `num_samples` select the part, and `padding` and `normalize` apply as they do to a file. The same record
    gives the same samples each time.

    Parameters
    ----------
    record : Record
        A record with a recipe; its `audio` is ignored.
    mono : bool
        Whether to average the channels.

    Returns
    -------
    ndarray of float32, shape (num_samples,) if mono, else (channels, num_samples)

    Raises
    ------
    AudioError
        If a track's file cannot be decoded or its sound not be changed, or the record refers to channels or
        samples that the mix does not have.
    ManifestError
        If the recipe is wrong.
    UsageError
        If the recipe needs a stretcher that is not installed.
    """
    recipe = Recipe.from_json(record.mix, f"record {record.id}")
    rate, channels = record.sampling_rate, record.channels
    early = mono and channels is None and _is_linear(recipe)
    begin = seconds_to_samples(record.start, rate)
    count = record.num_samples - seconds_to_samples(record.padding, rate)
    if recipe.tracks:
        whole = _whole(record, recipe, early, begin + count)
    else:
        whole = np.zeros(begin + count if early else (1, begin + count), np.float32)
    if channels is not None:
        if max(channels, default=-1) >= len(whole):
            raise AudioError(
                f"record {record.id}: channels {channels} of a mix with {len(whole)}",
                "make the recipe again",
            )
        whole = whole[channels]
    samples = whole[..., begin : begin + count]
    if mono and not early:
        samples = samples.mean(axis=0, dtype=np.float32)
    if samples.shape[-1] < count - _slack(recipe):
        end, there = (samples_to_seconds(n, rate) for n in (begin + count, whole.shape[-1]))
        raise AudioError(
            f"record {record.id}: ends at {end:g} s of a mix of {there:g} s", "make the recipe again"
        )
    if missing := record.num_samples - samples.shape[-1]:
        samples = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, missing)])
    return normalize(samples, record.normalize)


def _is_linear(recipe: Recipe) -> bool:
    """Return whether averaging the channels of each track is the same as averaging those of the mix."""
    return recipe.renderer == "float" and all(
        track.snr_db is None
        and track.stretch == 1
        and not track.shift
        and not track.effects
        and track.record.normalize is None
        and (track.record.audio is not None or _is_linear(Recipe.from_json(track.record.mix)))
        for track in recipe.tracks
    )


def _slack(recipe: Recipe) -> int:
    """Return the number of samples that may be missing at the end of a mix because of rounding."""
    return 2 + max((math.ceil(track.stretch) for track in recipe.tracks), default=0)


class _Last(threading.local):
    """The mix that a thread has rendered last: segments of one mix follow each other."""

    key: str = ""
    whole: Float32Array | None = None


_last = _Last()


def _whole(record: Record, recipe: Recipe, mono: bool, end: int) -> Float32Array:
    """Return a whole mix, and keep it if the record is only a part of it."""
    rate = record.sampling_rate
    key = json.dumps([record.mix, rate, mono], sort_keys=True)
    if key == _last.key and _last.whole is not None:
        return _last.whole
    whole = _mixed(recipe, rate, mono)
    is_part = record.start > 0 or whole.shape[-1] > end + _slack(recipe)
    _last.key, _last.whole = (key, whole) if is_part and whole.size <= _MAX_CACHED_SAMPLES else ("", None)
    return whole


def _mixed(recipe: Recipe, rate: int, mono: bool) -> Float32Array:
    """Return the whole mix at a rate."""
    length = recipe.num_samples(rate)
    offsets = [seconds_to_samples(track.offset, rate) for track in recipe.tracks]
    sounds = [
        track_sound(track, rate, mono=mono, stretcher=recipe.stretcher, most=max(0, length - offset))
        for track, offset in zip(recipe.tracks, offsets, strict=True)
    ]
    if len({sound.shape[:-1] for sound in sounds} - {(1,)}) > 1:
        sounds = [sound.mean(axis=0, dtype=np.float32, keepdims=True) for sound in sounds]
    add = overlay_pydub if recipe.renderer == "pydub" else overlay
    return add(
        sounds,
        offsets=offsets,
        gains_db=[
            track.gain_db + _level_db(track, sound, sounds[0])
            for track, sound in zip(recipe.tracks, sounds, strict=True)
        ],
        gain_db=recipe.gain_db,
    )


def track_sound(
    track: MixTrack, rate: int, *, mono: bool, stretcher: str | None = None, most: int | None = None
) -> Float32Array:
    """Return a track as it goes into the mix, before its gain and its offset.

    Parameters
    ----------
    track : MixTrack
        The track.
    rate : int
        Hz; the track is loaded at that rate.
    mono : bool
        Whether to average the channels, before anything else.
    stretcher : str, optional
        The engine that stretches and shifts; by default the best that is installed.
    most : int, optional
        Samples of the result that are used: the rest of a longer track is not even loaded.

    Returns
    -------
    ndarray of float32, shape (n,) if mono, else (channels, n)
        ``track.num_samples(rate)`` samples, or `most` of them.

    Raises
    ------
    AudioError
        If the file cannot be decoded or its sound not be changed.
    UsageError
        If the stretcher is not installed.
    """
    source, length = track.source_samples(rate), track.num_samples(rate)
    for count in (source, length):
        if count > _MAX_TRACK_SAMPLES:
            seconds = samples_to_seconds(count, rate)
            message = f"record {track.record.id}: {seconds:.3g} s of it are too long for a mix"
            raise AudioError(message, "give a shorter record, or make the recipe again")
    changed = track.stretch != 1 or bool(track.shift)
    if most is not None and most < length and not track.effects:
        length = most
        context = seconds_to_samples(_CONTEXT, rate) if changed else 0
        source = min(source, math.ceil(most / track.stretch) + context)
    samples = _source(track.record.at_rate(rate), source, mono)
    if changed:
        from ..effects.stretch import stretch

        try:
            samples = stretch(
                samples, rate, stretcher or "auto", factor=track.stretch, shift=track.shift_at(rate)
            )
        except AudioError as error:
            raise AudioError(f"record {track.record.id}: {error.message}", error.hint) from None
    for effect in track.effects:
        samples = effect.apply(samples, rate)
    return samples[..., :length]


def _source(record: Record, count: int, mono: bool) -> Float32Array:
    """Return ``count`` samples of a record: its beginning, or all of it, repeated."""
    own = record.num_samples
    if count < own and record.audio is not None and record.normalize is None:
        return load_cached(record.part(0, count), mono=mono)
    samples = render(record, mono=mono) if record.audio is None else load_cached(record, mono=mono)
    if own >= count:
        return samples[..., :count]
    if own == 0:
        return np.zeros((*samples.shape[:-1], count), np.float32)
    return np.tile(samples, -(-count // own))[..., :count]


def _level_db(track: MixTrack, sound: Float32Array, first: Float32Array) -> float:
    """Return the gain that puts a track at its level below the first; 0 where either is silent."""
    if track.snr_db is None:
        return 0.0
    own, reference = rms(sound), rms(first)
    return amplitude_to_db(reference / own) - track.snr_db if own > 0 and reference > 0 else 0.0
