"""Front ends (from waveforms to time-frequency representations), their presets, and the store of features.

Importing this package loads neither torch nor numpy: the front ends load when one is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .presets import (
    DEFAULT_PRESET,
    KINDS,
    PRESETS,
    Kind,
    from_config,
    front_end,
)

if TYPE_CHECKING:
    from .extract import extract_features

__all__ = ["DEFAULT_PRESET", "KINDS", "PRESETS", "Kind", "extract_features", "from_config", "front_end"]


def __getattr__(name: str) -> Any:
    if name == "extract_features":
        from .extract import extract_features

        return extract_features
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
