"""Analysing the audio of many records: in parallel, in batches, and each only once."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..analysis.cache import AnalysisCache
from ..arrays import Float32Array
from ..choices import F0Method
from ..errors import ImtoolsError, is_fatal
from ..hashing import file_state, text_sha256
from ..manifest import Record
from ..manifest.values import Json
from ..parallel import ordered_map
from ..sound.recipe import MixTrack
from ..sound.render import load_sound
from ..units import seconds_to_samples

if TYPE_CHECKING:
    from ..analysis.f0 import F0Track
    from ..analysis.key import Key

T = TypeVar("T")

_BATCH, _BATCH_SECONDS = 32, 120.0
"""Maximum numbers of records, and of seconds, that are analysed before their results are stored."""

_ANALYSIS_RATE = 22050

_MAX_ANALYSIS_SECONDS = 60.0
"""Maximum duration, in seconds, from which tempo and key are estimated."""

_REVISIONS = {"f0": 1, "tempo": 1, "key": 1}
"""Incremented when the numbers change, so that results stored before are not used."""


class RecordAnalyzer:
    """Estimates the f0, tempo and key of records, and stores them.

    Results depend on the record alone, neither on the others nor on the number of jobs.

    Parameters
    ----------
    f0 : {"crepe", "crepe-tiny", "crepe-original", "pyin"}
        The f0 estimator; see `imtools.analysis.f0`.
    device, precision : str
        Where and how CREPE computes; see `imtools.device`.
    jobs : int
        Threads that decode and estimate tempi.
    cache : Path, optional
        A file that keeps results from run to run.
    report : callable, optional
        Called with the estimated property, the number of finished records, and the total.

    Warns
    -----
    ImtoolsWarning
        If the cache cannot be used; the analysis continues without it.
    """

    def __init__(
        self,
        f0: F0Method = "crepe",
        *,
        device: str = "auto",
        precision: str = "auto",
        jobs: int = 1,
        cache: Path | None = None,
        report: Callable[[str, int, int], None] = lambda what, done, total: None,
    ) -> None:
        self._method, self._device, self._precision = f0, device, precision
        self._jobs, self._report = jobs, report
        self._cache = AnalysisCache(cache)

    def close(self) -> None:
        """Close the cache."""
        self._cache.close()

    def f0(self, records: Sequence[Record]) -> dict[str, F0Track | Exception]:
        """Return the f0 of each record over time, or why it cannot be estimated, by id."""
        from ..analysis.f0 import RATE, F0Track, estimate_f0
        from ..device import resolve_device, resolve_precision

        device = resolve_device(self._device)
        dtype = resolve_precision(self._precision, device)

        def estimate(signals: list[Float32Array]) -> list[bytes]:
            return [track.to_bytes() for track in estimate_f0(signals, self._method, device, dtype)]

        name = f"{self._method} {dtype}"
        return self._results("f0", name, records, RATE, estimate, F0Track.from_bytes)

    def tempo(self, records: Sequence[Record]) -> dict[str, float | Exception | None]:
        """Return the tempo of each record in beats per minute, ``None`` without a beat, by id."""
        from ..analysis.tempo import estimate_tempo

        def estimate(signals: list[Float32Array]) -> list[bytes]:
            tempi = ordered_map(lambda x: estimate_tempo(x, _ANALYSIS_RATE), signals, self._jobs, _BATCH)
            return [json.dumps(tempo).encode() for tempo in tempi]

        return self._results("tempo", "librosa", records, _ANALYSIS_RATE, estimate, json.loads)

    def key(self, records: Sequence[Record]) -> dict[str, Key | Exception | None]:
        """Return the key of each record, ``None`` where there is none, by id."""
        from ..analysis.key import Key, estimate_key

        def estimate(signals: list[Float32Array]) -> list[bytes]:
            keys = [estimate_key(signal, _ANALYSIS_RATE) for signal in signals]
            return [json.dumps(asdict(key) if key else None).encode() for key in keys]

        def parse(data: bytes) -> Key | None:
            value = json.loads(data)
            return None if value is None else Key(**value)

        return self._results("key", "chroma", records, _ANALYSIS_RATE, estimate, parse)

    def _results(
        self,
        what: str,
        method: str,
        records: Sequence[Record],
        rate: int,
        estimate: Callable[[list[Float32Array]], list[bytes]],
        parse: Callable[[bytes], T],
    ) -> dict[str, T | Exception]:
        """Return the stored or newly estimated results, parsed by ``parse``, by id."""
        keys = {record.id: _digest(record, what, method, str(_REVISIONS[what])) for record in records}
        stored = self._cache.get(keys.values())
        results: dict[str, T | Exception] = {}
        for record in records:
            try:
                results[record.id] = parse(stored[keys[record.id]])
            except (KeyError, ValueError, TypeError):  # missing, or not written by imtools
                continue
        rest = [record for record in records if record.id not in results]
        most = math.inf if what == "f0" else _MAX_ANALYSIS_SECONDS
        longest = max((min(record.duration, most) for record in rest), default=0.0)
        loaded = ordered_map(
            lambda record: (record, _load(record, rate, most)),
            rest,
            self._jobs,
            ahead=_BATCH if longest <= _BATCH_SECONDS else self._jobs,
            place=lambda record: record.audio,
        )
        for batch in _batched(loaded, rate):
            signals = {record.id: signal for record, signal in batch if not isinstance(signal, Exception)}
            results |= {record.id: signal for record, signal in batch if isinstance(signal, Exception)}
            data = dict(zip(signals, estimate(list(signals.values())), strict=True))
            self._cache.put({keys[name]: value for name, value in data.items()})
            results |= {name: parse(value) for name, value in data.items()}
            self._report(what, len(results), len(records))
        return results


_Loaded = tuple[Record, Float32Array | Exception]


def _batched(items: Iterator[_Loaded], rate: int) -> Iterator[list[_Loaded]]:
    batch: list[_Loaded] = []
    samples = 0
    for item in items:
        batch.append(item)
        samples += 0 if isinstance(item[1], Exception) else len(item[1])
        if len(batch) == _BATCH or samples >= _BATCH_SECONDS * rate:
            yield batch
            batch, samples = [], 0
    if batch:
        yield batch


def _load(record: Record, rate: int, most: float) -> Float32Array | Exception:
    """Return the first seconds of a record at a rate, not normalised, or why they cannot be loaded."""
    record = record.at_rate(rate).replace(normalize=None)
    if record.duration > most:
        record = record.part(0, seconds_to_samples(most, rate))
    try:
        return load_sound(record)
    except Exception as error:
        if is_fatal(error):
            raise
        name = f"record {record.id}: "
        if isinstance(error, ImtoolsError) and record.id not in error.message:
            return type(error)(f"{name}{error.message}", error.hint)
        return error


def _digest(record: Record, *parts: str) -> str:
    """Return the key of a result: a hash of the record, the state of its files, and the method."""
    state: list[object] = [*parts, _without_files(MixTrack.from_record(record).to_json())]
    for path in [record.audio, *record.track_files()]:
        now = file_state(path or "")
        state.append(path if now is None else [os.path.abspath(path or ""), now.size, now.modified])
    return text_sha256(json.dumps(state, sort_keys=True))


def _without_files(value: Json) -> Json:
    """Return a JSON value without ids and file names: absolute paths are hashed beside it."""
    if isinstance(value, dict):
        return {key: _without_files(item) for key, item in value.items() if key not in ("id", "audio")}
    return [_without_files(item) for item in value] if isinstance(value, list) else value
