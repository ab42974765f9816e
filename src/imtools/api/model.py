"""Recognize the instruments in files and arrays, with one call or with a loaded model.

The commands use the same functions: `recognize` gives the numbers of ``im-predict``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from ..arrays import Float32Array
from ..choices import Precision
from ..device import resolve_device, resolve_precision
from ..errors import ImtoolsError, UsageError, is_fatal
from ..layouts import Entry
from ..manifest import Record, make_id
from ..models.bundle import TrainedModel, load, read_card
from ..parallel import default_jobs, ordered_map
from ..predict.annotate import PredictionOutput
from ..predict.predictor import PredictSettings
from ..predict.recognition import Recognition
from ..predict.recognizer import PreparedExcerpt, Recognizer
from ..sound.excerpt import Excerpt
from ..units import is_count
from .sources import Source, expand_source, is_several, open_source, source_name

PathLike = str | os.PathLike[str]

FailureCallback = Callable[[str, Exception], None]

_GROUP = 64
"""Maximum number of sources that are scored together."""


class PredictOptions(TypedDict, total=False):
    """The options of `Model.predict`."""

    timeline: bool
    windows: bool
    top: int | None
    excerpt: float | Excerpt | None
    hop: float | None
    stereo: bool | None
    batch_size: int
    jobs: int | None
    on_failure: FailureCallback | None


@overload
def recognize(  # type: ignore[overload-overlap]
    source: Source,
    model: PathLike | Sequence[PathLike] | Model = ...,
    *,
    device: str = ...,
    precision: Precision = ...,
    **options: Unpack[PredictOptions],
) -> Recognition: ...


@overload
def recognize(
    source: Iterable[Source],
    model: PathLike | Sequence[PathLike] | Model = ...,
    *,
    device: str = ...,
    precision: Precision = ...,
    **options: Unpack[PredictOptions],
) -> list[Recognition]: ...


def recognize(
    source: Source | Iterable[Source],
    model: PathLike | Sequence[PathLike] | Model = "bundled",
    *,
    device: str = "auto",
    precision: Precision = "auto",
    **options: Unpack[PredictOptions],
) -> Recognition | list[Recognition]:
    """Recognize the instruments in recordings.

    Parameters
    ----------
    source : path, (array_like, int), Record, or iterable of these
        An audio file; samples of shape (n,) or (channels, n), full scale 1, with their sampling rate in Hz;
        or a record. An iterable of these may also hold folders of audio files, and manifests.
    model : path, sequence of path, or Model
        A model directory, ``"bundled"`` for the model that comes with imtools, several directories whose
        scores are averaged, or what `load_model` returned.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; ignored if the model is already loaded.
    precision : {"auto", "fp32", "bf16"}
        Arithmetic of the nets; ignored if the model is already loaded.
    **options
        ``timeline``, ``windows``, ``top``, ``excerpt`` and the other options of `Model.predict`.

    Returns
    -------
    Recognition, or list of Recognition
        A list, in the order of the sources, if the source is an iterable of sources.

    Raises
    ------
    AudioError
        If a file cannot be decoded.
    ModelError
        If the model cannot be loaded.
    UsageError
        If the source or an option is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> time = np.arange(3 * 22050) / 22050
    >>> result = recognize((0.1 * np.sin(2 * np.pi * 440 * time), 22050))
    >>> len(result.scores), result.present
    (11, [])
    """
    if not isinstance(model, Model):
        model = load_model(model, device=device, precision=precision)
    return model.predict(source, **options)


def load_model(
    model: PathLike | Sequence[PathLike] = "bundled", *, device: str = "auto", precision: Precision = "auto"
) -> Model:
    """Load a trained model.

    Parameters
    ----------
    model : path or sequence of path
        A model directory, ``"bundled"`` for the model that comes with imtools, or several directories whose
        scores are averaged.
    device : str
        ``"auto"`` (the first GPU if there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
    precision : {"auto", "fp32", "bf16"}
        Arithmetic of the nets.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If a file of the model is missing or damaged.
    UsageError
        If there is no such device.

    Examples
    --------
    >>> load_model().classes[:3]
    ['cel', 'cla', 'flu']
    """
    folders = [model] if isinstance(model, str | os.PathLike) else list(model)
    place = resolve_device(device)
    dtype = resolve_precision(precision, place)
    return Model([load(folder, place, dtype) for folder in folders], folders)


class Model:
    """One or several trained models, ready to recognize instruments; `load_model` makes it.

    Parameters
    ----------
    models : sequence of imtools.models.bundle.TrainedModel
        On their device; the scores of several are averaged.
    folders : sequence of path
        Where they were loaded from.

    Attributes
    ----------
    name : str
        Name of the model and the beginning of its hash; of several, of their mean.
    classes : list of str
        The classes, in the order of the scores.
    """

    def __init__(self, models: Sequence[TrainedModel], folders: Sequence[PathLike]) -> None:
        if not models:
            raise UsageError("there is no model", "name one model directory or more")
        self._models, self._folders = list(models), list(folders)
        self._recognizers: dict[Hashable, Recognizer] = {}
        self.classes = list(dict.fromkeys(label for model in models for label in model.labels))
        self.name = self._recognizer(PredictSettings(), PredictionOutput()).name

    def __repr__(self) -> str:
        return f"<imtools.Model {self.name}: {', '.join(self.classes)}>"

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The lowest score at which each class is present; of one model only."""
        (model,) = self._models
        return dict(zip(model.labels, model.description.thresholds, strict=True))

    @property
    def card(self) -> str:
        """Description, scores and limits of the models, in Markdown."""
        return "\n".join(map(read_card, self._folders))

    @overload
    def predict(  # type: ignore[overload-overlap]
        self, source: Source, **options: Unpack[PredictOptions]
    ) -> Recognition: ...

    @overload
    def predict(self, source: Iterable[Source], **options: Unpack[PredictOptions]) -> list[Recognition]: ...

    def predict(
        self,
        source: Source | Iterable[Source],
        *,
        timeline: bool = False,
        windows: bool = False,
        top: int | None = None,
        excerpt: float | Excerpt | None = None,
        hop: float | None = None,
        stereo: bool | None = None,
        batch_size: int = 128,
        jobs: int | None = None,
        on_failure: FailureCallback | None = None,
    ) -> Recognition | list[Recognition]:
        """Recognize the instruments in recordings.

        Parameters
        ----------
        source : path, (array_like, int), Record, or iterable of these
            As for `recognize`.
        timeline, windows : bool
            Also give the time spans in which each class is present, or the scores of the windows; not both.
        top : int, optional
            Give only this many classes, those with the highest scores.
        excerpt : float or Excerpt, optional
            Score only this many seconds from the middle of each recording, or the excerpt.
        hop : float, optional
            Distance between windows in seconds, instead of the model's own.
        stereo : bool, optional
            Whether to score left, right, middle and side of two-channel recordings separately, instead of
            what the model prescribes.
        batch_size : int
            Windows computed at once.
        jobs : int, optional
            Threads that decode; by default one per processor.
        on_failure : callable, optional
            For an iterable of sources: called with the name of a source and the error if it cannot be scored;
            it is then left out of the list. By default the error is raised.

        Returns
        -------
        Recognition, or list of Recognition
            A list, in the order of the sources, if the source is an iterable of sources.

        Raises
        ------
        AudioError
            If a file cannot be decoded.
        UsageError
            If the source or an option is wrong.
        """
        output = PredictionOutput(windows, timeline, top, _excerpt(excerpt))
        recognizer = self._recognizer(PredictSettings(hop, stereo, batch_size), output)
        several = is_several(source)
        results = [
            Recognition.from_record(record, self.name, timeline=timeline, windows=windows)
            for record in _annotated(recognizer, source, jobs, on_failure if several else None)
        ]
        return results if several else results[0]

    def embed(
        self,
        source: Source | Iterable[Source],
        *,
        windows: bool = False,
        excerpt: float | Excerpt | None = None,
        hop: float | None = None,
        batch_size: int = 128,
        jobs: int | None = None,
    ) -> Float32Array:
        """Return embeddings: the input of the net's last layer, averaged over the windows of a recording.

        Parameters
        ----------
        source : path, (array_like, int), Record, or iterable of these
            As for `recognize`.
        windows : bool
            For a single source, return the embedding of each window instead.
        excerpt, hop, batch_size, jobs
            As for `predict`.

        Returns
        -------
        ndarray of float32
            Shape (units,) for one source, (n_windows, units) for its windows, (n_sources, units) for several.

        Raises
        ------
        ModelError
            If the model has no net that knows all classes.
        UsageError
            If there are several models, or the windows of several sources are requested.
        """
        several = is_several(source)
        if len(self._models) > 1 or (several and windows):
            what = "several models" if len(self._models) > 1 else "the windows of several sources"
            raise UsageError(f"{what} have no common embedding", "take one at a time")
        settings = PredictSettings(hop, False, batch_size, embeddings=True)
        recognizer = self._recognizer(settings, PredictionOutput(windows=windows, excerpt=_excerpt(excerpt)))
        vectors = [
            [one["vector"] for one in record.extra["embeddings"] if one["model"] == self.name]
            for record in _annotated(recognizer, source, jobs, None)
        ]
        if not vectors:
            raise UsageError("there are no sources to embed", "give one or more")
        rows = np.array(vectors, dtype=np.float32)  # (n_sources, n_windows or 1, units)
        if several:
            return rows[:, 0]
        result: Float32Array = rows[0] if windows else rows[0, 0]
        return result

    def _recognizer(self, settings: PredictSettings, output: PredictionOutput) -> Recognizer:
        """Return the recognizer with these settings, made once."""
        key = (settings, output)
        if key not in self._recognizers:
            self._recognizers[key] = Recognizer(self._models, settings, output)
        return self._recognizers[key]


def _excerpt(excerpt: float | Excerpt | None) -> Excerpt | None:
    return excerpt if isinstance(excerpt, Excerpt | None) else Excerpt(float(excerpt))


@dataclass(frozen=True, slots=True)
class _Failed:
    """A source that could not be listed."""

    name: str
    error: Exception


def _annotated(
    recognizer: Recognizer, source: Any, jobs: int | None, on_failure: FailureCallback | None
) -> Iterator[Record]:
    """Yield the record of each source with its predictions, in order; a bounded number is in memory."""
    if jobs is not None and not is_count(jobs):
        raise UsageError(f"`jobs` is {jobs!r}", "give a whole number above 0")
    jobs = jobs or default_jobs()

    def listed() -> Iterator[Source | Entry | _Failed]:
        for single in source:
            try:
                yield from expand_source(single)
            except ImtoolsError as error:
                if on_failure is None:
                    raise
                yield _Failed(source_name(single), error)

    def prepare(
        source: Source | Entry | _Failed,
    ) -> tuple[str, Record, PreparedExcerpt] | tuple[str, Exception]:
        if isinstance(source, _Failed):
            return source.name, source.error
        try:
            record, file = open_source(source)
            return source_name(source), record, recognizer.prepare(record, file=file)
        except Exception as error:
            if on_failure is None or is_fatal(error):
                raise
            return source_name(source), error

    several = is_several(source)
    sources: Iterable[Source | Entry | _Failed] = listed() if several else [source]
    prepared = ordered_map(prepare, sources, jobs if several else 1, _GROUP)
    seen: set[str] = set()
    while group := list(islice(prepared, _GROUP)):
        good = [one for one in group if len(one) == 3]
        records, excerpts = [one[1] for one in good], [one[2] for one in good]
        results = iter(recognizer.annotate(records, excerpts, threads=jobs))
        for one in group:
            result = one[1] if len(one) == 2 else next(results)
            if isinstance(result, Exception):
                if on_failure is None:
                    raise result
                on_failure(one[0], result)
                continue
            if result.id in seen:  # files of one name in different folders
                result = result.replace(id=make_id(f"{result.id} {result.audio or len(seen)}"))
            seen.add(result.id)
            yield result
