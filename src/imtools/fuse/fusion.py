"""A fusion that has been settled: which models, by which rule, under which name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ManifestError
from ..manifest import Prediction
from .rules import Rule, fuse_scores
from .table import ScoresByModel


@dataclass(frozen=True, slots=True)
class Fusion:
    """What becomes of the scores of an item.

    Attributes
    ----------
    name : str
        The model that the fused predictions name.
    models : tuple of str
        The m models.
    classes : tuple of str
        The k classes.
    rule : str
        See `fuse_scores`.
    weights : tuple of float or None
        Of the models.
    limits : ndarray of float64, shape (m, k), or None
        Thresholds of the models; anything for a class that a model does not know.
    partial : bool
        Whether to fuse what there is where a model says nothing of an item, or of a class.
    """

    name: str
    models: tuple[str, ...]
    classes: tuple[str, ...]
    rule: Rule
    weights: tuple[float, ...] | None = None
    limits: NDArray[np.float64] | None = None
    partial: bool = False

    def fuse(self, item: str, scores: ScoresByModel) -> list[Prediction]:
        """Return the fused predictions for an item, with scores of six digits.

        Parameters
        ----------
        item : str
            Its id, for errors.
        scores : dict
            What the models say of it, by model and class.

        Raises
        ------
        ManifestError
            If a model says nothing of the item or of a class (with ``partial``: if all of them do).
        """
        self._check(item, scores)
        matrix = np.array(
            [[scores.get(model, {}).get(label, np.nan) for label in self.classes] for model in self.models]
        )
        fused = fuse_scores(matrix, self.rule, weights=self.weights, limits=self.limits)
        present = [None] * len(self.classes) if fused.present is None else fused.present.tolist()
        return [
            Prediction(self.name, label, round(score, 6), present=yes)
            for label, score, yes in zip(self.classes, fused.scores.tolist(), present, strict=True)
            if score == score
        ]

    def _check(self, item: str, scores: ScoresByModel) -> None:
        missing = [model for model in self.models if model not in scores]
        if len(missing) == len(self.models) or (missing and not self.partial):
            raise lacking(item, missing)
        if self.partial:
            return
        for model in self.models:
            if bare := [label for label in self.classes if label not in scores[model]]:
                what = f"record {item}: model {model} has no score for {', '.join(bare)}"
                raise ManifestError(what, "predict again, or add --partial")


def lacking(item: str, models: Sequence[str]) -> ManifestError:
    """Return the error of an item that some models say nothing of."""
    what = f"record {item}: lacks predictions of {', '.join(models)}"
    return ManifestError(what, "let every model predict for it, or add --partial to fuse what there is")


def merged(item: str, sources: Mapping[str, ScoresByModel]) -> ScoresByModel:
    """Return the scores of an item from several sources, which are named by the keys.

    Raises
    ------
    ManifestError
        If two sources give one model's score for one class differently.
    """
    whole: ScoresByModel = {}
    for source, scores in sources.items():
        for model, labels in scores.items():
            held = whole.setdefault(model, {})
            if differing := [label for label, score in labels.items() if held.get(label, score) != score]:
                what = f"record {item}: {source} gives model {model} another score for {differing[0]}"
                raise ManifestError(what, "give each model's predictions once")
            held.update(labels)
    return whole
