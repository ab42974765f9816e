"""Applying a model to records: prepared one by one in worker threads, scored in batches across records."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..aggregation import aggregate
from ..arrays import BoolArray, Float32Array
from ..audio.load import SampleFile
from ..clock import current_clock
from ..device import tune_malloc
from ..errors import ImtoolsWarning, UsageError
from ..features.store import FeatureReader
from ..manifest import Record
from ..models.bundle import TrainedModel
from ..sound.stereo import cut_stream_windows, merge_streams
from ..sound.windows import WINDOWS_PER_BATCH, CutWindows, cut_windows, window_starts
from ..units import is_count, samples_to_seconds, seconds_to_samples
from .batching import score_together
from .cores import compute_on_cores
from .scores import FoldScores, PreparedRecord, RecordScores, folds_of

WindowCache = dict[tuple[int, int, int, bool], tuple[Iterable[Float32Array], range]]
"""Windows of a record and their starts, by sampling rate, window, hop, and whether streams are separate."""


@dataclass(frozen=True, slots=True)
class PredictSettings:
    """How models score records.

    Attributes
    ----------
    hop : float or None
        Distance between windows in seconds; ``None``: the model's own.
    stereo : bool or None
        Score left, right, middle and side of two-channel records separately and take each class's highest
        score (``True``), or score the mean of the channels (``False``); ``None``: as the model prescribes.
    batch_size : int
        Windows computed at once.
    held_out : bool
        Score a record that has a fold with the members that were not trained on that fold only.
    members : bool
        Give the scores of the members of each fold as well.
    embeddings : bool
        Give the embedding of each window as well: the input of the nets' last layer.

    Raises
    ------
    UsageError
        If the hop is not above 0, or settings exclude each other.
    """

    hop: float | None = None
    stereo: bool | None = None
    batch_size: int = 128
    held_out: bool = False
    members: bool = False
    embeddings: bool = False

    def __post_init__(self) -> None:
        """Check that the settings go together."""
        if not is_count(self.batch_size):
            raise UsageError(f"`batch_size` is {self.batch_size!r}", "give a whole number above 0")
        if self.hop is not None and not self.hop > 0:
            raise UsageError(f"`hop` is {self.hop:g} s", "give one above 0")
        if self.members and self.held_out:
            raise UsageError("`members` and `held_out` do not go together", "choose one of them")
        if self.embeddings and (self.members or self.held_out):
            other = "members" if self.members else "held_out"
            raise UsageError(f"`{other}` and `embeddings` do not go together", "choose one of them")


class Predictor:
    """Scores records with a model.

    Parameters
    ----------
    model : TrainedModel
        On its device.
    settings : PredictSettings
        How it scores.

    Attributes
    ----------
    model : TrainedModel
        As given.
    sampling_rate : int
        Sampling rate in Hz of the waveforms that it takes.
    window, hop : int
        Length of the windows and the distance between them, in samples.
    stereo : bool
        Whether streams of two-channel records are scored separately.
    batch_size : int
        Windows computed at once; halved when memory runs out.

    Raises
    ------
    UsageError
        If the model cannot score in this way: members without folds, or embeddings of separate streams.
    """

    def __init__(self, model: TrainedModel, settings: PredictSettings | None = None) -> None:
        settings = settings or PredictSettings()
        description = model.description
        self._folds = folds_of(model) if settings.members else []
        if model.device.type == "cpu":
            tune_malloc()
        self.model = model
        self.batch_size, self._held_out = settings.batch_size, settings.held_out
        self.stereo = description.stereo if settings.stereo is None else settings.stereo
        if settings.embeddings and self.stereo:
            raise UsageError("separate streams have no common embedding", "add `stereo=False`")
        self._embeds = settings.embeddings
        # Embeddings are captured while the net computes, which one thread at a time may do.
        self._by_core = model.device.type == "cpu" and not settings.embeddings
        self._front_end = description.build_front_end().to(model.device)
        self.sampling_rate, self.window = description.sampling_rate, description.window_samples
        self.hop = description.hop_samples
        if settings.hop is not None:
            self.hop = max(1, seconds_to_samples(settings.hop, self.sampling_rate))

    def prepare(
        self, record: Record, cache: WindowCache | None = None, *, file: SampleFile | None = None
    ) -> PreparedRecord:
        """Read the scored part of one record; may run in a worker thread.

        Features of the model's own front end and shape are taken as they are, as one window; otherwise
        the audio is cut into windows. A long record is only cut while it is scored, so that memory does
        not grow with its length.

        Parameters
        ----------
        record : Record
            With features or audio.
        cache : dict, optional
            Windows of this record that other predictors have cut; shared by those whose windows are equal.
        file : SampleFile, optional
            Source of the samples, instead of the record's ``audio``; see `imtools.sound.array`.

        Returns
        -------
        PreparedRecord

        Raises
        ------
        FeatureError
            If the record has neither such features nor audio.
        AudioError
            If its audio cannot be decoded.
        ModelError
            If scores of held-out members are requested, and every member was trained on the record's fold.
        """
        members = None
        if self._held_out and record.fold is not None:
            members = tuple(self.model.members_without(record.fold))
        ref = record.features.get(str(self.model.description.front_end["kind"]))
        if (
            ref is not None
            and ref.config == self.model.description.front_end_hash
            and ref.shape == self.model.description.shape
        ):
            row = FeatureReader().read(ref)
            return PreparedRecord(record, members, True, False, [row[None]], range(1))
        key = (self.sampling_rate, self.window, self.hop, self.stereo)
        cache = {} if cache is None else cache
        if key not in cache:
            cutting = cut_stream_windows if self.stereo else cut_windows
            chunks: Iterable[Float32Array] = CutWindows(
                cutting, record, self.sampling_rate, self.window, self.hop, file
            )
            starts = window_starts(record.at_rate(self.sampling_rate).num_samples, self.window, self.hop)
            if len(starts) <= WINDOWS_PER_BATCH:
                chunks = list(chunks)
            cache[key] = chunks, starts
        chunks, starts = cache[key]
        return PreparedRecord(record, members, False, self.stereo, chunks, starts)

    def score(self, prepared: Sequence[PreparedRecord]) -> list[RecordScores | Exception]:
        """Score some records with this model alone; see `score_together`."""
        results = score_together([self], [(record,) for record in prepared])
        return [result if isinstance(result, Exception) else result[0] for result in results]

    def compute(
        self, windows: Sequence[Float32Array], from_features: bool, members: tuple[int, ...] | None
    ) -> Float32Array:
        """Return the scores of windows; if memory runs out, the batch is halved from then on.

        Parameters
        ----------
        windows : sequence of ndarray of float32
            Waveforms (samples,) or features (bins, frames).
        from_features : bool
            Whether they are features.
        members : tuple of int or None
            Indices of the members that score them; ``None``: all.

        Returns
        -------
        ndarray of float32, shape (n_windows, columns)
            Scores of the classes, then those of the members of each fold, or embeddings.
        """
        batch = torch.from_numpy(np.stack(windows))
        try:
            return self._computed(batch, from_features, members)
        except RuntimeError as error:
            if not _out_of_memory(error) or len(batch) == 1:
                raise
        self.batch_size = max(1, self.batch_size // 2)
        message = f"out of memory: from now on {self.batch_size} windows are computed at once"
        warnings.warn(ImtoolsWarning(message), stacklevel=2)
        return np.concatenate(
            [self._computed(half, from_features, members) for half in torch.chunk(batch, 2)]
        )

    def _computed(self, batch: Tensor, from_features: bool, members: tuple[int, ...] | None) -> Float32Array:
        """Return the scores of a batch that fits into memory."""
        spent: list[tuple[float, float]] = []  # seconds of each part: in the front end, and in total

        @torch.inference_mode()
        def compute(part: Tensor) -> Tensor:
            begin = transformed = time.perf_counter()
            if not from_features:
                part = self._front_end(part)
                transformed = time.perf_counter()  # on a GPU: when the work has been queued
            scores = self._scores(part, members)
            spent.append((transformed - begin, time.perf_counter() - begin))
            return scores

        begin = time.perf_counter()
        scores: Float32Array = (compute_on_cores(compute, batch) if self._by_core else compute(batch)).numpy()
        if not from_features:
            front_end, total = map(sum, zip(*spent, strict=True))
            current_clock().set_apart("front end", front_end / total * (time.perf_counter() - begin))
        return scores

    def _scores(self, features: Tensor, members: tuple[int, ...] | None) -> Tensor:
        """Return the scores of the model, then those of the members of each fold, or embeddings."""
        if self._embeds:
            return torch.cat(self.model.predict_with_embeddings(features, members), dim=1)
        if not self._folds:
            return self.model.predict_proba(features, members)
        parts = [self.model.predict_proba(features, fold.members) for fold in self._folds]
        several = any(len(fold.members) > 1 for fold in self._folds)
        if not several and self.model.description.strategy != "one-vs-all":
            whole = torch.stack(parts).mean(dim=0)  # as the model would, without computing each twice
        else:
            whole = self.model.predict_proba(features)
        return torch.cat([whole, *parts], dim=1)

    def collect(
        self, prepared: PreparedRecord, windows: Float32Array, audible: Sequence[BoolArray]
    ) -> RecordScores:
        """Return the scores of a record from those of all its windows.

        Parameters
        ----------
        prepared : PreparedRecord
            The record.
        windows : ndarray of float32, shape (n_windows, columns)
            The result of `compute` for its windows, in their order; of streams, n_windows * n_streams rows.
        audible : sequence of ndarray of bool, shape (streams, n)
            For streams: which are audible in which windows, chunk by chunk.

        Returns
        -------
        RecordScores
        """
        if prepared.stereo:
            mask = np.concatenate(audible, axis=1)
            by_stream = windows.reshape(mask.shape[1], mask.shape[0], -1).transpose(1, 0, 2)
            mean, windows = merge_streams(by_stream, mask)
        else:
            mean = windows.mean(axis=0)
        classes = len(self.model.labels)
        parts = []
        for block, fold in enumerate(self._folds, 1):
            columns = [block * classes + column for column in fold.columns]
            parts.append(FoldScores(fold, self._aggregated(mean, windows, columns), windows[:, columns]))
        mean = self._aggregated(mean, windows, list(range(classes)))
        embeddings = windows[:, classes:] if self._embeds else None
        windows = windows[:, :classes]
        length = prepared.record.at_rate(self.sampling_rate).num_samples
        starts = np.array([samples_to_seconds(start, self.sampling_rate) for start in prepared.starts])
        if prepared.from_features:
            durations = np.array([prepared.record.duration])
        else:
            ends = (min(start + self.window, length) for start in prepared.starts)
            spans = (end - start for start, end in zip(prepared.starts, ends, strict=True))
            durations = np.array([samples_to_seconds(span, self.sampling_rate) for span in spans])
        return RecordScores(mean, windows, starts, durations, tuple(parts), embeddings)

    def _aggregated(self, mean: Float32Array, windows: Float32Array, columns: list[int]) -> Float32Array:
        """Return the scores of the whole record, for some columns."""
        if (aggregation := self.model.description.aggregation) == "mean":
            return mean[columns]
        return aggregate(windows[:, columns], aggregation).astype(np.float32)


def _out_of_memory(error: RuntimeError) -> bool:
    """Return whether the device, or the allocator of the CPU, has run out of memory."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate" in text
