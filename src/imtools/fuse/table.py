"""The scores of a manifest by the ids of its records, in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from ..hashing import stable_hash
from ..manifest import Prediction, Record
from ..score.predicted import item_predictions

ScoresByModel = dict[str, dict[str, float]]
"""The scores for a whole item, by model and class."""

_DECISIONS: tuple[bool | None, ...] = (None, False, True)


def whole_scores(record: Record) -> ScoresByModel:
    """Return the scores for the whole of a record: its predictions without ``start`` and ``duration``.

    Raises
    ------
    ManifestError
        If a model gives a class two scores.
    """
    return _by_model(item_predictions(record))


def _by_model(predictions: Iterable[Prediction]) -> ScoresByModel:
    scores: ScoresByModel = {}
    for prediction in predictions:
        scores.setdefault(prediction.model, {})[prediction.label] = prediction.score
    return scores


class ScoreTable:
    """Scores and decisions of records, without their other data.

    The models and classes of a record's scores are stored once for all records with the same ones, so that
    a record takes 9 bytes for each score, its id, and a little more.

    Parameters
    ----------
    name : str
        Its name in messages: that of the manifest.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._layouts: dict[tuple[tuple[str, str], ...], int] = {}
        self._keys: list[tuple[tuple[str, str], ...]] = []
        self._rows: dict[str, tuple[int, array[float], bytes]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def add(self, record: Record) -> None:
        """Add the scores for the whole of a record.

        Raises
        ------
        ManifestError
            If a model gives a class two scores.
        """
        whole = item_predictions(record)
        keys = tuple((one.model, one.label) for one in whole)
        if keys not in self._layouts:
            self._layouts[keys] = len(self._keys)
            self._keys.append(keys)
        decisions = bytes(_DECISIONS.index(one.present) for one in whole)
        self._rows[record.id] = (self._layouts[keys], array("d", [one.score for one in whole]), decisions)

    @property
    def classes(self) -> dict[str, list[str]]:
        """The classes of each model, both in order of first appearance."""
        found: dict[str, dict[str, None]] = {}
        for keys in self._keys:
            for model, label in keys:
                found.setdefault(model, {})[label] = None
        return {model: list(labels) for model, labels in found.items()}

    def predictions(self, item: str) -> list[Prediction]:
        """Return the predictions for a record by its id; none if it is not there."""
        if item not in self._rows:
            return []
        layout, scores, decisions = self._rows[item]
        return [
            Prediction(model, label, score, present=_DECISIONS[place])
            for (model, label), score, place in zip(self._keys[layout], scores, decisions, strict=True)
        ]

    def scores(self, item: str) -> ScoresByModel:
        """Return the scores of a record by its id; none if it is not there."""
        return _by_model(self.predictions(item))

    def digest(self, item: str) -> str:
        """Return a hash of the scores and decisions of a record."""
        return stable_hash([[p.model, p.label, p.score, p.present] for p in self.predictions(item)])[:16]
