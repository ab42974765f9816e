"""Prediction: windows of a record, scores of a model, and their mean. Loads torch only when predicting."""
