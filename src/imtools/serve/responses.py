"""The content of responses: the predictions for a recording, and the description of the model."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from ..manifest import Prediction, Record
from ..models.bundle import TrainedModel
from ..predict.annotate import Annotator, PredictionOutput
from ..predict.scores import RecordScores
from ..predict.timeline import timeline, top_predictions

NAMES = {
    "cel": "cello", "cla": "clarinet", "flu": "flute", "gac": "acoustic guitar", "gel": "electric guitar",
    "org": "organ", "pia": "piano", "sax": "saxophone", "tru": "trumpet", "vio": "violin", "voi": "voice",
}  # fmt: skip
"""The names of the labels of IRMAS; other labels serve as their own names."""


class FileInfo(BaseModel):
    """The recording."""

    name: str = Field(description="The name given by the client.", examples=["song.mp3"])
    seconds: float = Field(description="Its length.", examples=[183.4])
    sampling_rate: int = Field(description="Hz.", examples=[44100])


class Instrument(BaseModel):
    """An instrument among the model's classes."""

    label: str = Field(description="As in the model's labels.", examples=["pia"])
    name: str = Field(description="In plain English.", examples=["piano"])
    score: float = Field(description="How likely it is present in the recording, 0 to 1.", examples=[0.93])
    threshold: float = Field(description="The score from which it counts as present.", examples=[0.49])
    present: bool = Field(description="Whether the score reaches the threshold.")


class TimelineEntry(BaseModel):
    """A time span in which an instrument counts as present."""

    label: str = Field(examples=["pia"])
    start: float = Field(description="In seconds.", examples=[1.5])
    duration: float = Field(description="In seconds.", examples=[4.5])
    score: float = Field(description="The mean score over that time span.", examples=[0.88])


class ScoredWindows(BaseModel):
    """The scores of each window."""

    starts: list[float] = Field(description="Start of each window, in seconds.")
    durations: list[float] = Field(description="Length of each window, in seconds.")
    scores: dict[str, list[float]] = Field(description="The scores of each label, one for each window.")


class RecordingPrediction(BaseModel):
    """The predictions for a recording."""

    file: FileInfo
    model: str = Field(description="The model's name and the beginning of its hash.")
    instruments: list[Instrument] = Field(description="The highest score first.")
    timeline: list[TimelineEntry] | None = Field(None, description="Only if requested.")
    windows: ScoredWindows | None = Field(None, description="Only if requested.")


class ModelInfo(BaseModel):
    """The model of the server."""

    name: str = Field(description="Its name and the beginning of its hash.")
    architecture: str
    labels: list[str]
    names: dict[str, str] = Field(description="The names of the labels in plain English.")
    thresholds: dict[str, float] = Field(description="Scores from which an instrument counts as present.")
    sampling_rate: int = Field(description="Hz: the rate at which the model takes audio.")
    window: float = Field(description="Seconds.")
    hop: float = Field(description="Seconds from one window to the next.")
    card: str = Field(description="The model card, in Markdown.")
    limits: dict[str, float] = Field(description="Largest upload in bytes, longest recording in seconds.")


class Responses:
    """Builds responses from scores, with the numbers of ``im-predict``.

    Parameters
    ----------
    model : TrainedModel
        The model that computes the scores.
    """

    def __init__(self, model: TrainedModel) -> None:
        self._labels = model.labels
        self._name = model.name
        self.thresholds = dict(zip(model.labels, model.description.thresholds, strict=True))
        self._annotators = {
            parts: Annotator([model], PredictionOutput(windows=parts)) for parts in (False, True)
        }

    def from_scores(
        self, name: str, record: Record, scores: RecordScores, *, times: bool, windows: bool, top: int | None
    ) -> RecordingPrediction:
        """Return the response for a recording.

        Parameters
        ----------
        name : str
            Name of the recording.
        record : Record
            The recording.
        scores : RecordScores
            Of its windows.
        times, windows : bool
            Whether to add the timeline of each instrument, and the scores of each window.
        top : int or None
            Maximum number of classes, those with the highest scores; ``None``: all.
        """
        predictions = self._annotators[times or windows].annotate(record, 0.0, (scores,)).predictions
        whole = [one for one in predictions if one.start is None]
        if top is not None:
            whole = top_predictions(whole, top)
        kept = {one.label for one in whole}
        parts = [one for one in predictions if one.start is not None and one.label in kept]
        return RecordingPrediction(
            file=FileInfo(name=name, seconds=record.duration, sampling_rate=record.sampling_rate),
            model=self._name,
            instruments=[self._instrument(one) for one in sorted(whole, key=lambda one: -one.score)],
            timeline=self._timeline(parts) if times else None,
            windows=_windows(parts) if windows else None,
        )

    def _instrument(self, one: Prediction) -> Instrument:
        return Instrument(
            label=one.label,
            name=display_name(one.label),
            score=one.score,
            threshold=self.thresholds[one.label],
            present=bool(one.present),
        )

    def _timeline(self, parts: Sequence[Prediction]) -> list[TimelineEntry]:
        return [
            TimelineEntry(
                label=one.label, start=one.start or 0.0, duration=one.duration or 0.0, score=one.score
            )
            for one in timeline(parts, self.thresholds)
        ]


def display_name(label: str) -> str:
    """Return the plain English name of a label, or the label itself."""
    return NAMES.get(label, label)


def _windows(parts: Sequence[Prediction]) -> ScoredWindows:
    scores: dict[str, list[float]] = {}
    places: dict[tuple[float, float], None] = {}
    for one in parts:
        scores.setdefault(one.label, []).append(one.score)
        places[one.start or 0.0, one.duration or 0.0] = None
    return ScoredWindows(
        starts=[start for start, _ in places], durations=[length for _, length in places], scores=scores
    )
