"""Metrics of multi-label classification on matrices that may have unknown entries.

Everywhere ``Y`` is a bool matrix of shape (n items, k classes), ``S`` the real scores of the same shape,
and ``known`` the bool mask of the entries of ``Y`` that are knowledge (``None``: all). Unknown entries
count nowhere; items or classes of which nothing is known are left out. A ratio 0/0 is 0. Without a mask
the numbers are scikit-learn's. Memory grows linearly with ``n * k``.
"""

from .decisions import Decisions, precision_recall_f1
from .matrices import Ratios
from .ranking import average_precision, lrap, roc_auc, top1

__all__ = ["Decisions", "Ratios", "average_precision", "lrap", "precision_recall_f1", "roc_auc", "top1"]
