"""The harness of all commands: items, failures, journal, progress, exit codes."""

from .context import Options, Run
from .execute import execute
from .items import Item, read_items, record_items
from .stage import Blueprint, Passing, RecordStage, Stage, Work

__all__ = [
    "Blueprint",
    "Item",
    "Options",
    "Passing",
    "RecordStage",
    "Run",
    "Stage",
    "Work",
    "execute",
    "read_items",
    "record_items",
]
