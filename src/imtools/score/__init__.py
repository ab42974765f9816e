"""Scoring: metrics on matrices, evaluation of records, and the table of the result."""

from .evaluate import SCORES_SCHEMA, ClassScores, Overall, Scores, evaluate
from .metrics import average_precision, lrap, precision_recall_f1, roc_auc, top1
from .table import format_table

__all__ = [
    "SCORES_SCHEMA",
    "ClassScores",
    "Overall",
    "Scores",
    "average_precision",
    "evaluate",
    "format_table",
    "lrap",
    "precision_recall_f1",
    "roc_auc",
    "top1",
]
