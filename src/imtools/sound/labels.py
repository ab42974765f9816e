"""Transforming labels when their record is cut, or becomes a track of a mix.

Times are seconds.
"""

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


def start_in_recording(record: Record) -> float:
    """Return where a record starts in the original recording, in seconds."""
    start = record.source.get("start")
    if isinstance(start, int | float) and not isinstance(start, bool):
        return float(start)
    return record.start


def labels_within(labels: Sequence[Label], offset: float, seconds: float) -> list[Label]:
    """Return the labels of a part of a signal, with their times relative to it.

    Parameters
    ----------
    labels : sequence of Label
        Those of the whole.
    offset, seconds : float
        Start and length of the part.

    Returns
    -------
    list of Label
        Labels without times stay as they are; the others are clipped to the part, or dropped if they lie
        outside.
    """
    kept = []
    for label in labels:
        if label.start is None and label.duration is None:
            kept.append(label)
            continue
        start = (label.start or 0.0) - offset
        end = seconds if label.duration is None else start + label.duration
        if start >= seconds or (end <= 0 and start < 0):
            continue
        first = max(0.0, start)
        kept.append(replace(label, start=first, duration=min(seconds, end) - first))
    return kept


def track_labels(record: Record, track: MixTrack, seconds: float) -> list[Label]:
    """Return the labels of a record as they apply to its track in a mix.

    Labels without times hold throughout, and stay as they are. The others move with their sound, each time
    that it is repeated; times beyond a crop or the mix are cut off, and a label is dropped if nothing of it
    remains.

    Parameters
    ----------
    record : Record
        With labels.
    track : MixTrack
        The track that plays it.
    seconds : float
        Length of the mix.
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
        for repetition in range(math.ceil(total / own) if own else 0):
            first, last = start + repetition * own, min(stop + repetition * own, total)
            if (interval := _moved(first, last, track, total, seconds)) is not None:
                moved.append(replace(label, start=interval[0], duration=interval[1] - interval[0]))
    return moved


def _moved(
    start: float, stop: float, track: MixTrack, total: float, seconds: float
) -> tuple[float, float] | None:
    """Return an interval of a sound of ``total`` seconds in mix time, clipped to the audible part.

    ``None`` if nothing of it is audible.
    """
    factor, shift = track.stretch, 0.0  # the time t becomes factor * t + shift
    begin, end = 0.0, factor * total  # the remaining part of the sound, at that time
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
    """Return the labels of a mix: classes present in any source, and those known to be absent from all.

    Parameters
    ----------
    sources : sequence of Record
        The mixed records.
    moved : sequence of sequence of Label
        The labels of each from `track_labels`.

    Returns
    -------
    list of Label
        Sorted by class. A class that is present has one label if it is present throughout some source,
        else one for each of its intervals.
    """
    names = sorted({label.label for labels in moved for label in labels})
    return list(itertools.chain.from_iterable(_united(name, sources, moved) for name in names))


def _united(name: str, sources: Sequence[Record], moved: Sequence[Sequence[Label]]) -> Iterator[Label]:
    """Yield the labels of one class."""
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
