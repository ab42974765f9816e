"""The scores of a manifest by the ids of its records, held in little space."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from ..chance import stable_hash
from ..manifest import Prediction, Record

Scores = dict[str, dict[str, float]]
"""The scores for one whole item, by model and class."""


def whole_scores(record: Record) -> Scores:
    """Return what models say of a whole record: its predictions without ``start`` and ``duration``."""
    scores: Scores = {}
    for one in _whole(record.predictions):
        scores.setdefault(one.model, {})[one.label] = one.score
    return scores


class ScoreTable:
    """Scores of records, without the rest of them.

    Which models and classes a record has scores of is held once for all records that agree in it, so that
    a record takes 8 bytes a score, its id, and a little more.

    Parameters
    ----------
    name : str
        What to call it in messages: the manifest's name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._layouts: dict[tuple[tuple[str, str], ...], int] = {}
        self._keys: list[tuple[tuple[str, str], ...]] = []
        self._rows: dict[str, tuple[int, array[float]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def add(self, record: Record) -> None:
        """Take in the scores for the whole of a record."""
        scores = {(one.model, one.label): one.score for one in _whole(record.predictions)}
        keys = tuple(scores)
        if keys not in self._layouts:
            self._layouts[keys] = len(self._keys)
            self._keys.append(keys)
        self._rows[record.id] = (self._layouts[keys], array("d", scores.values()))

    @property
    def classes(self) -> dict[str, list[str]]:
        """The classes of each model, both in order of first appearance."""
        found: dict[str, dict[str, None]] = {}
        for keys in self._keys:
            for model, label in keys:
                found.setdefault(model, {})[label] = None
        return {model: list(labels) for model, labels in found.items()}

    def of(self, item: str) -> Scores:
        """Return the scores of a record by its id; nothing if it is not there."""
        scores: Scores = {}
        if item in self._rows:
            layout, values = self._rows[item]
            for (model, label), score in zip(self._keys[layout], values, strict=True):
                scores.setdefault(model, {})[label] = score
        return scores

    def digest(self, item: str) -> str:
        """Return a hash of the scores of a record."""
        return stable_hash(self.of(item))[:16]


def _whole(predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    return (one for one in predictions if one.start is None and one.duration is None)
