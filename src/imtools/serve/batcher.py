"""Windows of many requests, scored together."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np

from ..arrays import Float32Array
from ..predict.predictor import Predictor


class Batcher:
    """A thread that scores waiting windows, in batches of the predictor's size; a context manager.

    While it computes, windows of other requests accumulate: batches grow with the load.

    Parameters
    ----------
    predictor : Predictor
        Computes the scores.
    report : callable
        Called with the number of windows of each batch.
    """

    def __init__(self, predictor: Predictor, report: Callable[[int], None] = lambda count: None) -> None:
        self._predictor, self._report = predictor, report
        self._waiting: queue.Queue[tuple[Float32Array, Future[Float32Array]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="imtools-batcher", daemon=True)

    def __enter__(self) -> Batcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()

    async def scores(self, windows: Float32Array) -> Float32Array:
        """Return the scores of windows (n, samples) as (n, classes)."""
        future: Future[Float32Array] = Future()
        self._waiting.put((windows, future))
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while sum(len(windows) for windows, _ in batch) < self._predictor.batch_size:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._waiting.put(None)  # after this batch
                    break
                batch.append(following)
            self._compute([one for one in batch if one[1].set_running_or_notify_cancel()])

    def _compute(self, batch: list[tuple[Float32Array, Future[Float32Array]]]) -> None:
        rows = [row for windows, _ in batch for row in windows]
        self._report(len(rows))
        try:
            size = self._predictor.batch_size
            parts = [
                self._predictor.compute(rows[first : first + size], False, None)
                for first in range(0, len(rows), size)
            ]
        except Exception as error:
            for _, future in batch:
                future.set_exception(error)
            return
        scores = np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.float32)
        first = 0
        for windows, future in batch:
            future.set_result(scores[first : first + len(windows)])
            first += len(windows)
