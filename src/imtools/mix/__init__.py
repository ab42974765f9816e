"""Mixes: planned as recipes, rendered when they are needed."""

from .overlay import headroom_db, overlay
from .plan import plan
from .reader import RecordReader
from .recipe import MixTrack, Recipe
from .render import load_any, render
from .sync import SYNCS, Sync, get_sync

__all__ = [
    "SYNCS",
    "MixTrack",
    "Recipe",
    "RecordReader",
    "Sync",
    "get_sync",
    "headroom_db",
    "load_any",
    "overlay",
    "plan",
    "render",
]
