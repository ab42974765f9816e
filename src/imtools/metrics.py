"""Metrics of multi-label classification, with the signatures of scikit-learn and a mask of what is known.

Array conventions, the same for every function:

- ``y_true``: labels, shape (n_items, n_classes), bool or anything that converts to it (0 and 1): whether a
  class is present in an item.
- ``y_score``: scores, the same shape, float; the higher, the more likely. Any finite numbers work for
  ranking metrics; thresholds are usually chosen for scores from 0 to 1.
- ``y_pred``: decisions, the same shape, bool: what `decide` makes of scores.
- ``known``: mask, the same shape, bool: which entries of ``y_true`` are known. ``None``, the default, means
  all. An unknown entry counts neither as positive nor as negative, and its score (even NaN) is ignored; an
  item or a class without any known entry is left out of means.

The order of positional arguments is ``(y_true, y_score, known)`` or ``(y_true, y_pred, known)``. With all
entries known, the numbers are those of scikit-learn; of single classes or items without a value too, where
scikit-learn warns or raises.

A metric of each class or item is NaN where it is not defined: for a class without positives (average
precision), without positives or negatives (ROC AUC), or without known entries (precision, recall, F1).
Means are taken over the defined values, and are NaN if there is none. Where something is known, a ratio of
counts 0/0 is 0. Computation is in float64, and memory grows linearly with ``n_items * n_classes``.

Every function raises `imtools.errors.UsageError` if the shapes differ or a known score is not finite.

Examples
--------
>>> import numpy as np
>>> from imtools import metrics
>>> y_true = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]])
>>> y_score = np.array([[0.9, 0.2, 0.4], [0.6, 0.7, 0.1], [0.7, 0.1, 0.3]])
>>> round(metrics.lrap(y_true, y_score), 4)
0.8333
>>> metrics.precision_recall_f1(y_true, y_score, threshold=0.5).micro.f1
0.75

If the third item is not annotated for the first class, its score for that class does not count.

>>> known = np.array([[1, 1, 1], [1, 1, 1], [0, 1, 1]])
>>> metrics.lrap(y_true, y_score, known)
1.0
"""

from .score.metrics import *  # noqa: F403  (its list of names is the only one)
from .score.metrics import __all__ as __all__
