"""Scoring: metrics on matrices, score reports of records, and how reports are shown.

`score_records` is what ``im-score`` runs. The metrics themselves are in `imtools.metrics`.
"""

from .collect import LabelledPredictions, LabelledScores, collect
from .evaluate import score_records
from .judge import judge
from .metrics import average_precision, lrap, precision_recall_f1, roc_auc, top1
from .resample import Resampling
from .result import SCORES_SCHEMA, ClassScores, Overall, ScoreReport
from .table import format_table

__all__ = [
    "SCORES_SCHEMA",
    "ClassScores",
    "LabelledPredictions",
    "LabelledScores",
    "Overall",
    "Resampling",
    "ScoreReport",
    "average_precision",
    "collect",
    "format_table",
    "judge",
    "lrap",
    "precision_recall_f1",
    "roc_auc",
    "score_records",
    "top1",
]
