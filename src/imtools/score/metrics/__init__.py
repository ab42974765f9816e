"""Metrics of multi-label classification on matrices that may have unknown entries.

Everywhere ``Y`` is a bool matrix of shape (n items, k classes), ``S`` the real scores of the same shape,
and ``known`` the bool mask of the entries of ``Y`` that are knowledge (``None``: all). Unknown entries
count nowhere; items or classes of which nothing is known are left out. A ratio 0/0 is 0. Without a mask
the numbers are scikit-learn's. Memory grows linearly with ``n * k``.
"""

from .confusion import confusion_matrix
from .decisions import Decisions, decide, decision_scores, precision_recall_f1
from .items import exact_match, intersection_over_union
from .levels import Level, levels
from .matrices import Ratios
from .ranking import (
    average_precision,
    lrap,
    lrap_items,
    roc_auc,
    top1,
    top1_items,
)

__all__ = [
    "Decisions",
    "Level",
    "Ratios",
    "average_precision",
    "confusion_matrix",
    "decide",
    "decision_scores",
    "exact_match",
    "intersection_over_union",
    "levels",
    "lrap",
    "lrap_items",
    "precision_recall_f1",
    "roc_auc",
    "top1",
    "top1_items",
]
