"""From what score on a class counts as present: fitted on labelled predictions, kept in a file of JSON."""

from .file import THRESHOLDS_SCHEMA, Thresholds, ThresholdsFile
from .fit import OBJECTIVES, Objective, fit
from .sketch import Overlap, OverlapCounter, Seen, Sketch

__all__ = [
    "OBJECTIVES",
    "THRESHOLDS_SCHEMA",
    "Objective",
    "Overlap",
    "OverlapCounter",
    "Seen",
    "Sketch",
    "Thresholds",
    "ThresholdsFile",
    "fit",
]
