"""Recognition: records in, the same records with predictions out, by one or several models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..audio.load import SampleFile
from ..errors import UsageError
from ..manifest import Record
from ..models.bundle import TrainedModel
from .annotate import Annotator, PredictionOutput
from .batching import score_together
from .predictor import Predictor, PredictSettings, WindowCache
from .scores import PreparedRecord


@dataclass(frozen=True, slots=True)
class PreparedExcerpt:
    """A record, or the excerpt of it that is scored, prepared for each model.

    Attributes
    ----------
    models : tuple of PreparedRecord
        One for each model.
    begin : float
        Where the excerpt begins in the record, in seconds.
    """

    models: tuple[PreparedRecord, ...]
    begin: float


class Recognizer:
    """Adds the predictions of one or several models to records.

    Parameters
    ----------
    models : sequence of TrainedModel
        Models with equal windows share what is decoded and cut; the scores of several are averaged.
    settings : PredictSettings, optional
        How the models score.
    output : PredictionOutput, optional
        Which predictions a record gets.

    Attributes
    ----------
    name : str
        The model name in the predictions that count: of the model, or of the mean of several.

    Raises
    ------
    UsageError
        If a model is named twice or cannot score in this way, or windows, time spans or members of several
        models are requested.
    """

    def __init__(
        self,
        models: Sequence[TrainedModel],
        settings: PredictSettings | None = None,
        output: PredictionOutput | None = None,
    ) -> None:
        settings, output = settings or PredictSettings(), output or PredictionOutput()
        if len(models) > 1 and (output.windows or output.timeline or settings.members):
            hint = "predict with one model at a time, and combine the results with im-fuse"
            raise UsageError("several models give scores of whole records only", hint)
        self._output = output
        self._predictors = [Predictor(model, settings) for model in models]
        self._annotator = Annotator(models, output)
        self.name = self._annotator.name

    def seconds(self, record: Record) -> float:
        """Return the scored duration of a record, in seconds."""
        excerpt = self._output.excerpt
        return record.duration if excerpt is None else excerpt.cut(record)[0].duration

    def prepare(self, record: Record, *, file: SampleFile | None = None) -> PreparedExcerpt:
        """Read the scored part of one record; may run in a worker thread.

        Parameters
        ----------
        record : Record
            With audio, a mix recipe, or features of the model's front end.
        file : SampleFile, optional
            Source of the samples, instead of the record's ``audio``; see `imtools.sound.array`.

        Returns
        -------
        PreparedExcerpt

        Raises
        ------
        FeatureError
            If the record has neither such features nor audio.
        AudioError
            If its audio cannot be decoded.
        ModelError
            If scores of held-out members are requested, and every member was trained on the record's fold.
        """
        excerpt = self._output.excerpt
        part, begin = (record, 0.0) if excerpt is None else excerpt.cut(record, file=file)
        cache: WindowCache = {}
        return PreparedExcerpt(tuple(one.prepare(part, cache, file=file) for one in self._predictors), begin)

    def annotate(
        self, records: Sequence[Record], prepared: Sequence[PreparedExcerpt], *, threads: int = 1
    ) -> list[Record | Exception]:
        """Score a group of records together.

        Parameters
        ----------
        records : sequence of Record
            The records.
        prepared : sequence of PreparedExcerpt
            The result of `prepare` for each of them.
        threads : int
            How many long records are decoded at once.

        Returns
        -------
        list of Record, or Exception
            Each record with its predictions, or why it could not be read to its end.
        """
        scores = score_together(self._predictors, [one.models for one in prepared], threads)
        return [
            one if isinstance(one, Exception) else self._annotator.annotate(record, excerpt.begin, one)
            for record, excerpt, one in zip(records, prepared, scores, strict=True)
        ]
