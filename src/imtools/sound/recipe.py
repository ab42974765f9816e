"""The recipe of a mix: the ``mix`` block of a record, which holds everything needed to render it again.

Times are seconds; lengths and shifts are samples at the rate of the track's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..choices import RENDERERS, Renderer
from ..effects import Effect, parse_effect
from ..errors import ManifestError
from ..manifest import SEGMENT_SCHEMA, Record
from ..manifest.values import (
    Json,
    WrongKeyError,
    array,
    integer,
    mapping,
    number,
    optional,
    string,
)
from ..units import resampled_length, seconds_to_samples

ShiftCurve = tuple[tuple[int, float], ...]
"""Pitch shifts over time: the samples from which they apply, and semitones; the first sample is 0."""

MAX_DB, MAX_SECONDS, MAX_SEMITONES = 200.0, 86400.0, 96.0
"""Bounds of the values in recipes: values beyond them are mistakes, and numbers overflow."""

_TRACK_KEYS = (
    "id",
    "audio",
    "start",
    "duration",
    "sampling_rate",
    "num_samples",
    "channels",
    "padding",
    "normalize",
    "mix",
)
"""The keys needed to load a track. A track that is itself a mix has its own recipe as ``mix``."""


@dataclass(frozen=True, slots=True)
class MixTrack:
    """A record in a mix, and the changes made to it.

    The record is loaded, cut or repeated to its length, stretched and shifted, sent through the effects, and
    added at its offset with its gain. In JSON the keys of the record and of the track are side by side in
    one object; those that change nothing are left out.

    Attributes
    ----------
    record : Record
        The record to load: an id, and the keys that loading depends on. Keys of a later version of the schema
        are kept in its ``extra``.
    offset : float
        Where in the mix the track begins, in seconds, not negative.
    gain_db : float
        Level change, in decibels.
    snr_db : float or None
        The level that the track is brought to, in decibels below the RMS of the first one, before `gain_db`.
    length : int or None
        Samples at the record's rate to which it is cut, or to which its beginning is repeated.
    stretch : float
        Factor of its duration.
    shift : tuple of (int, float)
        Pitch shifts in semitones, each from a sample (before stretching) until the next.
    effects : tuple of Effect
        Further changes, in order.
    """

    record: Record
    offset: float = 0.0
    gain_db: float = 0.0
    snr_db: float | None = None
    length: int | None = None
    stretch: float = 1.0
    shift: ShiftCurve = ()
    effects: tuple[Effect, ...] = ()

    @classmethod
    def from_record(cls, record: Record) -> MixTrack:
        """Return a track that plays a record; it keeps only the keys of the record needed for loading."""
        return cls(Record(**{key: getattr(record, key) for key in _TRACK_KEYS}))

    def num_samples(self, sampling_rate: int) -> int:
        """Return how many samples the track has at a rate in Hz, its offset not counted."""
        count = self.source_samples(sampling_rate)
        if self.stretch != 1:
            count = round(count * self.stretch)
        for effect in self.effects:
            count = effect.length(count, sampling_rate)
        return count

    def source_samples(self, sampling_rate: int) -> int:
        """Return how many samples it has before it is stretched."""
        own = self.record.num_samples if self.length is None else self.length
        return resampled_length(own, self.record.sampling_rate, sampling_rate)

    def shift_at(self, sampling_rate: int) -> ShiftCurve:
        """Return `shift` with its samples counted at another rate in Hz."""
        own = self.record.sampling_rate
        return tuple((resampled_length(sample, own, sampling_rate), value) for sample, value in self.shift)

    @classmethod
    def from_json(cls, value: Json, key: str) -> MixTrack:
        """Parse one entry of ``mix.tracks``.

        Parameters
        ----------
        value : object
            The JSON value.
        key : str
            Its name in errors.

        Raises
        ------
        WrongKeyError
            If a key of the track is missing, or has the wrong type or range.
        ManifestError
            If one of the record is.
        """
        data = dict(mapping(value, key))
        settings = {
            "offset": number(data.pop("offset", 0.0), f"{key}.offset", minimum=0, maximum=MAX_SECONDS),
            "gain_db": _decibels(data.pop("gain_db", 0.0), f"{key}.gain_db"),
            "snr_db": optional(data.pop("snr_db", None), f"{key}.snr_db", _decibels),
            "length": optional(data.pop("length", None), f"{key}.length", integer),
            "stretch": number(data.pop("stretch", 1.0), f"{key}.stretch", minimum=0.01, maximum=100),
            "shift": _parse_shift(data.pop("shift", []), f"{key}.shift"),
            "effects": tuple(
                parse_effect(effect, f"{key}.effects[{i}]")
                for i, effect in enumerate(array(data.pop("effects", []), f"{key}.effects"))
            ),
        }
        if settings["length"] is not None and settings["length"] < 0:
            raise WrongKeyError(f"{key}.length", "is negative")
        return cls(Record.from_json({**data, "schema": SEGMENT_SCHEMA}, key), **settings)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this track."""
        data = self.record.to_json()
        result = {key: data[key] for key in _TRACK_KEYS if key in data}
        result |= {"offset": self.offset, "gain_db": self.gain_db}
        if self.snr_db is not None:
            result["snr_db"] = self.snr_db
        if self.length is not None:
            result["length"] = self.length
        if self.stretch != 1:
            result["stretch"] = self.stretch
        if self.shift:
            result["shift"] = [list(step) for step in self.shift]
        if self.effects:
            result["effects"] = [effect.to_json() for effect in self.effects]
        return result | self.record.extra


