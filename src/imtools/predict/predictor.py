"""Applying a model to records: prepared one by one in workers, scored in batches across records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..aggregation import aggregate
from ..device import tune_malloc
from ..errors import UsageError
from ..features.store import FeatureReader
from ..manifest import Record
from ..models.bundle import Model
from ..units import samples_to_seconds, seconds_to_samples
from .streams import Bools, cut_stream_windows, heard, unite
from .windows import WINDOWS_AT_ONCE, CutWindows, cut_windows, window_starts

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Prepared:
    """A record that is ready to be scored.

    Attributes
    ----------
    record : Record
        The record.
    members : tuple of int or None
        The members to ask; ``None``: all.
    from_features : bool
        Whether ``chunks`` hold features (n, bins, frames) or waveforms (n, samples).
    stereo : bool
        Whether ``chunks`` hold the waveforms of streams (streams, n, samples).
    chunks : iterable of ndarray
        The windows, some at a time. Those of a long record are cut when they are asked for.
    starts : range
        Where the windows begin, in samples at the model's rate.
    """

    record: Record
    members: tuple[int, ...] | None
    from_features: bool
    stereo: bool
    chunks: Iterable[Floats]
    starts: range


@dataclass(frozen=True)
class Fold:
    """The members of a model that were held out from one fold.

    Attributes
    ----------
    number : int
        The fold.
    members : tuple of int
        Their places in the model.
    columns : tuple of int
        Of the classes that they know.
    """

    number: int
    members: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class MemberScores:
    """What the members of one fold say of a record.

    Attributes
    ----------
    fold : Fold
        Which these are.
    mean : ndarray of float32, shape (columns,)
        Of the whole record; see `Scores`.
    windows : ndarray of float32, shape (n, columns)
        Scores of each window.
    """

    fold: Fold
    mean: Floats
    windows: Floats


@dataclass(frozen=True)
class Scores:
    """What a model says of a record.

    Attributes
    ----------
    mean : ndarray of float32, shape (classes,)
        Of the whole record: that of its windows, aggregated as the model says.
    windows : ndarray of float32, shape (n, classes)
        Scores of each window.
    starts, durations : ndarray of float64, shape (n,)
        Where each window lies in the record, in seconds; one that goes beyond the end is cut there.
    members : tuple of MemberScores
        What the members say fold by fold, if that was asked for.
    """

    mean: Floats
    windows: Floats
    starts: NDArray[np.float64]
    durations: NDArray[np.float64]
    members: tuple[MemberScores, ...] = ()


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

    Raises
    ------
    UsageError
        If the hop is not above 0, or the scores of members are asked for where they have no folds, or where
        only some are to be asked.
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
    ) -> None:
        description = model.description
        if hop is not None and not hop > 0:
            raise UsageError(f"a hop of {hop:g} s makes no progress", "give one above 0")
        if members and held_out:
            raise UsageError("--members and --held-out do not go together", "choose one of them")
        self._folds = folds_of(model) if members else []
        if model.device.type == "cpu":
            tune_malloc()
        self.model = model
        self._batch_size, self._held_out = batch_size, held_out
        self._stereo = description.stereo if stereo is None else stereo
        self._front_end = description.build_front_end().to(model.device)
        self._rate, self._window = description.sampling_rate, description.window_samples
        self._hop = description.hop_samples
        if hop is not None:
            self._hop = max(1, seconds_to_samples(hop, self._rate))

    def prepare(self, record: Record) -> Prepared:
        """Read what is to be scored of one record; may run in a worker thread.

        Features of the model's own front end and shape are taken as they are, as one window; otherwise
        the audio is cut into windows. Those of a long record are only cut while it is scored, so that
        memory does not grow with its length.

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
        cutting = cut_stream_windows if self._stereo else cut_windows
        chunks: Iterable[Floats] = CutWindows(cutting, record, self._rate, self._window, self._hop)
        starts = window_starts(record.at_rate(self._rate).num_samples, self._window, self._hop)
        if len(starts) <= WINDOWS_AT_ONCE:
            chunks = list(chunks)
        return Prepared(record, members, False, self._stereo, chunks, starts)

    def score(self, prepared: Sequence[Prepared]) -> list[Scores]:
        """Score some records; windows of different records share batches.

        Parameters
        ----------
        prepared : sequence of Prepared
            What `prepare` gave. Each can be scored again, for instance alone after another failed.

        Returns
        -------
        list of Scores
            In the order of ``prepared``.
        """
        rows: list[list[Floats]] = [[] for _ in prepared]
        sounding: list[list[Bools]] = [[] for _ in prepared]
        pending: dict[tuple[bool, tuple[int, ...] | None], list[tuple[int, Floats]]] = {}
        for item, one in enumerate(prepared):
            queue = pending.setdefault((one.from_features, one.members), [])
            for window in _windows(one, sounding[item]):
                queue.append((item, window))
                if len(queue) == self._batch_size:
                    self._flush(queue, one.from_features, one.members, rows)
        for (from_features, members), queue in pending.items():
            self._flush(queue, from_features, members, rows)
        return [
            self._collect(one, np.stack(scores), heard)
            for one, scores, heard in zip(prepared, rows, sounding, strict=True)
        ]

    @torch.inference_mode()
    def _flush(
        self,
        queue: list[tuple[int, Floats]],
        from_features: bool,
        members: tuple[int, ...] | None,
        rows: list[list[Floats]],
    ) -> None:
        """Score what waits in a queue, and empty it."""
        if not queue:
            return
        batch = torch.from_numpy(np.stack([window for _, window in queue]))
        features = batch if from_features else self._front_end(batch)
        scores = self._scores(features, members).numpy()
        for (item, _), row in zip(queue, scores, strict=True):
            rows[item].append(row)
        queue.clear()

    def _scores(self, features: Tensor, members: tuple[int, ...] | None) -> Tensor:
        """Return the scores of the model, and beside them those of the members of each fold."""
        if not self._folds:
            return self.model.predict_proba(features, members)
        parts = [self.model.predict_proba(features, fold.members) for fold in self._folds]
        several = any(len(fold.members) > 1 for fold in self._folds)
        if not several and self.model.description.strategy != "one-vs-all":
            whole = torch.stack(parts).mean(dim=0)  # as the model would, without asking each twice
        else:
            whole = self.model.predict_proba(features)
        return torch.cat([whole, *parts], dim=1)

    def _collect(self, one: Prepared, windows: Floats, sounding: Sequence[Bools]) -> Scores:
        if one.stereo:
            sounds = np.concatenate(sounding, axis=1)
            by_stream = windows.reshape(sounds.shape[1], sounds.shape[0], -1).transpose(1, 0, 2)
            mean, windows = unite(by_stream, sounds)
        else:
            mean = windows.mean(axis=0)
        classes = len(self.model.labels)
        parts = []
        for place, fold in enumerate(self._folds, 1):
            columns = [place * classes + column for column in fold.columns]
            parts.append(MemberScores(fold, self._aggregated(mean, windows, columns), windows[:, columns]))
        mean = self._aggregated(mean, windows, list(range(classes)))
        windows = windows[:, :classes]
        length = one.record.at_rate(self._rate).num_samples
        starts = np.array([samples_to_seconds(start, self._rate) for start in one.starts])
        if one.from_features:
            durations = np.array([one.record.duration])
        else:
            ends = (min(start + self._window, length) for start in one.starts)
            spans = (end - start for start, end in zip(one.starts, ends, strict=True))
            durations = np.array([samples_to_seconds(span, self._rate) for span in spans])
        return Scores(mean, windows, starts, durations, tuple(parts))

    def _aggregated(self, mean: Floats, windows: Floats, columns: list[int]) -> Floats:
        """Return the scores of a record from those of its windows, for some columns."""
        if (aggregation := self.model.description.aggregation) == "mean":
            return mean[columns]
        return aggregate(windows[:, columns], aggregation).astype(np.float32)


def folds_of(model: Model) -> list[Fold]:
    """Return the folds that a model has members of, ascending.

    Raises
    ------
    UsageError
        If a member has none.
    """
    every = model.description.members
    if any(member.fold is None for member in every):
        what = f"model {model.name}: its members have no folds to tell them by"
        raise UsageError(what, "train on records with folds, or leave --members out")
    folds = []
    for number in sorted({member.fold for member in every if member.fold is not None}):
        places = tuple(i for i, member in enumerate(every) if member.fold == number)
        known = {every[i].label for i in places}
        columns = tuple(k for k, label in enumerate(model.labels) if known & {None, label})
        folds.append(Fold(number, places, columns))
    return folds


def _windows(one: Prepared, sounding: list[Bools]) -> Iterator[Floats]:
    """Yield the windows of a record; note, of streams, which of them sound in which windows."""
    for chunk in one.chunks:
        if one.stereo:
            sounding.append(heard(chunk))
            chunk = chunk.transpose(1, 0, 2).reshape(-1, chunk.shape[2])
        yield from chunk
