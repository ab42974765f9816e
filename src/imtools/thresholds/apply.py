"""Applying thresholds: which predictions for whole items count as present."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..errors import ImtoolsWarning
from ..manifest import Prediction, Record
from ..score.model_names import member_of
from ..score.predicted import is_for_whole_item
from .file import Thresholds, ThresholdsFile
from .sketch import OverlapCounter, Seen


class ThresholdMarker:
    """Marks in records which predictions for whole items count as present.

    Parameters
    ----------
    file : ThresholdsFile
        The thresholds. Predictions of models and classes without a threshold stay as they are.
    """

    def __init__(self, file: ThresholdsFile) -> None:
        self._file = file
        self._found: dict[str, Thresholds | None] = {}
        self._missing: set[tuple[str, str]] = set()
        self._counters: dict[Seen, OverlapCounter] = {}

    def mark(self, record: Record) -> Record:
        """Return a record whose predictions have ``present``."""
        return record.replace(predictions=[self._marked(one) for one in record.predictions])

    def count(self, record: Record) -> None:
        """Count a record, marked now or before, for the warning about records used for fitting."""
        found = (self._thresholds(model) for model in {one.model for one in record.predictions})
        for seen in {thresholds.seen for thresholds in found if thresholds is not None}:
            self._counters.setdefault(seen, OverlapCounter(seen)).add(record.id, record.groups)

    def warn(self) -> None:
        """Warn if the thresholds were fitted on some of the records, or did not apply to some or any."""
        for overlap in (counter.result() for counter in self._counters.values()):
            if overlap:
                warnings.warn(ImtoolsWarning(overlap.warning()), stacklevel=2)
        if self._missing:
            pairs = ", ".join(f"{label} of {model}" for model, label in sorted(self._missing))
            what = f"{self._file.name}: has no threshold for {pairs}: these predictions stay as they are"
            warnings.warn(ImtoolsWarning(what), stacklevel=2)
        if self._found and not any(self._found.values()):
            what = f"{self._file.name}: no predictions of {', '.join(self._file.models)} to apply them to"
            warnings.warn(ImtoolsWarning(what), stacklevel=2)

    def _marked(self, prediction: Prediction) -> Prediction:
        if not is_for_whole_item(prediction):
            return prediction
        thresholds = self._thresholds(prediction.model)
        if thresholds is None:
            return prediction
        if prediction.label not in thresholds.classes:
            self._missing.add((member_of(prediction.model)[0], prediction.label))
            return prediction
        return replace(prediction, present=prediction.score >= thresholds.classes[prediction.label])

    def _thresholds(self, model: str) -> Thresholds | None:
        if model not in self._found:
            self._found[model] = self._file.find(model)
        return self._found[model]


def apply_thresholds(records: Iterable[Record], file: ThresholdsFile) -> Iterator[Record]:
    """Yield records in which predictions for whole items are marked as present or absent.

    Parameters
    ----------
    records : iterable of Record
        Records with predictions.
    file : ThresholdsFile
        The thresholds. Predictions of models and classes without a threshold stay as they are.

    Yields
    ------
    Record
        A copy of each record, whose predictions have ``present``.

    Warns
    -----
    ImtoolsWarning
        At the end, as `ThresholdMarker.warn`; and as `ThresholdsFile.find`.

    Examples
    --------
    >>> file = ThresholdsFile({"net@1f3a": Thresholds("net@1f3a", {"flu": 0.4}, "f1", items=90)})
    >>> prediction = Prediction("net@1f3a", "flu", 0.45)
    >>> record = Record("song", "song.wav", 0.0, 1.0, 22050, 22050, predictions=[prediction])
    >>> [marked.predictions[0].present for marked in apply_thresholds([record], file)]
    [True]
    """
    marker = ThresholdMarker(file)
    for record in records:
        marker.count(record)
        yield marker.mark(record)
    marker.warn()
