"""Metrics of multi-label classification on matrices that may have unknown entries; see `imtools.metrics`."""

from .confusion import confusion_matrix
from .decisions import (
    DecisionScores,
    decide,
    decision_scores,
    precision_recall_f1,
)
from .items import exact_match, intersection_over_union
from .matrices import Ratios
from .polyphony import PolyphonyScores, scores_by_polyphony
from .ranking import (
    average_precision,
    lrap,
    lrap_items,
    roc_auc,
    top1,
    top1_items,
)

__all__ = [
    "DecisionScores",
    "PolyphonyScores",
    "Ratios",
    "average_precision",
    "confusion_matrix",
    "decide",
    "decision_scores",
    "exact_match",
    "intersection_over_union",
    "lrap",
    "lrap_items",
    "precision_recall_f1",
    "roc_auc",
    "scores_by_polyphony",
    "top1",
    "top1_items",
]
