"""The recipe of a mix: the ``mix`` block of a record, which says all that rendering it again takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..errors import ManifestError
from ..manifest import SEGMENT_SCHEMA, Record
from ..manifest.values import Json

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
"""What loading a track takes. A track that is a mix itself carries its own recipe as ``mix``."""


@dataclass(frozen=True, slots=True)
class MixTrack:
    """A record laid into a mix.

    In JSON the keys of the record and of the track stand side by side in one object.

    Attributes
    ----------
    record : Record
        What to load: an id, and the keys that the loader looks at. Keys of a later version of the schema
        are kept in its ``extra``.
    offset : float
        Where in the mix the track begins, in seconds, not negative.
    gain_db : float
        Level change, in decibels.
    """

    record: Record
    offset: float = 0.0
    gain_db: float = 0.0

    @classmethod
    def of(cls, record: Record, offset: float = 0.0, gain_db: float = 0.0) -> MixTrack:
        """Return a track that plays a record: of the record it keeps only what loading it takes."""
        pointer = {key: getattr(record, key) for key in _TRACK_KEYS}
        return cls(Record(**pointer), offset, gain_db)

    @classmethod
    def from_json(cls, value: Json, where: str) -> MixTrack:
        """Parse one entry of ``mix.tracks``; `where` names it in errors.

        Raises
        ------
        ManifestError
            If a key is missing, or has the wrong type or range.
        """
        data = dict(_object(value, where))
        offset = _number(data.pop("offset", 0.0), f"{where}.offset")
        if offset < 0:
            raise _fault(f"{where}.offset is negative: {offset:g}")
        gain_db = _number(data.pop("gain_db", 0.0), f"{where}.gain_db")
        return cls(Record.from_json({**data, "schema": SEGMENT_SCHEMA}, where), offset, gain_db)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this track."""
        data = self.record.to_json()
        pointer = {key: data[key] for key in _TRACK_KEYS if key in data}
        return pointer | {"offset": self.offset, "gain_db": self.gain_db} | self.record.extra


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a mix.

    Attributes
    ----------
    sync : str
        How the tracks were brought together.
    seed : int
        The seed of the plan that this mix is part of.
    tracks : list of MixTrack
        What sounds; the first is the one that the others were fitted to.
    gain_db : float
        Level change of the sum, in decibels.
    extra : dict
        All other keys, untouched.
    """

    sync: str
    seed: int
    tracks: list[MixTrack]
    gain_db: float = 0.0
    extra: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Json, where: str = "mix") -> Recipe:
        """Parse a ``mix`` block; `where` names it in errors.

        Raises
        ------
        ManifestError
            If a key is missing, or has the wrong type or range, or there is no track.
        """
        data = dict(_object(value, where))
        sync, seed, tracks = data.pop("sync", None), data.pop("seed", None), data.pop("tracks", None)
        if not isinstance(sync, str):
            raise _fault(f"{where}.sync is not a string")
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise _fault(f"{where}.seed is not an integer")
        if not isinstance(tracks, list) or not tracks:
            raise _fault(f"{where}.tracks is not a list of tracks")
        parsed = [MixTrack.from_json(track, f"{where}.tracks[{i}]") for i, track in enumerate(tracks)]
        gain_db = _number(data.pop("gain_db", 0.0), f"{where}.gain_db")
        return cls(sync, seed, parsed, gain_db, data)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this recipe."""
        tracks = [track.to_json() for track in self.tracks]
        return {"sync": self.sync, "seed": self.seed, "gain_db": self.gain_db, "tracks": tracks} | self.extra


def _fault(message: str) -> ManifestError:
    return ManifestError(message, "make the mixes again with im-mix")


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _fault(f"{where} is not an object")
    return value


def _number(value: Json, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _fault(f"{where} is not a finite number")
    return float(value)
