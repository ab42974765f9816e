"""Applying a model to records: prepared one by one in workers, scored in batches across records."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..aggregation import aggregate
from ..arrays import BoolArray, Float32Array
from ..clock import current_clock
from ..device import tune_malloc
from ..errors import ImtoolsWarning, UsageError
from ..features.store import FeatureReader
from ..manifest import Record
from ..models.bundle import Model
from ..sound.stereo import cut_stream_windows, merge_streams
from ..sound.windows import WINDOWS_AT_ONCE, CutWindows, cut_windows, window_starts
from ..units import samples_to_seconds, seconds_to_samples
from .batching import score_together
from .cores import compute_on_cores
from .scores import FoldScores, Prepared, RecordScores, folds_of

Cuttings = dict[tuple[int, int, int, bool], tuple[Iterable[Float32Array], range]]
"""Windows of a record and where they begin, by sampling rate, window, hop, and whether streams are apart."""


class Predictor:
    """Scores records with a model.

    Parameters
    ----------
    model : Model
        On its device.
    hop : float, optional
        Distance between windows in seconds, instead of the model's own.
    stereo : bool, optional
        Hear left, right, middle and side of records with two channels apart, or do not, instead of what the
        model says.
    batch_size : int
        Windows that are computed at once.
    held_out : bool
        Score a record that has a fold with the members that were not trained on that fold, only.
    members : bool
        Give the scores of the members too, fold by fold.
    embeddings : bool
        Give the embedding of each window too: what the nets make of it just before their last layer.

    Attributes
    ----------
    model : Model
        As given.
    sampling_rate : int
        Hz: of the waveforms that it takes.
    window, hop : int
        Length of the windows and the distance between them, in samples.
    stereo : bool
        Whether it hears streams apart.
    batch_size : int
        Windows that are computed at once; halved where memory runs out.

    Raises
    ------
    UsageError
        If the hop is not above 0, or the scores of members are asked for where they have no folds, or where
        only some are to be asked, or embeddings together with either, or of streams.
    """

    def __init__(
        self,
        model: Model,
        *,
        hop: float | None = None,
        stereo: bool | None = None,
        batch_size: int = 128,
        held_out: bool = False,
        members: bool = False,
        embeddings: bool = False,
    ) -> None:
        description = model.description
        if hop is not None and not hop > 0:
            raise UsageError(f"a hop of {hop:g} s makes no progress", "give one above 0")
        if members and held_out:
            raise UsageError("--members and --held-out do not go together", "choose one of them")
        if embeddings and (members or held_out):
            what = f"--{'members' if members else 'held-out'} and --embeddings do not go together"
            raise UsageError(what, "choose one of them")
        self._folds = folds_of(model) if members else []
        if model.device.type == "cpu":
            tune_malloc()
        self.model = model
        self.batch_size, self._held_out = batch_size, held_out
        self.stereo = description.stereo if stereo is None else stereo
        if embeddings and self.stereo:
            raise UsageError("streams that are heard apart have no embedding in common", "add --mono")
        self._embeds = embeddings
        # Embeddings are caught on their way through the nets, which one thread at a time may do.
        self._in_lanes = model.device.type == "cpu" and not embeddings
        self._front_end = description.build_front_end().to(model.device)
        self.sampling_rate, self.window = description.sampling_rate, description.window_samples
        self.hop = description.hop_samples
        if hop is not None:
            self.hop = max(1, seconds_to_samples(hop, self.sampling_rate))

    def prepare(self, record: Record, cut: Cuttings | None = None) -> Prepared:
        """Read what is to be scored of one record; may run in a worker thread.

        Features of the model's own front end and shape are taken as they are, as one window; otherwise
        the audio is cut into windows. Those of a long record are only cut while it is scored, so that
        memory does not grow with its length.

        Parameters
        ----------
        record : Record
            With features or audio.
        cut : dict, optional
            What other predictors have cut of this record already: those who want the same windows share them.

        Raises
        ------
        FeatureError
            If the record has neither such features nor audio.
        AudioError
            If its audio cannot be decoded.
        ModelError
            If held-out scores are asked for, and every member was trained on the record's fold.
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
            return Prepared(record, members, True, False, [row[None]], range(1))
        key = (self.sampling_rate, self.window, self.hop, self.stereo)
        if cut is None or key not in cut:
            cutting = cut_stream_windows if self.stereo else cut_windows
            chunks: Iterable[Float32Array] = CutWindows(
                cutting, record, self.sampling_rate, self.window, self.hop
            )
            starts = window_starts(record.at_rate(self.sampling_rate).num_samples, self.window, self.hop)
            if len(starts) <= WINDOWS_AT_ONCE:
                chunks = list(chunks)
            cut = {} if cut is None else cut
            cut[key] = chunks, starts
        chunks, starts = cut[key]
        return Prepared(record, members, False, self.stereo, chunks, starts)

    def score(self, prepared: Sequence[Prepared]) -> list[RecordScores | Exception]:
        """Score some records with this model alone; see `score_together`."""
        results = score_together([self], [(one,) for one in prepared])
        return [one if isinstance(one, Exception) else one[0] for one in results]

    def compute(
        self, windows: Sequence[Float32Array], from_features: bool, members: tuple[int, ...] | None
    ) -> Float32Array:
        """Return the answers of `_scores`, (n, columns); of half as many at once where memory runs out."""
        batch = torch.from_numpy(np.stack(windows))
        try:
            return self._computed(batch, from_features, members)
        except RuntimeError as error:
            if not _out_of_memory(error) or len(batch) == 1:
                raise
        self.batch_size = max(1, self.batch_size // 2)
        message = f"out of memory: from here on {self.batch_size} windows are computed at once"
        warnings.warn(ImtoolsWarning(message), stacklevel=2)
        return np.concatenate(
            [self._computed(half, from_features, members) for half in torch.chunk(batch, 2)]
        )

    def _computed(self, batch: Tensor, from_features: bool, members: tuple[int, ...] | None) -> Float32Array:
        """Return the scores of a batch that memory has room for."""
        spent: list[tuple[float, float]] = []  # seconds for each part: in the front end, and in all

        @torch.inference_mode()
        def compute(part: Tensor) -> Tensor:
            begin = heard = time.perf_counter()
            if not from_features:
                part = self._front_end(part)
                heard = time.perf_counter()  # on a GPU: it has been asked for
            scores = self._scores(part, members)
            spent.append((heard - begin, time.perf_counter() - begin))
            return scores

        begin = time.perf_counter()
        scores: Float32Array = (
            compute_on_cores(compute, batch) if self._in_lanes else compute(batch)
        ).numpy()
        if not from_features:
            in_front, in_all = map(sum, zip(*spent, strict=True))
            current_clock().set_apart("front end", in_front / in_all * (time.perf_counter() - begin))
        return scores

    def _scores(self, features: Tensor, members: tuple[int, ...] | None) -> Tensor:
        """Return the scores of the model, and beside them those of each fold's members, or embeddings."""
        if self._embeds:
            return torch.cat(self.model.predict_with_embeddings(features, members), dim=1)
        if not self._folds:
            return self.model.predict_proba(features, members)
        parts = [self.model.predict_proba(features, fold.members) for fold in self._folds]
        several = any(len(fold.members) > 1 for fold in self._folds)
        if not several and self.model.description.strategy != "one-vs-all":
            whole = torch.stack(parts).mean(dim=0)  # as the model would, without asking each twice
        else:
            whole = self.model.predict_proba(features)
        return torch.cat([whole, *parts], dim=1)

    def collect(self, one: Prepared, windows: Float32Array, sounding: Sequence[BoolArray]) -> RecordScores:
        """Return the scores of a record from those of all its windows, in their order."""
        if one.stereo:
            sounds = np.concatenate(sounding, axis=1)
            by_stream = windows.reshape(sounds.shape[1], sounds.shape[0], -1).transpose(1, 0, 2)
            mean, windows = merge_streams(by_stream, sounds)
        else:
            mean = windows.mean(axis=0)
        classes = len(self.model.labels)
        parts = []
        for place, fold in enumerate(self._folds, 1):
            columns = [place * classes + column for column in fold.columns]
            parts.append(FoldScores(fold, self._aggregated(mean, windows, columns), windows[:, columns]))
        mean = self._aggregated(mean, windows, list(range(classes)))
        embeddings = windows[:, classes:] if self._embeds else None
        windows = windows[:, :classes]
        length = one.record.at_rate(self.sampling_rate).num_samples
        starts = np.array([samples_to_seconds(start, self.sampling_rate) for start in one.starts])
        if one.from_features:
            durations = np.array([one.record.duration])
        else:
            ends = (min(start + self.window, length) for start in one.starts)
            spans = (end - start for start, end in zip(one.starts, ends, strict=True))
            durations = np.array([samples_to_seconds(span, self.sampling_rate) for span in spans])
        return RecordScores(mean, windows, starts, durations, tuple(parts), embeddings)

    def _aggregated(self, mean: Float32Array, windows: Float32Array, columns: list[int]) -> Float32Array:
        """Return the scores of a record from those of its windows, for some columns."""
        if (aggregation := self.model.description.aggregation) == "mean":
            return mean[columns]
        return aggregate(windows[:, columns], aggregation).astype(np.float32)


def _out_of_memory(error: RuntimeError) -> bool:
    """Whether the device, or the allocator of the CPU, has refused."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate" in text
