"""Fusion: combining the scores of several models for the same items."""

from ..choices import RULES, Rule
from .fusion import Fusion, merged
from .plan import Weights, plan
from .rules import Fused, fuse_scores
from .table import ScoreTable, whole_scores

__all__ = [
    "RULES",
    "Fused",
    "Fusion",
    "Rule",
    "ScoreTable",
    "Weights",
    "fuse_scores",
    "merged",
    "plan",
    "whole_scores",
]
