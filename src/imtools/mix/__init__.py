"""Mixes: choosing the records to mix, and writing the recipes that overlay them."""

from .arrange import Combination, PlannedMix, SourcePool, arrange_combinations
from .compose import Composition
from .polyphony import arrange_levels
from .settings import MixSettings, mix_records
from .sync import SYNCS, Sync, Within, get_sync, in_order

__all__ = [
    "SYNCS",
    "Combination",
    "Composition",
    "MixSettings",
    "PlannedMix",
    "SourcePool",
    "Sync",
    "Within",
    "arrange_combinations",
    "arrange_levels",
    "get_sync",
    "in_order",
    "mix_records",
]
