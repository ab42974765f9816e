"""Where labels go when what they belong to is stretched, cropped or padded."""

from __future__ import annotations

from dataclasses import replace

from ..effects import Crop, Pad
from ..manifest import Label, Record
from ..mix.recipe import MixTrack


def moved_labels(record: Record, track: MixTrack) -> list[Label]:
    """Return the labels of a record for what its track makes of it.

    Labels without times hold throughout, and stay as they are. The others go where their sound goes; what
    lies outside a crop is cut off, and a label is dropped if nothing is left of it.
    """
    factor, shift = track.stretch, 0.0  # the time t becomes factor * t + shift
    begin, end = 0.0, factor * record.duration  # what there is of the sound, then
    for effect in track.effects:
        if isinstance(effect, Crop):
            shift -= effect.start
            begin, end = max(0.0, begin - effect.start), min(end - effect.start, effect.duration)
        elif isinstance(effect, Pad):
            shift += effect.before
            begin, end = begin + effect.before, min(end + effect.before, effect.duration)
    if (factor, shift, begin, end) == (1.0, 0.0, 0.0, record.duration):
        return record.labels
    kept = []
    for label in record.labels:
        if label.start is None and label.duration is None:
            kept.append(label)
            continue
        start = label.start or 0.0
        stop = record.duration if label.duration is None else start + label.duration
        first, last = factor * start + shift, factor * stop + shift
        if first >= end or (last <= begin and first < begin):
            continue
        first = max(begin, first)
        kept.append(replace(label, start=first, duration=min(end, last) - first))
    return kept
