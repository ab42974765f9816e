"""The scores of a manifest by the ids of its records, held in little space."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from ..hashing import stable_hash
from ..manifest import Prediction, Record
from ..score.predicted import of_whole

ScoresByModel = dict[str, dict[str, float]]
"""The scores for one whole item, by model and class."""

_DECISIONS: tuple[bool | None, ...] = (None, False, True)


def whole_scores(record: Record) -> ScoresByModel:
    """Return what models say of a whole record: its predictions without ``start`` and ``duration``.

    Raises
    ------
    ManifestError
        If a model gives a class two scores.
    """
    return _by_model(of_whole(record))


def _by_model(predictions: Iterable[Prediction]) -> ScoresByModel:
    scores: ScoresByModel = {}
    for one in predictions:
        scores.setdefault(one.model, {})[one.label] = one.score
    return scores


class ScoreTable:
    """Scores and decisions of records, without the rest of them.

    Which models and classes a record has scores of is held once for all records that agree in it, so that
    a record takes 9 bytes a score, its id, and a little more.

    Parameters
    ----------
    name : str
        What to call it in messages: the manifest's name.
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
        """Take in the scores for the whole of a record.

        Raises
        ------
        ManifestError
            If a model gives a class two scores.
        """
        made = of_whole(record)
        keys = tuple((one.model, one.label) for one in made)
        if keys not in self._layouts:
            self._layouts[keys] = len(self._keys)
            self._keys.append(keys)
        decisions = bytes(_DECISIONS.index(one.present) for one in made)
        self._rows[record.id] = (self._layouts[keys], array("d", [one.score for one in made]), decisions)

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

    def of(self, item: str) -> ScoresByModel:
        """Return the scores of a record by its id; nothing if it is not there."""
        return _by_model(self.predictions(item))

    def digest(self, item: str) -> str:
        """Return a hash of what is held of a record."""
        return stable_hash([[p.model, p.label, p.score, p.present] for p in self.predictions(item)])[:16]
