"""A cache of the waveforms that mixes are made of: each record is in many mixes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from ..arrays import Float32Array
from ..audio.load import load, signature
from ..manifest import Record

_MAX_WAVEFORM_SAMPLES = 2**20
"""Samples of a waveform that is kept, at most: 24 s at 44.1 kHz."""

_MAX_TOTAL_SAMPLES = 2**25
"""Samples that are kept in all, at most: 128 MiB."""


class _Waveforms:
    """The waveforms used last, by what was loaded; shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Float32Array] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Float32Array | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, samples: Float32Array) -> None:
        with self._lock:
            if key in self._kept:  # another thread was faster
                return
            self._kept[key] = samples
            self._size += samples.size
            while self._size > _MAX_TOTAL_SAMPLES:
                self._size -= self._kept.popitem(last=False)[1].size


_waveforms = _Waveforms()


def load_cached(record: Record, *, mono: bool) -> Float32Array:
    """Return what `imtools.audio.load.load` returns, perhaps without reading the file again.

    Parameters
    ----------
    record : Record
        With an audio file.
    mono : bool
        Whether to average the channels.

    Returns
    -------
    ndarray of float32, shape (num_samples,) if mono, else (channels, num_samples)
        Read-only: it is shared.
    """
    samples = _waveforms.get(key := _key(record, mono))
    if samples is None:
        samples = load(record, mono=mono)
        if samples.size <= _MAX_WAVEFORM_SAMPLES:
            samples.flags.writeable = False
            _waveforms.put(key, samples)
    return samples


def _key(record: Record, mono: bool) -> Hashable:
    """Return what loading depends on, including the state of the file."""
    channels = None if record.channels is None else tuple(record.channels)
    part = (record.start, record.num_samples, record.sampling_rate, record.padding)
    return (record.audio, signature(record.audio or ""), *part, channels, record.normalize, mono)
