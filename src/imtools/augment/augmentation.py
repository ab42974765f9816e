"""Planning: from a record to the recipes of its changed copies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ..choices import NOISE_COLORS, NoiseColor, Stretcher
from ..effects import Crop, Effect, Filter, Noise, Pad, Polarity
from ..effects.filter import KINDS
from ..errors import AudioError, UsageError
from ..hashing import below, stable_hash, uniform
from ..manifest import Record
from ..sound.labels import start_in_recording, track_labels
from ..sound.recipe import MixTrack, Recipe
from ..units import samples_to_seconds, seconds_to_samples
from .values import VARIED, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """What is changed in records, and how many copies are made.

    The changes are made in this order: stretching and pitch shifting, low-pass, high-pass, crop, noise,
    polarity, pad, gain. So the noise level is relative to the part that is kept, and the padding is silent.

    Parameters
    ----------
    pitch, stretch, gain, noise, lowpass, highpass : Values, optional
        Pitch shift in semitones; factor of the duration; level change in dB; signal-to-noise ratio in dB;
        cutoffs in Hz.
    noise_color : {"white", "pink", "brown"}
        Colour of the noise.
    polarity : float, optional
        The probability that a copy is inverted.
    crop : float, optional
        Seconds that a copy keeps, from a random place.
    pad : float, optional
        Seconds to which a copy is padded with silence, at a random place in it.
    copies : int, optional
        Copies of each record; by default the length of the longest list of values, or 1.
    stretcher : {"auto", "rubberband", "signalsmith"}
        The engine that stretches and shifts; see `imtools.effects.stretch`.
    seed : int
        Seed of the random choices, which depend only on it, the record's id, the number of the copy and the
        kind of change.

    Raises
    ------
    UsageError
        If nothing is changed, a value is out of range, or there is no such stretcher.
    """

    pitch: Values | None = None
    stretch: Values | None = None
    gain: Values | None = None
    noise: Values | None = None
    lowpass: Values | None = None
    highpass: Values | None = None
    noise_color: NoiseColor = "white"
    polarity: float | None = None
    crop: float | None = None
    pad: float | None = None
    copies: int | None = None
    stretcher: Literal["auto"] | Stretcher = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        changes = (*VARIED, "polarity", "crop", "pad")
        if all(getattr(self, name) is None for name in changes):
            names = ", ".join(f"`{name}`" for name in changes)
            raise UsageError("there is nothing to change", f"give at least one of {names}")
        for name, values in self._varied().items():
            values.check(name)
        for name, seconds in (("crop", self.crop), ("pad", self.pad)):
            if seconds is not None and not 0 < seconds < math.inf:
                raise UsageError(f"{name} {seconds:g} s is not a length", "give seconds above 0")
        if self.polarity is not None and not 0 <= self.polarity <= 1:
            raise UsageError(f"polarity {self.polarity:g} is not a probability", "give a number from 0 to 1")
        if self.noise_color not in NOISE_COLORS:
            hint = f"choose from {', '.join(NOISE_COLORS)}"
            raise UsageError(f"noise {self.noise_color!r} is not known", hint)
        if self.copies is not None and self.copies < 1:
            raise UsageError(f"{self.copies} copies of each record: nothing to do", "give at least 1")
        if self.pitch is not None or self.stretch is not None:
            from ..effects.stretch import resolve_stretcher

            object.__setattr__(
                self, "stretcher", resolve_stretcher(self.stretcher, shifts=self.pitch is not None)
            )

    def _varied(self) -> dict[str, Values]:
        """Return the changes that take values and are set."""
        every = {name: getattr(self, name) for name in VARIED}
        return {name: values for name, values in every.items() if values is not None}

    @property
    def num_copies(self) -> int:
        """Number of copies of each record."""
        if self.copies is not None:
            return self.copies
        lists = [values.numbers for values in self._varied().values() if not values.between]
        return max(map(len, lists), default=1)

    def copies_of(self, record: Record, numbers: Iterable[int] | None = None) -> list[Record]:
        """Return changed copies of a record.

        Parameters
        ----------
        record : Record
            A file, a segment or a mix.
        numbers : iterable of int, optional
            Which copies, from 0 to ``num_copies - 1``; all by default.

        Returns
        -------
        list of Record
            Recipes (``audio`` is ``None``) of one track each. They keep the record's groups, split, fold,
            genre, labels, source and unknown keys. Labels with times move with their sound; those wholly
            outside a crop are dropped. A crop also changes start and duration in ``source``.

        Raises
        ------
        AudioError
            If the record has no audio, is shorter than the crop or longer than the padding, or its rate
            is too low for the high-pass.
        """
        if record.audio is None and not record.mix:
            raise AudioError(f"record {record.id}: has features only, no audio", "augment before features")
        if numbers is None:
            numbers = range(self.num_copies)
        return [self._copy(record, number) for number in numbers]

    def _copy(self, record: Record, number: int) -> Record:
        value = {
            name: values.pick(number, self.seed, record.id, name) for name, values in self._varied().items()
        }
        pitch = value.get("pitch", 0.0)
        track = replace(
            MixTrack.from_record(record),
            stretch=value.get("stretch", 1.0),
            shift=((0, pitch),) if pitch else (),
            gain_db=value.get("gain", 0.0),
        )
        effects: list[Effect] = [
            _fitting(Filter(kind, value[kind]), record) for kind in KINDS if kind in value
        ]
        source, length = record.source, track.num_samples(record.sampling_rate)
        if self.crop is not None:
            crop = Crop(self._place("crop", self.crop, record, number, length), self.crop)
            effects.append(crop)
            length = crop.length(length, record.sampling_rate)
            start, seconds = crop.start / track.stretch, crop.duration / track.stretch
            source = source | {"start": start_in_recording(record) + start, "duration": seconds}
        if "noise" in value:
            own_seed = below(2**32, self.seed, record.id, "noise seed", number)
            effects.append(Noise(value["noise"], self.noise_color, own_seed))
        if self.polarity is not None and uniform(self.seed, record.id, "polarity", number) < self.polarity:
            effects.append(Polarity())
        if self.pad is not None:
            effects.append(Pad(self._place("pad", self.pad, record, number, length), self.pad))
        track = replace(track, effects=tuple(effects))
        made = self._made(record, number, track)
        return made.replace(labels=track_labels(record, track, made.duration), source=source)

    def _place(self, name: str, seconds: float, record: Record, number: int, length: int) -> float:
        """Return the start of a crop within ``length`` samples, or of these within a padding, in seconds."""
        rate = record.sampling_rate
        room = length - seconds_to_samples(seconds, rate)
        if name == "pad":
            room = -room
        if room < 0:
            held = f"record {record.id}: {samples_to_seconds(length, rate):.3f} s"
            if name == "crop":
                raise AudioError(f"{held} cannot be cropped to {seconds:g} s", "choose a shorter crop")
            hint = "choose a longer padding, or crop as well"
            raise AudioError(f"{held} cannot be padded to {seconds:g} s", hint)
        return samples_to_seconds(below(room + 1, self.seed, record.id, name, number), rate)

    def _made(self, record: Record, number: int, track: MixTrack) -> Record:
        """Return the record of a copy: a recipe with one track."""
        stretcher = self.stretcher if track.shift or track.stretch != 1 else None
        effects = [effect.to_json() for effect in track.effects]
        content = stable_hash(self.seed, stretcher, track.stretch, track.shift, track.gain_db, effects)
        num_samples = track.num_samples(record.sampling_rate)
        return record.replace(
            id=f"{record.id}/aug-{number:04d}-{content[:8]}",
            audio=None,
            start=0.0,
            duration=samples_to_seconds(num_samples, record.sampling_rate),
            num_samples=num_samples,
            channels=None,
            padding=0.0,
            normalize=None,
            mix=Recipe("none", self.seed, [track], stretcher=stretcher).to_json(),
            features={},
            predictions=[],
        )


def _fitting(effect: Filter, record: Record) -> Filter:
    """Return a filter, unless it removes everything."""
    if effect.silences(record.sampling_rate):
        what = f"a high-pass at {effect.frequency:g} Hz leaves nothing at {record.sampling_rate} Hz"
        raise AudioError(f"record {record.id}: {what}", "choose a cutoff below half the sampling rate")
    return effect
