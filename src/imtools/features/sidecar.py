"""The parameters of stored features, kept beside them: they cannot be recovered from the hash in a record."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..atomic import write_text
from ..errors import FeatureError, UsageError
from ..manifest import FeatureRef
from .front_ends.base import FrontEnd
from .presets import PRESETS, from_config

_SCHEMA = "imtools/front-end/1"


def describe(folder: str | os.PathLike[str], front_end: FrontEnd) -> None:
    """Write ``KIND.json`` into a folder of arrays: the front end that computes them.

    Parameters
    ----------
    folder : path
        Where the arrays are.
    front_end : FrontEnd
        The file is named after its kind.
    """
    content = {"schema": _SCHEMA, "hash": front_end.config_hash, "config": front_end.config}
    write_text(Path(folder) / f"{front_end.kind}.json", json.dumps(content, indent=1) + "\n")


def front_end_of(kind: str, ref: FeatureRef) -> FrontEnd:
    """Return the front end that computed a stored feature.

    Parameters
    ----------
    kind : str
        Kind of the feature.
    ref : FeatureRef
        Where it is; beside its array lies ``KIND.json``, unless a preset computed it.

    Raises
    ------
    FeatureError
        If neither that file nor a preset gives the feature's ``config``.
    """
    path = Path(ref.path).parent / f"{kind}.json"
    candidates = [dict(preset) for preset in PRESETS.values() if preset["kind"] == kind]
    if path.exists():
        try:
            candidates.insert(0, json.loads(path.read_text(encoding="utf-8"))["config"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            hint = "compute the features again"
            raise FeatureError(f"{path}: does not describe a front end ({error!r})", hint) from None
    for config in candidates:
        try:
            front_end = from_config(config)
        except UsageError as error:
            raise FeatureError(f"{path}: {error.message}", "compute the features again") from None
        if front_end.config_hash == ref.config:
            return front_end
    raise FeatureError(
        f"{ref.path}: was computed by an unknown front end ({ref.config[:19]}...)",
        f"keep {path.name}, which im-features writes, beside the arrays",
    )
