"""Composing: from a planned mix to its record, with the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..choices import RENDERERS, Renderer, Stretcher
from ..effects.stretch import resolve_stretcher
from ..errors import AudioError, UsageError
from ..hashing import stable_hash, uniform
from ..manifest import Record, make_id, unique_groups
from ..manifest.values import Json
from ..sound.labels import track_labels, united_labels
from ..sound.overlay import headroom_db
from ..sound.recipe import MAX_DB, MAX_SECONDS, MixTrack, Recipe
from ..units import samples_to_seconds, seconds_to_samples
from .arrange import PlannedMix
from .sync import Sync

Range = tuple[float, float]
"""Two bounds, between which a value is drawn uniformly."""


@dataclass(frozen=True)
class Composition:
    """How the tracks of a mix are overlaid.

    Attributes
    ----------
    syncs : sequence of Sync
        How the tracks are fitted to the first one, in order.
    seed : int
        Seed of the random choices.
    headroom : bool
        Whether to attenuate each mix by ``20 log10(number of tracks)`` dB, so that tracks within full scale
        give a mix within full scale; gains, and stretching and shifting, may take a track beyond it.
    gain_db : (float, float)
        Level change of every track but the first, in decibels.
    snr_db : (float, float), optional
        Level of the first track above each other one, in decibels of RMS; by default levels stay.
    offset : (float, float)
        Start of every track but the first, in seconds.
    renderer : {"float", "pydub"}
        See `imtools.sound.overlay`.
    stretcher : {"auto", "rubberband", "signalsmith"}
        The engine for stretching and shifting; recipes name the one that ``auto`` selects here.

    Raises
    ------
    UsageError
        If a range or the renderer is wrong.
    """

    syncs: Sequence[Sync] = ()
    seed: int = 0
    headroom: bool = True
    gain_db: Range = (0.0, 0.0)
    snr_db: Range | None = None
    offset: Range = (0.0, 0.0)
    renderer: Renderer = "float"
    stretcher: Literal["auto"] | Stretcher = "auto"

    def __post_init__(self) -> None:
        if self.renderer not in RENDERERS:
            raise UsageError(f"there is no renderer {self.renderer!r}", f"choose from {', '.join(RENDERERS)}")
        for name, drawn, low, high, unit in (
            ("gain", self.gain_db, -MAX_DB, MAX_DB, "dB"),
            ("snr", self.snr_db, -MAX_DB, MAX_DB, "dB"),
            ("offset", self.offset, 0.0, MAX_SECONDS, "seconds"),
        ):
            if drawn is None:
                continue
            if not all(low <= value <= high for value in drawn):  # also False for NaN
                between = f"{drawn[0]:g}" if drawn[0] == drawn[1] else f"{drawn[0]:g}:{drawn[1]:g}"
                raise UsageError(f"{name} {between} is out of range", f"give {low:g} to {high:g} {unit}")
            if drawn[0] > drawn[1]:
                raise UsageError(f"{name} from {drawn[0]:g} to {drawn[1]:g}", "give the lower one first")

    @property
    def sync_name(self) -> str:
        """Name of the synchronisations in recipes."""
        return "+".join(sync.name for sync in self.syncs) or "none"

    def name(self, planned: PlannedMix) -> str:
        """Return the id of a mix, without the digest of its recipe."""
        kind = make_id(f"mix/{self.sync_name.replace('+', '-')}/{planned.kind}")
        return f"{kind}/{planned.number:05d}"

    def analyze(self, planned: Sequence[PlannedMix]) -> None:
        """Let the synchronisations analyse the records of all mixes that have several, each record once."""
        records = {record.id: record for mix in planned if len(mix.records) > 1 for record in mix.records}
        for sync in self.syncs:
            sync.analyze(list(records.values()))

    def compose(self, planned: PlannedMix) -> Record:
        """Return the record of a mix, with the recipe.

        It lasts as long as its shortest track, at the sampling rate of its first, and has the labels and
        groups of all. Silence takes length and rate from its template.

        Raises
        ------
        ImtoolsError
            If a record could not be analysed as a synchronisation needs, a track would begin after the end
            of the mix, or the stretcher is not installed.
        """
        name = self.name(planned)
        tracks = [MixTrack.from_record(record) for record in planned.records]
        tracks = tracks[:1] + [self._fitted(name, planned, n, track) for n, track in enumerate(tracks)][1:]
        shifts = any(track.shift for track in tracks)
        changed = shifts or any(track.stretch != 1 for track in tracks)
        recipe = Recipe(
            self.sync_name,
            self.seed,
            tracks,
            headroom_db(len(tracks)) if self.headroom and tracks else 0.0,
            self.renderer,
            resolve_stretcher(self.stretcher, shifts=shifts) if changed else None,
            {"polyphony": len(tracks)},
        )
        return _mixed(planned, recipe, name)

    def _fitted(self, name: str, planned: PlannedMix, number: int, track: MixTrack) -> MixTrack:
        """Return one of the other tracks, placed and fitted to the first."""

        def draw(what: str, between: Range, decimals: int) -> float:
            part = uniform(self.seed, what, name, number)
            return round(between[0] + part * (between[1] - between[0]), decimals)

        track = replace(
            track,
            offset=draw("offset", self.offset, 3),
            gain_db=draw("gain", self.gain_db, 2),
            snr_db=None if self.snr_db is None else draw("snr", self.snr_db, 2),
        )
        for sync in self.syncs:
            track = sync.fit(planned.records[0], track)
        return track


def _mixed(planned: PlannedMix, recipe: Recipe, name: str) -> Record:
    """Return the record of a mix; it keeps what its sources have in common."""
    sources = planned.records
    rate = sources[0].sampling_rate if sources else planned.template.sampling_rate
    num_samples = recipe.num_samples(rate) if sources else planned.template.num_samples
    duration = samples_to_seconds(num_samples, rate)
    for track in recipe.tracks:
        if 0 < num_samples <= seconds_to_samples(track.offset, rate):
            what = f"would begin at {track.offset:g} s of a mix of {duration:g} s, and be silent"
            raise AudioError(f"record {track.record.id}: {what}", "choose smaller offsets")
    moved = [
        track_labels(record, track, duration) for record, track in zip(sources, recipe.tracks, strict=True)
    ]
    return Record(
        id=f"{name}-{_digest(recipe)[:8]}",
        audio=None,
        start=0.0,
        duration=duration,
        sampling_rate=rate,
        num_samples=num_samples,
        groups=unique_groups(sources),
        split=planned.template.split,
        fold=planned.template.fold,
        genre=_common([record.genre for record in sources]),
        labels=united_labels(sources, moved),
        labels_complete=all(record.labels_complete for record in sources),
        source={
            key: value
            for key in ("dataset", "license")
            if (value := _common([record.source.get(key) for record in sources])) is not None
        },
        mix=recipe.to_json(),
    )


def _digest(recipe: Recipe) -> str:
    """Return a hash of the content of the mix, independent of file names."""
    content = [track.to_json() | {"audio": None, "mix": None} for track in recipe.tracks]
    return stable_hash(recipe.to_json() | {"tracks": content})


def _common(values: Sequence[Json]) -> Json:
    """Return the value if all are equal, else ``None``."""
    return values[0] if values and all(value == values[0] for value in values) else None
