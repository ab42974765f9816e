"""JAMS: annotations of music as JSON (Humphrey et al., 2014), here in the namespace ``tag_open``."""

from __future__ import annotations

import json
import os
from typing import Any

from ... import __version__
from ...choices import Origin
from ...manifest import Record
from .annotations import Annotation, record_annotations, timed_annotations

JAMS_VERSION = "0.3.4"
"""The version of the schema of the files."""


def jams(
    record: Record, origin: Origin | None = None, model: str | None = None, *, everything: bool = False
) -> dict[str, Any]:
    """Return a record as the JSON object of a JAMS file: an annotation for its labels, or for each model.

    Parameters
    ----------
    record : Record
        Times are relative to it; ``sandbox`` holds its file (an absolute path) and its position in it.
    origin, model, everything
        As for `imtools.export.records.annotations.timed_annotations`.

    Returns
    -------
    dict
        Observations with time and duration in seconds, the class as value, the score as confidence.
    """
    # A model that recognizes nothing has an annotation too: an empty one.
    by_model: dict[str | None, list[Annotation]] = {
        annotation.model: [] for annotation in record_annotations(record, origin, model)
    }
    for annotation in timed_annotations(record, origin, model, everything=everything):
        by_model[annotation.model].append(annotation)
    audio = None if record.audio is None else os.path.abspath(record.audio)
    place = {"audio": audio, "start": record.start, "duration": record.duration}
    rest = {"split": record.split, "fold": record.fold, "genre": record.genre, "groups": record.groups}
    return {
        "annotations": [_annotation(record, model, found) for model, found in by_model.items()],
        "file_metadata": {
            "artist": "",
            "title": "",
            "release": "",
            "duration": record.duration,
            "identifiers": {},
            "jams_version": JAMS_VERSION,
        },
        "sandbox": {"id": record.id} | place | {key: x for key, x in rest.items() if x not in (None, [])},
    }


def jams_text(record: Record, origin: Origin | None, model: str | None, *, everything: bool = False) -> str:
    """Return the text of a JAMS file.

    Parameters
    ----------
    record, origin, model, everything
        As for `jams`.
    """
    content = jams(record, origin, model, everything=everything)
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _annotation(record: Record, model: str | None, found: list[Annotation]) -> dict[str, Any]:
    source = str(record.source.get("dataset", "")) if model is None else ""
    annotator = {} if model is None else {"model": model}
    return {
        "namespace": "tag_open",
        "data": [_observation(record, annotation) for annotation in found],
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": annotator,
            "version": "",
            "corpus": source,
            "annotation_tools": f"imtools {__version__}",
            "annotation_rules": "",
            "validation": "",
            "data_source": "" if model is None else "program",
        },
        "time": 0.0,
        "duration": record.duration,
        "sandbox": {},
    }


def _observation(record: Record, annotation: Annotation) -> dict[str, Any]:
    start, duration = annotation.span(record)
    return {"time": start, "duration": duration, "value": annotation.label, "confidence": annotation.score}
