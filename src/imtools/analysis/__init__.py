"""Analyses of a signal: f0, tempo, key."""
