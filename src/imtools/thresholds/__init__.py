"""The scores from which classes count as present: fitted to labelled predictions, kept in a JSON file."""

from ..choices import OBJECTIVES, Objective
from .apply import ThresholdMarker, apply_thresholds
from .file import THRESHOLDS_SCHEMA, Thresholds, ThresholdsFile
from .fit import fit
from .model import write_thresholds
from .records import PredictionsByModel, fit_records
from .sketch import Overlap, OverlapCounter, Seen, Sketch

__all__ = [
    "OBJECTIVES",
    "THRESHOLDS_SCHEMA",
    "Objective",
    "Overlap",
    "OverlapCounter",
    "PredictionsByModel",
    "Seen",
    "Sketch",
    "ThresholdMarker",
    "Thresholds",
    "ThresholdsFile",
    "apply_thresholds",
    "fit",
    "fit_records",
    "write_thresholds",
]
