"""A fusion: the models, the rule that combines them, and the name of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Float64Array
from ..choices import Rule
from ..errors import ManifestError
from ..manifest import Prediction
from .rules import fuse_scores
from .table import ScoresByModel


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the scores of several models for an item are combined.

    Attributes
    ----------
    name : str
        The model name of the fused predictions.
    models : tuple of str
        The m models.
    classes : tuple of str
        The k classes.
    rule : str
        See `fuse_scores`.
    weights : tuple of float or None
        The weights of the models.
    thresholds : ndarray of float64, shape (m, k), or None
        Thresholds of the models; any value for a class that a model does not have.
    partial : bool
        Whether to fuse the available scores if a model has none for an item, or for a class.
    """

    name: str
    models: tuple[str, ...]
    classes: tuple[str, ...]
    rule: Rule
    weights: tuple[float, ...] | None = None
    thresholds: Float64Array | None = None
    partial: bool = False

    def fuse(self, item: str, scores: ScoresByModel) -> list[Prediction]:
        """Return the fused predictions for an item, with scores of six digits.

        Parameters
        ----------
        item : str
            The id of the item, for errors.
        scores : dict of str to dict of str to float
            The scores of the item, by model and class.

        Returns
        -------
        list of Prediction
            One for each class with a score.

        Raises
        ------
        ManifestError
            If a model has no score for the item or for a class (with ``partial``: if none has any).
        """
        self._check(item, scores)
        matrix = np.array(
            [[scores.get(model, {}).get(label, np.nan) for label in self.classes] for model in self.models]
        )
        fused = fuse_scores(matrix, self.rule, weights=self.weights, thresholds=self.thresholds)
        present = [None] * len(self.classes) if fused.present is None else fused.present.tolist()
        return [
            Prediction(self.name, label, round(score, 6), present=decision)
            for label, score, decision in zip(self.classes, fused.scores.tolist(), present, strict=True)
            if score == score  # not NaN
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
                raise ManifestError(what, "predict again, or pass `partial=True`")


def lacking(item: str, models: Sequence[str]) -> ManifestError:
    """Return the error of an item for which some models have no scores.

    Parameters
    ----------
    item : str
        Its id.
    models : sequence of str
        The models without scores.

    Returns
    -------
    ManifestError
        The error, to be raised.
    """
    what = f"record {item}: lacks predictions of {', '.join(models)}"
    return ManifestError(what, "predict with every model, or pass `partial=True` to fuse those available")


def merged(item: str, sources: Mapping[str, ScoresByModel]) -> ScoresByModel:
    """Merge the scores of an item from several sources.

    Parameters
    ----------
    item : str
        The id of the item, for errors.
    sources : mapping of str to dict
        The scores in each source, by model and class; the keys name the sources.

    Returns
    -------
    dict of str to dict of str to float
        All scores, by model and class.

    Raises
    ------
    ManifestError
        If two sources have different scores of one model for one class.
    """
    whole: ScoresByModel = {}
    for source, scores in sources.items():
        for model, labels in scores.items():
            held = whole.setdefault(model, {})
            if differing := [label for label, score in labels.items() if held.get(label, score) != score]:
                what = f"record {item}: {source} gives model {model} a different score for {differing[0]}"
                raise ManifestError(what, "give each model's predictions once")
            held.update(labels)
    return whole
