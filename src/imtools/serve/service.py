"""Answering a request: concurrency, processes and threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import numpy as np
from fastapi import Request
from prometheus_client import Gauge

from ..arrays import BoolArray, Float32Array
from ..predict.predictor import Predictor
from ..predict.scores import PreparedRecord
from ..sound.stereo import interleave_streams
from ..sound.windows import WINDOWS_PER_BATCH, window_starts
from .batcher import Batcher
from .decoder import Cutting
from .decoding import Decoding
from .limits import Limits
from .metrics import Metrics
from .problems import ProblemError
from .responses import ModelInfo, RecordingPrediction, Responses, display_name
from .uploads import Upload, receive

_BATCHES_WAITING = 4
"""Maximum number of batches that wait to be computed: bounds the memory for windows."""
_SMOOTHING = 0.1

T = TypeVar("T")


class Places:
    """A limit on the number of concurrent users; a context manager for each of them.

    Parameters
    ----------
    what : str
        Name of the users, for messages.
    most : int
        Maximum number.
    gauge : Gauge
        Set to the current number.
    wait : callable
        Returns the seconds after which to retry.
    """

    def __init__(self, what: str, most: int, gauge: Gauge, wait: Callable[[], float]) -> None:
        self._what, self._most, self._gauge, self._wait = what, most, gauge, wait
        self._taken = 0

    def __enter__(self) -> None:
        if self._taken >= self._most:
            wait = str(max(1, round(self._wait())))
            what = f"the server has {self._most} {self._what}, its maximum"
            raise ProblemError(503, what, f"try again in {wait} s", Retry_After=wait)
        self._taken += 1
        self._gauge.set(self._taken)

    def __exit__(self, *_: object) -> None:
        self._taken -= 1
        self._gauge.set(self._taken)


class Room:
    """A limit on the windows that wait to be computed; a task with more is suspended."""

    def __init__(self, size: int) -> None:
        self._free, self._size = size, size
        self._changed = asyncio.Condition()

    async def take(self, count: int) -> int:
        """Wait for room for a number of windows; return the number to release later."""
        count = min(count, self._size)
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= count)
            self._free -= count
        return count

    async def give(self, count: int) -> None:
        """Release room."""
        async with self._changed:
            self._free += count
            self._changed.notify_all()


class Service:
    """The shared state of the routes: model, decoders, counters and limits.

    Parameters
    ----------
    predictor : Predictor
        The model.
    limits : Limits
        On requests.
    card : str
        The model card, in Markdown.
    """

    def __init__(self, predictor: Predictor, limits: Limits, card: str) -> None:
        self._predictor, self._limits, self._card = predictor, limits, card
        self.metrics = metrics = Metrics()
        self._responses = Responses(predictor.model)
        self._batcher = Batcher(predictor, metrics.batches.observe)
        self._decoding = Decoding(limits)
        self._cutting = Cutting(
            predictor.sampling_rate, predictor.window, predictor.hop, predictor.stereo, limits.duration
        )
        self._pace = 1.0  # recent average seconds per answer
        self._requests = Places("requests", limits.waiting, metrics.busy, lambda: self._pace)
        self._uploads = Places("uploads", limits.uploads, metrics.uploading, lambda: self._pace)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the batcher and the decoders running."""
        self._room = Room(_BATCHES_WAITING * max(self._predictor.batch_size, WINDOWS_PER_BATCH))
        with self._batcher:
            async with self._decoding:
                yield

    @property
    def alive(self) -> bool:
        """Whether requests can be answered."""
        return self._decoding.alive

    def model_info(self) -> ModelInfo:
        """Return the description of the model."""
        one, predictor = self._predictor.model.description, self._predictor
        return ModelInfo(
            name=predictor.model.name,
            architecture=one.architecture,
            labels=list(one.labels),
            names={label: display_name(label) for label in one.labels},
            thresholds=self._responses.thresholds,
            sampling_rate=predictor.sampling_rate,
            window=predictor.window / predictor.sampling_rate,
            hop=predictor.hop / predictor.sampling_rate,
            card=self._card,
            limits={"upload": self._limits.upload, "duration": self._limits.duration},
        )

    async def predict(self, request: Request, **shape: Any) -> RecordingPrediction:
        """Answer one request.

        Parameters
        ----------
        request : Request
            Its body is the recording.
        **shape
            Of `Responses.from_scores`.

        Raises
        ------
        ProblemError
            503 if there are too many at once, or no answer in time; else see `receive` and `Decoding.opened`.
        """
        begin, status = time.monotonic(), 500
        try:
            with self._requests:
                with self._uploads:
                    upload = await receive(request, self._limits)
                with upload:
                    async with self._abandonment(request) as abandoned:
                        prediction = await self._score_upload(upload, abandoned, **shape)
            status = 200
            self._pace += _SMOOTHING * (time.monotonic() - begin - self._pace)
            return prediction
        except ProblemError as problem:
            status = problem.status
            raise
        finally:
            self.metrics.requests.labels(str(status)).inc()
            self.metrics.seconds.observe(time.monotonic() - begin)
            self.metrics.lost.set(self._decoding.lost)

    @asynccontextmanager
    async def _abandonment(self, request: Request) -> AsyncIterator[asyncio.Future[ProblemError]]:
        """Yield a future that is set to the reason once a response is no longer needed."""
        loop = asyncio.get_running_loop()
        abandoned: asyncio.Future[ProblemError] = loop.create_future()

        def abandon(status: int, detail: str, hint: str, **headers: str) -> None:
            if not abandoned.done():
                abandoned.set_result(ProblemError(status, detail, hint, **headers))

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            abandon(400, "the client has gone", "wait for the answer")

        watching = asyncio.create_task(watch())
        late = ("the server is too busy", "try again later")
        # The time to wait for a decoder and to decode, and the same again for scoring.
        due = loop.call_later(3 * self._limits.timeout, lambda: abandon(503, *late, Retry_After="10"))
        try:
            yield abandoned
        finally:
            due.cancel()
            watching.cancel()

    async def _score_upload(
        self, upload: Upload, abandoned: asyncio.Future[ProblemError], **shape: Any
    ) -> RecordingPrediction:
        tasks: list[asyncio.Task[Float32Array]] = []
        sounding: list[BoolArray] = []
        predictor = self._predictor
        try:
            file = upload.file.fileno()
            async with self._decoding.opened(file, upload.name, self._cutting) as (record, windows):
                async for chunk in windows:
                    if abandoned.done():
                        continue  # read to the end, so that the decoder is free for others
                    if predictor.stereo:
                        chunk, sounds = interleave_streams(chunk)
                        sounding.append(sounds)
                    with suppress(ProblemError):
                        room = await _unless(abandoned, self._room.take(len(chunk)))
                        tasks.append(asyncio.create_task(self._scored(chunk, room)))
            rows = np.concatenate(await _unless(abandoned, asyncio.gather(*tasks)))
        finally:
            for task in tasks:
                task.cancel()  # without effect on those that are done
        length = record.at_rate(predictor.sampling_rate).num_samples
        starts = window_starts(length, predictor.window, predictor.hop)
        prepared = PreparedRecord(record, None, False, predictor.stereo, (), starts)
        self.metrics.audio.inc(record.duration)

        def respond() -> RecordingPrediction:
            return self._responses.from_scores(
                upload.name, record, predictor.collect(prepared, rows, sounding), **shape
            )

        # For a long recording this takes a while, during which others must be served.
        return await asyncio.to_thread(respond) if len(starts) > WINDOWS_PER_BATCH else respond()

    async def _scored(self, windows: Float32Array, room: int) -> Float32Array:
        try:
            return await self._batcher.scores(windows)
        finally:
            await self._room.give(room)


async def _unless(abandoned: asyncio.Future[ProblemError], doing: Awaitable[T]) -> T:
    """Return the awaited result, or raise the reason why it is no longer needed."""
    task = asyncio.ensure_future(doing)
    try:
        either: set[asyncio.Future[Any]] = {task, abandoned}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
    finally:
        task.cancel()
    raise abandoned.result()
