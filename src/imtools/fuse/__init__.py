"""Fusion: the scores of several models for the same items, made into those of one."""

from .fusion import Fusion, merged
from .plan import plan
from .rules import RULES, Fused, Rule, fuse_scores
from .table import ScoreTable, whole_scores

__all__ = ["RULES", "Fused", "Fusion", "Rule", "ScoreTable", "fuse_scores", "merged", "plan", "whole_scores"]