def _decibels(value: Json, key: str) -> float:
    return number(value, key, minimum=-MAX_DB, maximum=MAX_DB)


def _parse_shift(value: Json, key: str) -> ShiftCurve:
    steps = []
    for i, step in enumerate(array(value, key)):
        pair = array(step, f"{key}[{i}]")
        if len(pair) != 2:
            raise WrongKeyError(f"{key}[{i}]", "must be a sample and a number of semitones")
        semitones = number(pair[1], f"{key}[{i}]", minimum=-MAX_SEMITONES, maximum=MAX_SEMITONES)
        steps.append((integer(pair[0], f"{key}[{i}]", minimum=0), semitones))
    places = [sample for sample, _ in steps]
    if places and (places[0] != 0 or places != sorted(set(places))):
        raise WrongKeyError(key, "must begin at sample 0 and go forward")
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The recipe of a mix.

    Attributes
    ----------
    sync : str
        How the tracks were fitted to each other.
    seed : int
        The seed of the set of mixes that this one belongs to.
    tracks : sequence of MixTrack
        The tracks; the others were fitted to the first. No track is silence.
    gain_db : float
        Level change of the sum, in decibels.
    renderer : {"float", "pydub"}
        How tracks are added: in floating point, or in 16 bits that clip.
    stretcher : str or None
        The engine that stretches and shifts the tracks; see `imtools.effects.stretch`.
    extra : dict
        All other keys, untouched.
    """

    sync: str
    seed: int
    tracks: Sequence[MixTrack]
    gain_db: float = 0.0
    renderer: Renderer = "float"
    stretcher: str | None = None
    extra: dict[str, Json] = field(default_factory=dict)

    def num_samples(self, sampling_rate: int) -> int:
        """Return how many samples the mix has at a rate in Hz: up to the end of the track that ends first."""
        ends = [
            seconds_to_samples(track.offset, sampling_rate) + track.num_samples(sampling_rate)
            for track in self.tracks
        ]
        return min(ends, default=0)

    @classmethod
    def from_json(cls, value: Json, where: str = "mix") -> Recipe:
        """Parse a ``mix`` block.

        Parameters
        ----------
        value : object
            The JSON value.
        where : str
            Its name in errors.

        Raises
        ------
        ManifestError
            If a key is missing, or has the wrong type or range.
        """
        try:
            return cls._parse(value)
        except WrongKeyError as error:
            raise ManifestError(f"{where}: {error}", "make the mixes again with im-mix") from None

    @classmethod
    def _parse(cls, value: Json) -> Recipe:
        data = dict(mapping(value, "mix"))
        tracks = array(data.pop("tracks", None), "mix.tracks")
        sync, seed = string(data.pop("sync", None), "mix.sync"), integer(data.pop("seed", None), "mix.seed")
        parsed = [MixTrack.from_json(track, f"mix.tracks[{i}]") for i, track in enumerate(tracks)]
        gain_db = _decibels(data.pop("gain_db", 0.0), "mix.gain_db")
        renderer = string(data.pop("renderer", "float"), "mix.renderer")
        stretcher = optional(data.pop("stretcher", None), "mix.stretcher", string)
        for name in RENDERERS:
            if name == renderer:
                return cls(sync, seed, parsed, gain_db, name, stretcher, data)
        raise WrongKeyError("mix.renderer", f"must be one of {', '.join(RENDERERS)}")

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this recipe."""
        tracks = [track.to_json() for track in self.tracks]
        result: dict[str, Json] = {"sync": self.sync, "seed": self.seed, "gain_db": self.gain_db}
        if self.renderer != "float":
            result["renderer"] = self.renderer
        if self.stretcher is not None:
            result["stretcher"] = self.stretcher
        return result | {"tracks": tracks} | self.extra
