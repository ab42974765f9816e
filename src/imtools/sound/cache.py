"""The waveforms that mixes are made of, kept for the next mix: each record is in many of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from ..arrays import Float32Array
from ..audio.load import load, signature
from ..manifest import Record

_LARGEST = 2**20
"""Samples of a waveform that is kept at most: 24 s at 44.1 kHz."""

_MOST = 2**25
"""Samples that are kept in all: 128 MiB."""


class _Waveforms:
    """Waveforms by what was loaded, those used last; shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Float32Array] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Float32Array | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Hashable, samples: Float32Array) -> None:
        with self._lock:
            if key in self._held:  # another thread was faster
                return
            self._held[key] = samples
            self._size += samples.size
            while self._size > _MOST:
                self._size -= self._held.popitem(last=False)[1].size


_waveforms = _Waveforms()


def load_cached(record: Record, *, mono: bool) -> Float32Array:
    """Return what `imtools.audio.load.load` gives of a record, perhaps without reading it again.

    Returns
    -------
    ndarray of float32
        Not to be written to: others may use it.
    """
    samples = _waveforms.get(key := _key(record, mono))
    if samples is None:
        samples = load(record, mono=mono)
        if samples.size <= _LARGEST:
            samples.flags.writeable = False
            _waveforms.put(key, samples)
    return samples


def _key(record: Record, mono: bool) -> Hashable:
    """Return what loading depends on, the state of the file included."""
    channels = None if record.channels is None else tuple(record.channels)
    place = (record.start, record.num_samples, record.sampling_rate, record.padding)
    return (record.audio, signature(record.audio or ""), *place, channels, record.normalize, mono)
