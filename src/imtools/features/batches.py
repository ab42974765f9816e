"""From waveforms to features, in batches of equal length.

Waveforms are float32 of shape ``(num_samples,)``, features float32 of shape ``(bins, frames)``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..arrays import Float32Array
from ..audio.load import SampleFile
from ..errors import FeatureError
from ..manifest import Record
from .front_ends.base import FrontEnd

BATCH = 2**22
"""Samples per batch."""


def for_front_end(record: Record, front_end: FrontEnd, *, file: SampleFile | None = None) -> Record:
    """Return a record at a front end's rate, if features can be computed from it; nothing is read.

    Parameters
    ----------
    record : Record
        The record.
    front_end : FrontEnd
        The front end that will transform it.
    file : SampleFile, optional
        Source of its samples, instead of its ``audio``; see `imtools.sound.array`.

    Raises
    ------
    FeatureError
        If it has neither an audio file nor a recipe, or is too short or too long.
    """
    if file is None and record.audio is None and not record.mix:
        hint = "use the features that it has, or give records with audio"
        raise FeatureError(f"record {record.id}: has no audio to compute features from", hint)
    record = record.at_rate(front_end.sampling_rate)
    try:
        front_end.check_length(record.num_samples)
    except FeatureError as error:
        raise FeatureError(f"record {record.id}: {error.message}", error.hint) from None
    return record


def transformed(front_end: FrontEnd, waveforms: Mapping[int, Float32Array]) -> dict[int, Float32Array]:
    """Return the features of waveforms, under the same numbers.

    Parameters
    ----------
    front_end : FrontEnd
        On the device where it is to compute.
    waveforms : mapping of int to ndarray of float32, shape (num_samples,)
        At the front end's rate; their lengths may differ. Batches depend only on the lengths.

    Returns
    -------
    dict of int to ndarray of float32, shape (bins, frames)
    """
    by_length: dict[int, list[int]] = {}
    for place, waveform in waveforms.items():
        by_length.setdefault(len(waveform), []).append(place)
    rows: dict[int, Float32Array] = {}
    with torch.inference_mode():
        for length, places in by_length.items():
            count = max(1, BATCH // front_end.working_length(length))
            for first in range(0, len(places), count):
                some = places[first : first + count]
                batch = torch.from_numpy(np.stack([waveforms[place] for place in some]))
                rows.update(zip(some, front_end(batch).cpu().numpy(), strict=True))
    return rows
