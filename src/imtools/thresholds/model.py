"""Writing fitted thresholds into a model directory."""

from __future__ import annotations

import os
from dataclasses import replace

from ..choices import Aggregation
from ..errors import UsageError
from .file import ThresholdsFile


def write_thresholds(
    folder: str | os.PathLike[str], file: ThresholdsFile, *, aggregation: Aggregation | None = None
) -> None:
    """Write the thresholds of a model into its directory; its weights and its name do not change.

    Classes without a fitted threshold keep theirs.

    Parameters
    ----------
    folder : path-like
        The model directory.
    file : ThresholdsFile
        Thresholds, among them those of this model.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        How the scores that they were fitted to were made of those of windows, if not by the model itself.

    Raises
    ------
    UsageError
        If there are none of this very model, they are for scores that it aggregates in another way, or the
        model is the one that comes with imtools.
    ModelError
        If the directory contains no model.
    """
    from ..models.bundle import full_name, read_description, write_description
    from ..models.locate import BUNDLED

    path = os.fspath(folder)
    if path == BUNDLED:
        hint = "keep the thresholds in a file, and apply them to predictions"
        raise UsageError(f"{path}: belongs to imtools and is not changed", hint)
    description = read_description(path)
    name = full_name(description)
    if name not in file.models:
        what = f"{path}: holds model {name}, but these are predictions of {', '.join(file.models)}"
        raise UsageError(what, "predict with this very model")
    if aggregation not in (None, description.aggregation):
        what = f"{path}: makes scores of windows by {description.aggregation}, not {aggregation}"
        raise UsageError(what, "fit without `aggregation`, or keep the thresholds in a file")
    fitted = file.models[name].classes
    limits = zip(description.labels, description.thresholds, strict=True)
    changed = replace(description, thresholds=[fitted.get(label, before) for label, before in limits])
    write_description(path, changed)
