"""Calibration: scores that are probabilities, fitted to labelled predictions, and folded into a model."""
