"""A cache of the waveforms of mixes: each record is part of many mixes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from ..arrays import Float32Array
from ..audio.load import load, signature
from ..manifest import Record

_MAX_WAVEFORM_SAMPLES = 2**20
"""Maximum number of samples of a cached waveform: 24 s at 44.1 kHz."""

_MAX_TOTAL_SAMPLES = 2**25
"""Maximum number of cached samples in total: 128 MiB."""


class _Waveforms:
    """The most recently used waveforms; shared by all threads."""

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
    """Return the result of `imtools.audio.load.load`, from the cache if possible.

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
    """Return the key of a waveform: all that loading depends on, including the state of the file."""
    channels = None if record.channels is None else tuple(record.channels)
    part = (record.start, record.num_samples, record.sampling_rate, record.padding)
    return (record.audio, signature(record.audio or ""), *part, channels, record.normalize, mono)
