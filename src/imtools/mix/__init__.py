"""Mixes: arranged, composed into recipes, and rendered when they are needed."""

from .arrange import Material, Meeting, arrange_combinations
from .compose import Composition
from .overlay import headroom_db, overlay, overlay_pydub
from .plan import material_of, plan, study
from .polyphony import arrange_levels
from .reader import RecordReader
from .recipe import RENDERERS, MixTrack, Recipe
from .render import load_any, render
from .sync import SYNCS, Sync, Within, get_sync, in_order

__all__ = [
    "RENDERERS",
    "SYNCS",
    "Composition",
    "Material",
    "Meeting",
    "MixTrack",
    "Recipe",
    "RecordReader",
    "Sync",
    "Within",
    "arrange_combinations",
    "arrange_levels",
    "get_sync",
    "headroom_db",
    "in_order",
    "load_any",
    "material_of",
    "overlay",
    "overlay_pydub",
    "plan",
    "render",
    "study",
]
