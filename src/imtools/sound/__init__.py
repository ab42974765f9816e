"""The audio of a record: decoded from its file, read from an array, or rendered from the recipe of a mix.

Samples are float32; full scale is 1. They have shape ``(num_samples,)`` where the channels are averaged
(``mono``), and ``(channels, num_samples)`` otherwise. The sampling rate is that of the record.
"""

from .array import ArrayFile
from .overlay import headroom_db, overlay, overlay_pydub
from .reader import RecordReader
from .recipe import MixTrack, Recipe
from .render import load_sound, render

__all__ = [
    "ArrayFile",
    "MixTrack",
    "Recipe",
    "RecordReader",
    "headroom_db",
    "load_sound",
    "overlay",
    "overlay_pydub",
    "render",
]
