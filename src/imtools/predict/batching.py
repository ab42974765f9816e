"""Batches across records: windows of several records are scored together, by one or several models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Protocol

import numpy as np

from ..arrays import BoolArray, Float32Array
from ..clock import Clock, current_clock, timed
from ..errors import AudioError, is_fatal
from ..sound.stereo import interleave_streams
from .prefetch import prefetch
from .scores import PreparedRecord, RecordScores

_CHUNKS_PREFETCHED = 3
"""Maximum number of chunks of each long record that are cut in advance."""

Chunk = tuple[int, list[int], Float32Array | Exception]
"""Index of a record, indices of the models that score these windows, and the windows or the error."""


class WindowScorer(Protocol):
    """The interface of a model that scores windows, implemented by `Predictor`."""

    batch_size: int

    def compute(
        self, windows: Sequence[Float32Array], from_features: bool, members: tuple[int, ...] | None
    ) -> Float32Array:
        """Return the scores of windows; see `Predictor.compute`."""

    def collect(
        self, prepared: PreparedRecord, windows: Float32Array, audible: Sequence[BoolArray]
    ) -> RecordScores:
        """Return the scores of a record from those of all its windows; see `Predictor.collect`."""


def score_together(
    predictors: Sequence[WindowScorer], prepared: Sequence[tuple[PreparedRecord, ...]], threads: int = 1
) -> list[tuple[RecordScores, ...] | Exception]:
    """Score some records with some models.

    Records that are not cut yet are cut by threads of their own while the models work on earlier ones, and
    only once for all models with equal windows.

    Parameters
    ----------
    predictors : sequence of WindowScorer
        The models.
    prepared : sequence of tuple of PreparedRecord
        The result of each model's preparation, for each record. It can be scored again, for instance alone
        after another record failed.
    threads : int
        How many long records are cut at once.

    Returns
    -------
    list of tuple of RecordScores, or Exception
        For each record, the scores of each model, or why it could not be read to its end.
    """
    sessions = [
        _Session(predictor, [record[m] for record in prepared]) for m, predictor in enumerate(predictors)
    ]
    failures: dict[int, Exception] = {}
    clock = current_clock()
    with closing(prefetch(_sources(prepared, clock), threads, _CHUNKS_PREFETCHED)) as chunks:
        for index, models, chunk in timed(chunks, "wait", clock):
            if isinstance(chunk, Exception):
                failures[index] = chunk
                continue
            for m in models:
                sessions[m].take(index, chunk)
    for session in sessions:
        session.flush()
    return [
        failures.get(index) or _finite(record[0].record.id, [session.scores(index) for session in sessions])
        for index, record in enumerate(prepared)
    ]


def _finite(name: str, scores: list[RecordScores]) -> tuple[RecordScores, ...] | AudioError:
    """Return the scores of a record, or an error if they are not finite: squares may overflow."""
    if all(np.isfinite(one.windows).all() for one in scores):
        return tuple(scores)
    hint = "samples should lie between -1 and 1: lower the level"
    return AudioError(f"record {name}: is too loud to be scored, the scores are not finite numbers", hint)


def _sources(prepared: Sequence[tuple[PreparedRecord, ...]], clock: Clock) -> Iterator[Iterable[Chunk]]:
    """Yield the chunks of each record: as a list if they have been cut already."""
    for index, record in enumerate(prepared):
        chunks = _chunks(index, record)
        complete = all(isinstance(one.chunks, list) for one in record)
        yield list(chunks) if complete else timed(chunks, "decode", clock)


def _chunks(index: int, record: tuple[PreparedRecord, ...]) -> Iterator[Chunk]:
    """Yield the chunks of a record; if reading fails, the exception takes the place of the rest."""
    shared: dict[int, list[int]] = {}
    for m, one in enumerate(record):
        shared.setdefault(id(one.chunks), []).append(m)
    try:
        for models in shared.values():
            for chunk in record[models[0]].chunks:
                yield index, models, chunk
    except Exception as error:
        if is_fatal(error):
            raise
        yield index, [], error


class _Session:
    """Scores some records with one model: windows are collected until they fill a batch."""

    def __init__(self, predictor: WindowScorer, prepared: Sequence[PreparedRecord]) -> None:
        self._predictor, self._prepared = predictor, prepared
        self._rows: list[list[Float32Array]] = [[] for _ in prepared]
        self._audible: list[list[BoolArray]] = [[] for _ in prepared]
        self._waiting: dict[tuple[bool, tuple[int, ...] | None], list[tuple[int, Float32Array]]] = {}

    def take(self, index: int, chunk: Float32Array) -> None:
        """Take the next windows of a record."""
        record = self._prepared[index]
        if record.stereo:
            chunk, audible = interleave_streams(chunk)
            self._audible[index].append(audible)
        key = (record.from_features, record.members)
        queue = self._waiting.setdefault(key, [])
        for window in chunk:
            queue.append((index, window))
            if len(queue) >= self._predictor.batch_size:
                self._compute(key)

    def flush(self) -> None:
        """Score the remaining windows, which do not fill a batch."""
        for key in self._waiting:
            self._compute(key)

    def _compute(self, key: tuple[bool, tuple[int, ...] | None]) -> None:
        queue = self._waiting[key]
        if not queue:
            return
        scores = self._predictor.compute([window for _, window in queue], *key)
        for (index, _), row in zip(queue, scores, strict=True):
            self._rows[index].append(row)
        queue.clear()

    def scores(self, index: int) -> RecordScores:
        """Return the scores of a record, once all its windows have been taken and `flush` was called."""
        rows = np.stack(self._rows[index])
        return self._predictor.collect(self._prepared[index], rows, self._audible[index])
