"""Predictions for whole items: those in a record, or made from the predictions for its windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..aggregation import aggregate
from ..choices import Aggregation
from ..errors import ManifestError
from ..manifest import Prediction, Record


def is_for_whole_item(prediction: Prediction) -> bool:
    """Return whether a prediction is for the whole item: it has neither ``start`` nor ``duration``."""
    return prediction.start is None and prediction.duration is None


def item_predictions(record: Record, aggregation: Aggregation | None = None) -> list[Prediction]:
    """Return the predictions for the whole of a record.

    Parameters
    ----------
    record : Record
        A record with predictions of any number of models.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Make them from the predictions for windows, those with a ``start``; see
        `imtools.aggregation.aggregate`. Without it they are those without ``start`` and ``duration``.

    Returns
    -------
    list of Prediction
        One for each model and class.

    Raises
    ------
    ManifestError
        If a model gives a class two scores, or its windows have different classes.

    Examples
    --------
    >>> windows = [Prediction("net@1f3a", "flu", score, start, 1.0) for start, score in enumerate([0.2, 0.8])]
    >>> record = Record("song", "song.wav", 0.0, 2.0, 22050, 44100, predictions=windows)
    >>> [prediction.score for prediction in item_predictions(record, "mean")]
    [0.5]
    >>> item_predictions(record)
    []
    """
    if aggregation is not None:
        return _from_windows(record, aggregation)
    whole = [prediction for prediction in record.predictions if is_for_whole_item(prediction)]
    if len({(prediction.model, prediction.label) for prediction in whole}) < len(whole):
        raise _repeated(record.id, whole)
    return whole


def _from_windows(record: Record, aggregation: Aggregation) -> list[Prediction]:
    windows: dict[str, dict[tuple[float, float | None], list[Prediction]]] = {}
    for one in record.predictions:
        if one.start is not None:
            windows.setdefault(one.model, {}).setdefault((one.start, one.duration), []).append(one)
    whole = []
    for model, by_place in windows.items():
        scores = [{one.label: one.score for one in window} for window in by_place.values()]
        for window, by_label in zip(by_place.values(), scores, strict=True):
            if len(by_label) < len(window):
                raise _repeated(record.id, window)
        labels = list(scores[0])
        if any(set(by_label) != set(labels) for by_label in scores):
            what = f"record {record.id}: its windows have different classes"
            raise ManifestError(what, "run im-predict with `windows` again")
        aggregated = aggregate([[by_label[label] for label in labels] for by_label in scores], aggregation)
        whole += [Prediction(model, *pair) for pair in zip(labels, aggregated.tolist(), strict=True)]
    return whole


def _repeated(item: str, predictions: Sequence[Prediction]) -> ManifestError:
    """Return the error of an item for which a model gives some class two scores."""
    counts = Counter((one.model, one.label) for one in predictions)
    (model, label), count = counts.most_common(1)[0]
    what = f"record {item}: model {model} gives class {label} {count} scores"
    return ManifestError(what, "give one score for each class and model: predict again")
