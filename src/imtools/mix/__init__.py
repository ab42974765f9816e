"""Mixes: which records sound together, and the recipes that lay them over each other."""

from .arrange import PlannedMix, SourcePool, arrange_combinations
from .compose import Composition
from .plan import material_of, plan, study
from .polyphony import arrange_levels
from .sync import SYNCS, Sync, Within, get_sync, in_order

__all__ = [
    "SYNCS",
    "Composition",
    "PlannedMix",
    "SourcePool",
    "Sync",
    "Within",
    "arrange_combinations",
    "arrange_levels",
    "get_sync",
    "in_order",
    "material_of",
    "plan",
    "study",
]
