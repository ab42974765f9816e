"""The directory of a model: the one that is named, or one in this package."""

from __future__ import annotations

import os
from pathlib import Path

BUNDLED = "bundled"
"""The name of the model that comes with imtools; a directory of that name is ``./bundled``."""

_BUNDLED_FOLDER = Path(__file__).parent / BUNDLED


def locate(name: str | os.PathLike[str]) -> Path:
    """Return the directory of a model.

    Parameters
    ----------
    name : path
        A model directory, or ``"bundled"``.

    Returns
    -------
    Path
        The directory; it need not exist.
    """
    return _BUNDLED_FOLDER if os.fspath(name) == BUNDLED else Path(name)
