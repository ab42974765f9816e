"""Scoring records in batches that go across them, with one model or with several on the same windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Protocol

import numpy as np

from ..arrays import BoolArray, Float32Array
from ..clock import Clock, current_clock, timed
from ..errors import is_fatal
from ..sound.stereo import interleave_streams
from .prefetch import prefetch
from .scores import Prepared, RecordScores

_CHUNKS_AHEAD = 3
"""Chunks of each long record that are cut in advance, at most."""

Chunk = tuple[int, list[int], Float32Array | Exception]
"""The place of a record, the models that its windows are for, and the windows, or why it ends early."""


class WindowScorer(Protocol):
    """A model at work: a `Predictor`."""

    batch_size: int

    def compute(
        self, windows: Sequence[Float32Array], from_features: bool, members: tuple[int, ...] | None
    ) -> Float32Array:
        """Return the scores of windows."""

    def collect(self, one: Prepared, windows: Float32Array, sounding: Sequence[BoolArray]) -> RecordScores:
        """Return the scores of a record from those of all its windows."""


def score_together(
    predictors: Sequence[WindowScorer], prepared: Sequence[tuple[Prepared, ...]], threads: int = 1
) -> list[tuple[RecordScores, ...] | Exception]:
    """Score some records with some models.

    What is still to be cut is cut by threads of its own, while the models are at work on what came before,
    and once for all models that share it.

    Parameters
    ----------
    predictors : sequence of WindowScorer
        The m models.
    prepared : sequence of tuple of Prepared
        What each of them has prepared of each record. Can be scored again, for instance alone after another
        failed.
    threads : int
        How many long records are cut at once.

    Returns
    -------
    list of tuple of Scores, or Exception
        In the order of ``prepared``, one for each model; why a record could not be read to its end, where
        that is so.
    """
    sessions = [_Session(predictor, [ones[m] for ones in prepared]) for m, predictor in enumerate(predictors)]
    faults: dict[int, Exception] = {}
    clock = current_clock()
    with closing(prefetch(_sources(prepared, clock), threads, _CHUNKS_AHEAD)) as chunks:
        for item, models, chunk in timed(chunks, "wait", clock):
            if isinstance(chunk, Exception):
                faults[item] = chunk
                continue
            for m in models:
                sessions[m].take(item, chunk)
    for session in sessions:
        session.flush()
    return [
        faults.get(item) or tuple(session.scores(item) for session in sessions)
        for item in range(len(prepared))
    ]


def _sources(prepared: Sequence[tuple[Prepared, ...]], clock: Clock) -> Iterator[Iterable[Chunk]]:
    """Yield the chunks of each record: a list where they have been cut."""
    for item, ones in enumerate(prepared):
        chunks = _chunks(item, ones)
        ready = all(isinstance(one.chunks, list) for one in ones)
        yield list(chunks) if ready else timed(chunks, "decode", clock)


def _chunks(item: int, ones: tuple[Prepared, ...]) -> Iterator[Chunk]:
    """Yield the chunks of a record; why it ends early comes instead of its rest."""
    shared: dict[int, list[int]] = {}
    for m, one in enumerate(ones):
        shared.setdefault(id(one.chunks), []).append(m)
    try:
        for models in shared.values():
            for chunk in ones[models[0]].chunks:
                yield item, models, chunk
    except Exception as error:
        if is_fatal(error):
            raise
        yield item, [], error


class _Session:
    """One model at work on some records: windows wait until they fill a batch."""

    def __init__(self, predictor: WindowScorer, prepared: Sequence[Prepared]) -> None:
        self._predictor, self._prepared = predictor, prepared
        self._rows: list[list[Float32Array]] = [[] for _ in prepared]
        self._sounding: list[list[BoolArray]] = [[] for _ in prepared]
        self._waiting: dict[tuple[bool, tuple[int, ...] | None], list[tuple[int, Float32Array]]] = {}

    def take(self, item: int, chunk: Float32Array) -> None:
        """Take the next windows of a record; note, of streams, which of them sound in which windows."""
        one = self._prepared[item]
        if one.stereo:
            chunk, sounding = interleave_streams(chunk)
            self._sounding[item].append(sounding)
        key = (one.from_features, one.members)
        queue = self._waiting.setdefault(key, [])
        for window in chunk:
            queue.append((item, window))
            if len(queue) >= self._predictor.batch_size:
                self._compute(key)

    def flush(self) -> None:
        """Score what still waits."""
        for key in self._waiting:
            self._compute(key)

    def _compute(self, key: tuple[bool, tuple[int, ...] | None]) -> None:
        queue = self._waiting[key]
        if not queue:
            return
        scores = self._predictor.compute([window for _, window in queue], *key)
        for (item, _), row in zip(queue, scores, strict=True):
            self._rows[item].append(row)
        queue.clear()

    def scores(self, item: int) -> RecordScores:
        """Return the scores of a record, once all its windows have been taken and `flush` been called."""
        return self._predictor.collect(self._prepared[item], np.stack(self._rows[item]), self._sounding[item])
