"""The result of recognizing one source: scores by class, decisions, and when each class is present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Float32Array, Float64Array
from ..errors import ImtoolsError
from ..manifest import Record

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A time span throughout which a class is present.

    Attributes
    ----------
    label : str
        The class.
    start, duration : float
        In seconds.
    score : float
        Mean score over the span, 0 to 1.
    """

    label: str
    start: float
    duration: float
    score: float

    @property
    def end(self) -> float:
        """End of the span in seconds."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class WindowScores:
    """Scores of the windows of a source.

    Attributes
    ----------
    starts, durations : ndarray of float64, shape (n_windows,)
        Position of each window, in seconds.
    scores : ndarray of float32, shape (n_windows, n_classes)
        0 to 1; one column a class, in the order of `Recognition.scores`.
    """

    starts: Float64Array
    durations: Float64Array
    scores: Float32Array


@dataclass(frozen=True, slots=True)
class Recognition:
    """Which instruments a model recognizes in one source.

    Attributes
    ----------
    source : str or None
        Path of the audio file; ``None`` for an array.
    duration : float
        Length of the source, in seconds.
    model : str
        Name of the model and the beginning of its hash, or the name of the mean of several.
    scores : mapping of str to float
        The score of each class, 0 to 1, in the order of the model's classes.
    present : list of str
        The classes whose scores reach their thresholds, by descending score.
    record : Record
        The record with its predictions, as im-predict writes it.
    timeline : list of TimeSpan or None
        When each class is present, if requested.
    windows : WindowScores or None
        The scores of the windows, if requested.
    """

    source: str | None
    duration: float
    model: str
    scores: Mapping[str, float]
    present: list[str]
    record: Record = field(repr=False, compare=False)
    timeline: list[TimeSpan] | None = None
    windows: WindowScores | None = field(default=None, compare=False)

    @classmethod
    def from_record(
        cls, record: Record, model: str, *, timeline: bool = False, windows: bool = False
    ) -> Recognition:
        """Return the predictions of a model that a record carries.

        Parameters
        ----------
        record : Record
            With predictions, as `Recognizer.annotate` returns it.
        model : str
            The model of the predictions.
        timeline, windows : bool
            Whether the predictions with times are time spans, or scores of windows.
        """
        own = [prediction for prediction in record.predictions if prediction.model == model]
        whole = [prediction for prediction in own if prediction.start is None]
        timed = [prediction for prediction in own if prediction.start is not None]
        by_score = sorted(whole, key=lambda prediction: -prediction.score)
        return cls(
            source=record.audio,
            duration=record.duration,
            model=model,
            scores={prediction.label: prediction.score for prediction in whole},
            present=[prediction.label for prediction in by_score if prediction.present],
            timeline=[TimeSpan(p.label, p.start or 0.0, p.duration or 0.0, p.score) for p in timed]
            if timeline
            else None,
            windows=_window_scores(record, timed) if windows else None,
            record=record,
        )

    def to_frame(self) -> pandas.DataFrame:
        """Return the scores as a table; pandas has to be installed.

        Returns
        -------
        pandas.DataFrame
            A row for each class, with the columns ``label``, ``score`` and ``present``.

        Raises
        ------
        ImtoolsError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImtoolsError("pandas is not installed", "pip install pandas, or use .scores") from None
        present = set(self.present)
        rows: list[dict[str, Any]] = [
            {"label": label, "score": score, "present": label in present}
            for label, score in self.scores.items()
        ]
        return pandas.DataFrame(rows, columns=["label", "score", "present"])


def _window_scores(record: Record, timed: list[Any]) -> WindowScores:
    labels = list(dict.fromkeys(prediction.label for prediction in timed))
    columns = {label: column for column, label in enumerate(labels)}
    places: dict[tuple[float, float], list[float]] = {}
    for prediction in timed:
        row = places.setdefault((prediction.start, prediction.duration or 0.0), [np.nan] * len(labels))
        row[columns[prediction.label]] = prediction.score
    starts, durations = (np.array([key[side] for key in places], dtype=np.float64) for side in (0, 1))
    scores = np.array(list(places.values()), dtype=np.float32).reshape(len(places), len(labels))
    return WindowScores(starts, durations, scores)
