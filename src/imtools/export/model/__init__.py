"""Trained models in formats that other programs run. Loads torch only when exporting."""
