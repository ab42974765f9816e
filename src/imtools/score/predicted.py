"""What models say of one whole record: as its predictions say, or made from those for its windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..aggregation import Aggregation, aggregate
from ..errors import ManifestError
from ..manifest import Prediction, Record


def of_whole(record: Record) -> list[Prediction]:
    """Return the predictions for the whole of a record: those without ``start`` and ``duration``.

    Raises
    ------
    ManifestError
        If a model gives a class two scores.
    """
    made = [one for one in record.predictions if one.start is None and one.duration is None]
    if len({(one.model, one.label) for one in made}) < len(made):
        raise _twice_told(record.id, made)
    return made


def _twice_told(item: str, predictions: Sequence[Prediction]) -> ManifestError:
    """Return the error of an item for which a model has given some class two scores."""
    counts = Counter((one.model, one.label) for one in predictions)
    (model, label), count = counts.most_common(1)[0]
    what = f"record {item}: model {model} gives class {label} {count} scores"
    return ManifestError(what, "give each class one score a model: predict again")


def made_of_windows(record: Record, aggregation: Aggregation) -> list[Prediction]:
    """Return predictions for the whole of a record that are made from those for its windows.

    Parameters
    ----------
    record : Record
        Its predictions with a ``start`` are those of windows.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}
        See `imtools.aggregation.aggregate`.

    Raises
    ------
    ManifestError
        If a model's windows are of different classes, or one gives a class two scores.
    """
    windows: dict[str, dict[tuple[float, float | None], list[Prediction]]] = {}
    for one in record.predictions:
        if one.start is not None:
            windows.setdefault(one.model, {}).setdefault((one.start, one.duration), []).append(one)
    made = []
    for model, places in windows.items():
        scores = [{one.label: one.score for one in place} for place in places.values()]
        for place, held in zip(places.values(), scores, strict=True):
            if len(held) < len(place):
                raise _twice_told(record.id, place)
        labels = list(scores[0])
        if any(set(held) != set(labels) for held in scores):
            what = f"record {record.id}: its windows have different classes"
            raise ManifestError(what, "run im-predict --windows again")
        whole = aggregate([[held[label] for label in labels] for held in scores], aggregation)
        made += [Prediction(model, *pair) for pair in zip(labels, whole.tolist(), strict=True)]
    return made
