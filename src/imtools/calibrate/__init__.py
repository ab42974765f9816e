"""Calibration: scores that are probabilities, fitted to labelled predictions, and built into a model."""

from .fit import Calibration, Reliability, fit, reliability
from .model import CalibratedModel, calibratable, calibrate_model

__all__ = [
    "CalibratedModel",
    "Calibration",
    "Reliability",
    "calibratable",
    "calibrate_model",
    "fit",
    "reliability",
]
