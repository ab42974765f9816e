"""The harness that every command runs in: items, failures, journal, progress, exit codes."""

from .context import Options, Run, is_fatal
from .items import Item, read_items, record_items
from .stage import Passing, RecordStage, Stage, execute

__all__ = [
    "Item",
    "Options",
    "Passing",
    "RecordStage",
    "Run",
    "Stage",
    "execute",
    "is_fatal",
    "read_items",
    "record_items",
]
