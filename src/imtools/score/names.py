"""Names of the metrics in tables and pictures."""

from __future__ import annotations

FIGURES = {
    "lrap": "LRAP",
    "auc": "AUC, macro",
    "mean_ap": "mAP",
    "top1": "top-1, items with one class",
    "precision_micro": "precision, micro",
    "recall_micro": "recall, micro",
    "f1_micro": "F1, micro",
    "precision_macro": "precision, macro",
    "recall_macro": "recall, macro",
    "f1_macro": "F1, macro (mean of F1s)",
    "macro_f1_of_means": "F1, macro (F1 of the means)",
    "accuracy": "accuracy of all decisions",
    "iou": "intersection over union",
    "emr": "exact match ratio",
}
"""Names of `ScoreReport.figures`, in the order in which they are shown."""

RANKING = ("lrap", "auc", "mean_ap", "top1")
"""The metrics that need no threshold."""

CLASS_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "auc": "AUC",
    "ap": "AP",
    "accuracy": "accuracy",
}
"""Names of `CLASS_FIGURES`."""
