"""Scoring: metrics on matrices, evaluation of records, and how the result is shown."""

from .collect import Collected, LabelledScores, collect
from .evaluate import evaluate
from .judge import judge
from .metrics import average_precision, lrap, precision_recall_f1, roc_auc, top1
from .resample import Resampling
from .result import SCORES_SCHEMA, ClassScores, Overall, ScoreReport
from .table import format_table

__all__ = [
    "SCORES_SCHEMA",
    "ClassScores",
    "Collected",
    "LabelledScores",
    "Overall",
    "Resampling",
    "ScoreReport",
    "average_precision",
    "collect",
    "evaluate",
    "format_table",
    "judge",
    "lrap",
    "precision_recall_f1",
    "roc_auc",
    "top1",
]
