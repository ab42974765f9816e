"""Where labels go when what they belong to becomes a track of a mix, and what the mix is labelled with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..effects import Crop, Pad
from ..labels import PRESENT
from ..manifest import Label, Record
from ..units import samples_to_seconds
from .recipe import MixTrack


def track_labels(record: Record, track: MixTrack, seconds: float) -> list[Label]:
    """Return the labels of a record for what its track makes of it.

    Labels without times hold throughout, and stay as they are. The others go where their sound goes, each
    time that it is repeated; what lies beyond a crop or the mix is cut off, and a label is dropped if
    nothing is left of it.

    Parameters
    ----------
    record : Record
        With labels.
    track : MixTrack
        The track that plays it.
    seconds : float
        How long the mix lasts.
    """
    own = samples_to_seconds(record.num_samples, record.sampling_rate)
    total = own if track.length is None else samples_to_seconds(track.length, record.sampling_rate)
    moved = []
    for label in record.labels:
        if label.start is None and label.duration is None:
            moved.append(label)
            continue
        start = label.start or 0.0
        stop = own if label.duration is None else start + label.duration
        for again in range(math.ceil(total / own) if own else 0):
            first, last = start + again * own, min(stop + again * own, total)
            if (span := _moved(first, last, track, total, seconds)) is not None:
                moved.append(replace(label, start=span[0], duration=span[1] - span[0]))
    return moved


def _moved(
    start: float, stop: float, track: MixTrack, total: float, seconds: float
) -> tuple[float, float] | None:
    """Return where an interval of so many seconds of sound lies in the mix, as far as it is heard there."""
    factor, shift = track.stretch, 0.0  # the time t becomes factor * t + shift
    begin, end = 0.0, factor * total  # what there is of the sound, then
    for effect in track.effects:
        if isinstance(effect, Crop):
            shift -= effect.start
            begin, end = max(0.0, begin - effect.start), min(end - effect.start, effect.duration)
        elif isinstance(effect, Pad):
            shift += effect.before
            begin, end = begin + effect.before, min(end + effect.before, effect.duration)
    shift, begin, end = shift + track.offset, begin + track.offset, min(end + track.offset, seconds)
    first, last = factor * start + shift, factor * stop + shift
    if first >= end or (last <= begin and first < begin):
        return None
    return max(begin, first), min(end, last)


def united_labels(sources: Sequence[Record], moved: Sequence[Sequence[Label]]) -> list[Label]:
    """Return the labels of a mix: what is present in any source, and what is known to be absent from all.

    Parameters
    ----------
    sources : sequence of Record
        What sounds.
    moved : sequence of sequence of Label
        The labels of each as `track_labels` gives them.

    Returns
    -------
    list of Label
        Sorted by class. A class that is present has one label if it is present throughout some source,
        else one for each of its intervals.
    """
    names = sorted({label.label for labels in moved for label in labels})
    return list(itertools.chain.from_iterable(_united(name, sources, moved) for name in names))


def _united(name: str, sources: Sequence[Record], moved: Sequence[Sequence[Label]]) -> Iterator[Label]:
    listed = [[label for label in labels if label.label == name] for labels in moved]
    every = list(itertools.chain(*listed))
    present = [label for label in every if label.presence >= PRESENT]
    throughout = [label for label in present if label.start is None and label.duration is None]
    if throughout:
        yield max(throughout, key=lambda label: label.presence)
    elif present:
        yield from sorted(present, key=lambda label: label.start or 0.0)
    elif all(found or record.labels_complete for found, record in zip(listed, sources, strict=True)):
        yield max(every, key=lambda label: label.presence)
