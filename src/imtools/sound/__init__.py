"""The sound of a record: decoded from its file, or rendered from the recipe of a mix."""

from .overlay import headroom_db, overlay, overlay_pydub
from .reader import RecordReader
from .recipe import RENDERERS, MixTrack, Recipe
from .render import load_sound, render

__all__ = [
    "RENDERERS",
    "MixTrack",
    "Recipe",
    "RecordReader",
    "headroom_db",
    "load_sound",
    "overlay",
    "overlay_pydub",
    "render",
]
