"""The manifest: typed records, one JSON object a line (see imtools-manifest(5))."""

from .blocks import FeatureRef, Label, Prediction
from .ids import make_id, unique_ids
from .record import SEGMENT_SCHEMA, Record, unique_groups
from .stream import (
    dump_line,
    parse_line,
    read_manifest,
    rebase,
    write_manifest,
)

__all__ = [
    "SEGMENT_SCHEMA",
    "FeatureRef",
    "Label",
    "Prediction",
    "Record",
    "dump_line",
    "make_id",
    "parse_line",
    "read_manifest",
    "rebase",
    "unique_groups",
    "unique_ids",
    "write_manifest",
]
