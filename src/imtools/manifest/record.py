"""The records of a manifest: one line of JSON for each segment of audio.

A record is plain data. The keys that imtools knows are typed attributes; every other key is kept in
``extra`` and written back unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ManifestError
from ..units import resampled_length, samples_to_seconds, seconds_to_samples
from .blocks import FeatureRef, Label, Prediction, drop_defaults
from .values import (
    Json,
    WrongKeyError,
    array,
    boolean,
    integer,
    kind_of,
    mapping,
    number,
    optional,
    string,
)

SEGMENT_SCHEMA = "imtools/segment/1"
"""Schema of a record that stands for a piece of audio (a file, a segment or a mix)."""

_ID = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
_REQUIRED = ("schema", "id", "audio", "start", "duration", "sampling_rate", "num_samples")


@dataclass(slots=True)
class Record:
    """One line of a manifest: a piece of audio and its metadata.

    ``sampling_rate`` and ``num_samples`` describe the signal after loading; if the file has another rate,
    the loader resamples. ``num_samples`` is the authoritative length, ``duration`` the same in seconds.

    Attributes
    ----------
    id : str
        Unique in the manifest; letters, digits, ``_``, ``/`` and ``-``.
    audio : str or None
        The audio file, relative to the manifest; ``None`` for a mix that has not been rendered and for
        a record whose audio is not available (it then carries ``features``).
    start, duration : float
        The part of the file, in seconds.
    sampling_rate : int
        Hz.
    num_samples : int
        Samples per channel.
    channels : list of int or None
        The file's channels to use; ``None`` means all.
    padding : float
        Seconds at the end that lie beyond the end of the file and are zeros.
    normalize : str or None
        ``"rms"`` or ``"peak"``: the loader scales the segment by it.
    groups : list of str
        The original recordings; a split never cuts a group.
    split : str or None
        ``"train"``, ``"validation"`` or ``"test"``.
    fold : int or None
        Cross-validation fold, from 0.
    genre : str or None
        Genre, as the data set names it.
    labels : list of Label
        The known instruments.
    labels_complete : bool
        Whether a class that is not listed is known to be absent (else it is unknown).
    source : dict
        Where the audio came from: ``dataset``, ``audio``, ``start``, ``duration``, ``sha256``, ``license``.
    mix : dict
        The recipe of a mix.
    features : dict of str to FeatureRef
        Computed features, by kind.
    predictions : list of Prediction
        Scores of models.
    history : list of dict
        The tools that made this record, in order.
    extra : dict
        All other keys, untouched.
    """

    id: str
    audio: str | None
    start: float
    duration: float
    sampling_rate: int
    num_samples: int
    channels: list[int] | None = None
    padding: float = 0.0
    normalize: str | None = None
    groups: list[str] = field(default_factory=list)
    split: str | None = None
    fold: int | None = None
    genre: str | None = None
    labels: list[Label] = field(default_factory=list)
    labels_complete: bool = False
    source: dict[str, Json] = field(default_factory=dict)
    mix: dict[str, Json] = field(default_factory=dict)
    features: dict[str, FeatureRef] = field(default_factory=dict)
    predictions: list[Prediction] = field(default_factory=list)
    history: list[dict[str, Json]] = field(default_factory=list)
    schema: str = SEGMENT_SCHEMA
    extra: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Json, where: str = "record") -> Record:
        """Parse and validate one JSON object.

        Parameters
        ----------
        value : object
            The result of ``json.loads``.
        where : str
            Place to name in errors, for example ``"songs.jsonl:12"``.

        Raises
        ------
        ManifestError
            If a required key is missing or a known key has the wrong type or range.
        """
        try:
            return cls._parse(value)
        except WrongKeyError as error:
            hint = "see imtools-manifest(5) for the keys and their types"
            raise ManifestError(f"{where}: {error}", hint) from None

    @classmethod
    def _parse(cls, value: Json) -> Record:
        if not isinstance(value, dict):
            raise WrongKeyError("schema", f"is missing: a record is an object, not {kind_of(value)}")
        data = dict(value)
        for key in _REQUIRED:
            if key not in data:
                raise WrongKeyError(key, "is missing")
        schema = string(data.pop("schema"), "schema")
        if schema != SEGMENT_SCHEMA:
            raise WrongKeyError("schema", f"is {schema!r}, but this version reads {SEGMENT_SCHEMA!r}")
        record = cls(
            id=string(data.pop("id"), "id"),
            audio=optional(data.pop("audio"), "audio", string),
            start=number(data.pop("start"), "start", minimum=0),
            duration=number(data.pop("duration"), "duration", minimum=0),
            sampling_rate=integer(data.pop("sampling_rate"), "sampling_rate", minimum=1),
            num_samples=integer(data.pop("num_samples"), "num_samples", minimum=0),
        )
        if not _ID.fullmatch(record.id):
            raise WrongKeyError(
                "id", f"is {record.id!r}: only letters, digits, '_', '-' and single '/' are allowed"
            )
        if (channels := data.pop("channels", None)) is not None:
            record.channels = [integer(c, "channels", minimum=0) for c in array(channels, "channels")]
        record.padding = number(data.pop("padding", 0.0), "padding", minimum=0)
        record.normalize = optional(data.pop("normalize", None), "normalize", string)
        if record.normalize not in (None, "rms", "peak"):
            raise WrongKeyError("normalize", f"must be 'rms' or 'peak', not {record.normalize!r}")
        record.groups = [string(g, "groups") for g in array(data.pop("groups", []), "groups")]
        record.split = optional(data.pop("split", None), "split", string)
        record.fold = optional(data.pop("fold", None), "fold", integer)
        record.genre = optional(data.pop("genre", None), "genre", string)
        labels = array(data.pop("labels", []), "labels")
        record.labels = [Label.from_json(x, f"labels[{i}]") for i, x in enumerate(labels)]
        record.labels_complete = boolean(data.pop("labels_complete", False), "labels_complete")
        record.source = mapping(data.pop("source", {}), "source")
        record.mix = mapping(data.pop("mix", {}), "mix")
        features = mapping(data.pop("features", {}), "features")
        record.features = {k: FeatureRef.from_json(x, f"features.{k}") for k, x in features.items()}
        predictions = array(data.pop("predictions", []), "predictions")
        record.predictions = [Prediction.from_json(x, f"predictions[{i}]") for i, x in enumerate(predictions)]
        record.history = [mapping(x, "history") for x in array(data.pop("history", []), "history")]
        record.extra = data
        if record.audio is None and not record.mix and not record.features:
            raise WrongKeyError("audio", "is null, but there is neither a mix recipe nor features")
        return record

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of this record: known keys in a fixed order, then the others."""
        head: dict[str, Json] = {
            "schema": self.schema,
            "id": self.id,
            "audio": self.audio,
            "start": self.start,
            "duration": self.duration,
            "sampling_rate": self.sampling_rate,
            "num_samples": self.num_samples,
        }
        rest: dict[str, Json] = {
            "channels": self.channels,
            "padding": self.padding or None,
            "normalize": self.normalize,
            "groups": self.groups,
            "split": self.split,
            "fold": self.fold,
            "genre": self.genre,
        }
        body: dict[str, Json] = {
            "labels": [label.to_json() for label in self.labels],
            "labels_complete": self.labels_complete,
        }
        tail: dict[str, Json] = {
            "source": self.source,
            "mix": self.mix,
            "features": {kind: ref.to_json() for kind, ref in self.features.items()},
            "predictions": [prediction.to_json() for prediction in self.predictions],
            "history": self.history,
        }
        return head | drop_defaults(rest) | body | drop_defaults(tail) | self.extra

    def get(self, key: str) -> Json:
        """Return the value at a dotted key of the JSON form, such as ``"source.dataset"``, or ``None``.

        For an array, the value is the array of its objects' values: ``"labels.label"``.

        Raises
        ------
        ManifestError
            If a step of the key goes through something that is not an object.
        """
        value: Json = self.to_json()
        for step in key.split("."):
            if value is None:
                return None
            if isinstance(value, list):
                value = [item.get(step) for item in value if isinstance(item, dict)]
            elif isinstance(value, dict):
                value = value.get(step)
            else:
                raise ManifestError(f"record {self.id}: key {key!r} goes through {kind_of(value)}")
        return value

    def replace(self, **changes: Any) -> Record:
        """Return a copy with some attributes changed (containers are shared, so replace, don't mutate)."""
        return replace(self, **changes)

    def at_rate(self, sampling_rate: int) -> Record:
        """Return the same piece at another rate in Hz: the loader resamples."""
        if sampling_rate == self.sampling_rate:
            return self
        length = resampled_length(self.num_samples, self.sampling_rate, sampling_rate)
        return replace(self, sampling_rate=sampling_rate, num_samples=length)

    def part(self, begin: int, end: int) -> Record:
        """Return the samples from one position to another: loading gives the same numbers for them.

        ``normalize`` has to be ``None``, since the level of a part differs from that of the whole.

        Parameters
        ----------
        begin, end : int
            The first sample of the part, and the one after its last.
        """
        rate = self.sampling_rate
        first = seconds_to_samples(self.start, rate)
        content = self.num_samples - seconds_to_samples(self.padding, rate)
        beyond = max(0, end - max(begin, content))
        return replace(
            self,
            start=samples_to_seconds(first + min(begin, content), rate),
            duration=samples_to_seconds(end - begin, rate),
            num_samples=end - begin,
            padding=samples_to_seconds(beyond, rate),
        )

    def with_history(self, tool: str, version: str, params: str) -> Record:
        """Return a copy whose history ends with the given tool.

        Parameters
        ----------
        tool, version : str
            The tool that made the record.
        params : str
            The fingerprint of its parameters.
        """
        entry: dict[str, Json] = {"tool": tool, "version": version, "params": params}
        return replace(self, history=[*self.history, entry])

    def track_files(self) -> list[str]:
        """Return the audio files of a recipe's tracks, and of the recipes among them."""
        return _audio_in(self.mix)

    def present_labels(self) -> list[str]:
        """Return the classes with presence of at least 0.5, sorted and without repetition."""
        return sorted({label.label for label in self.labels if label.presence >= 0.5})


def _audio_in(block: Json) -> list[str]:
    if isinstance(block, list):
        return [path for item in block for path in _audio_in(item)]
    if not isinstance(block, dict):
        return []
    own = [block["audio"]] if isinstance(block.get("audio"), str) else []
    return own + [path for item in block.values() for path in _audio_in(item)]


def unique_groups(records: Iterable[Record]) -> list[str]:
    """Return the groups of several records, each once, in order of first appearance."""
    return list(dict.fromkeys(group for record in records for group in record.groups))
